package config

import (
	"slices"
	"strings"
)

// restWave is the wave of the cities that no other has taken.
const restWave = "rest"

// Step is a wave with the cities that it has in the end.
type Step struct {
	// Name is the wave's.
	Name string
	// Cities are its cities, ordered by name; at least one.
	Cities []City
}

// Steps are the region's waves, in order, with the cities of each. Every city is in one of them, wherever it stands in the file; a wave
// that has none is left out.
func (r *Region) Steps() []Step {
	open := slices.SortedFunc(slices.Values(r.Cities), func(a, b City) int { return strings.Compare(a.Name, b.Name) })
	take := func(wanted func(City) bool) []City {
		var taken, left []City
		for _, c := range open {
			if wanted(c) {
				taken = append(taken, c)
			} else {
				left = append(left, c)
			}
		}
		open = left
		return taken
	}
	steps := make([]Step, len(r.Waves))
	for i, w := range r.Waves {
		steps[i] = Step{w.Name, take(func(c City) bool { return slices.Contains(w.Cities, c.Name) })}
	}
	// Those that are named are gone now, whether their wave comes before or after.
	unnamed, sofar := len(open), 0
	for i, w := range r.Waves {
		if w.Percent == 0 {
			continue
		}
		upTo := (unnamed*w.Percent + 99) / 100
		n := min(max(upTo-sofar, 0), len(open))
		steps[i].Cities, open = open[:n:n], open[n:]
		sofar += n
	}
	steps = append(steps, Step{restWave, open})
	return slices.DeleteFunc(steps, func(s Step) bool { return len(s.Cities) == 0 })
}
