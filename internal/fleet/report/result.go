package report

import "github.com/edge-arena/edge-arena/internal/fleet"

// result is how a city stands against its objectives; it decides the city's mark.
type result string

// The results, from the most to the least urgent.
const (
	failed    result = "failed"
	miss      result = "miss"
	owed      result = "owed"
	pending   result = "pending"
	untouched result = "untouched"
	pass      result = "pass"
)

// results are all of them as legends list them.
var results = []result{pass, miss, failed, owed, pending, untouched}

// resultOf judges a city. An earlier gate's result says nothing of a city that is being worked on, was not come to or is owed.
func resultOf(c *fleet.CityStatus) result {
	switch {
	case c.State == fleet.Owed || c.Owed != nil:
		return owed
	case c.State == fleet.Untouched || c.State == fleet.Stopped || c.State == "":
		return untouched
	case c.State == fleet.Running:
		return pending
	case c.Gate != nil && !c.Gate.Pass:
		return miss
	case c.State == fleet.Failed:
		return failed
	case c.Gate == nil:
		return pending
	}
	return pass
}

// Label is the result in words.
func (r result) Label() string {
	return map[result]string{
		failed: "failed", miss: "missed objectives", owed: "owed an update", pending: "no result yet", untouched: "untouched",
		pass: "objectives held",
	}[r]
}

// Attention tells whether somebody should look at the city.
func (r result) Attention() bool { return r == failed || r == miss || r == owed }

// urgency orders results: the most urgent is least.
func (r result) urgency() int {
	for i, other := range []result{failed, miss, owed, pending, untouched, pass} {
		if r == other {
			return i
		}
	}
	return len(results)
}

// count is how many cities have a result, or are in a state.
type count struct {
	Result result
	N      int
}

func countResults(cities []city) []count {
	var counts []count
	for _, r := range results {
		n := 0
		for i := range cities {
			if cities[i].Result == r {
				n++
			}
		}
		counts = append(counts, count{r, n})
	}
	return counts
}
