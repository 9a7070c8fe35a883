package fleet

import (
	"github.com/edge-arena/edge-arena/internal/rollout"
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

// waves plans the runs of a region. What comes later is left alone until it is its turn, and what is offline always is. Cities that the
// file no longer has are removed by the last run, when everything else went well.
func waves(steps []config.Step, owed map[string]Debt, removed []string) []wave {
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
		}
		w.run.LeftOut = apart
		plan = append(plan, w)
	}
	return plan
}
