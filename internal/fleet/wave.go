package fleet

import (
	"slices"

	"github.com/edge-arena/edge-arena/internal/rollout"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/modules/config"
)

// wave is one run of the engine: what it is about, and what it leaves alone.
type wave struct {
	// name is the wave's.
	name string
	// cities are those that it brings up, without the offline ones.
	cities []string
	// flags have the engine leave the others alone.
	flags []string
	// run tells the program of them.
	run rollout.Run
}

// guard is a replacement of nothing. With it the engine refuses to work on what depends on an excluded resource that was never made, where it
// would else break its state.
var guard = []string{"--replace", "**::no-such-resource"}

// waves plans the runs of a region. What comes later is left alone until it is its turn, and what is offline always is. Cities that the
// file no longer has are removed by the last run, when everything else went well.
//
// An engine that leaves a city alone cannot have parts of it that are still to be deleted, as a run that was cut off leaves them, unless
// the program registers the city all the same. Where a city of a later wave is like that there is one run for all waves: the gates, on
// which those depend, still hold them up.
func waves(steps []config.Step, state stack.State, owed map[string]Debt, removed []string) []wave {
	if len(steps) > 1 && slices.ContainsFunc(slices.Concat(citiesOf(steps[1:])...), func(c config.City) bool {
		_, offline := owed[c.Name]
		return !offline && state.Pending(c.Name)
	}) {
		steps = []config.Step{{Name: everyWave, Cities: slices.Concat(citiesOf(steps)...)}}
	}
	var plan []wave
	for i, step := range steps {
		w := wave{name: step.Name, run: rollout.Run{Owed: owed}}
		var apart []string
		for j, other := range steps {
			for _, c := range other.Cities {
				_, offline := owed[c.Name]
				switch {
				case offline || j > i:
					apart = append(apart, c.Name)
				case j == i:
					w.cities = append(w.cities, c.Name)
				}
			}
		}
		if i < len(steps)-1 {
			apart = append(apart, removed...)
		}
		for _, city := range apart {
			w.flags = append(w.flags, rollout.Exclude(city)...)
			if !state.Pending(city) {
				w.run.LeftOut = append(w.run.LeftOut, city)
			}
		}
		if len(apart) > 0 {
			w.flags = append(w.flags, guard...)
		}
		plan = append(plan, w)
	}
	return plan
}

// everyWave is the name of the run that is all waves at once.
const everyWave = "all"

func citiesOf(steps []config.Step) [][]config.City {
	var list [][]config.City
	for _, s := range steps {
		list = append(list, s.Cities)
	}
	return list
}
