package report

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"

	"github.com/edge-arena/edge-arena/internal/fleet"
	"github.com/edge-arena/edge-arena/internal/slo"
)

// page is all that the templates show.
type page struct {
	Options
	CSS     template.CSS
	Taken   string
	Tiles   []tile
	Counts  []count
	Map     *worldMap // nil where no city has a location
	Nowhere []city    // cities without a location
	Regions []region
	Cities  int
	Axis    axis
	Totals  []planRow
}

// tile is one number of the page's head.
type tile struct{ Label, Value, Note, Class string }

// region is a region and what the page says of it.
type region struct {
	fleet.RegionStatus
	Cities   []city
	Waves    []wave
	Counts   []count
	Problems []city // those with something to tell
	Plan     planRow
	Took     string
}

// Unmeasured are the names of the cities without a histogram.
func (r region) Unmeasured() []string {
	var names []string
	for i := range r.Cities {
		if r.Cities[i].Histogram == nil {
			names = append(names, r.Cities[i].Name)
		}
	}
	return names
}

// wave is a wave of a region.
type wave struct {
	Name   string
	Cities []city
}

// city is a city and what the page says of it.
type city struct {
	fleet.CityStatus
	// ID is that of the city's row: names would need escaping, and two regions may each have a city of the same name.
	ID             string
	Region         string
	Result         result
	P50, P99, P999 measure
	Ticks          measure
	Played         string
	OwedSince      string
	Histogram      *histogram // nil where nothing was measured
	Plan           planRow
	Missed         []string // the objectives that were missed, in words
}

// measure is something measured and what is required of it.
type measure struct {
	Value, Limit string
	Miss         bool
}

func newPage(s fleet.Snapshot, o Options) (page, error) {
	p := page{Options: o, CSS: style, Taken: when(s.Taken)}
	var all []city
	for i := range s.Regions {
		r := newRegion(i, s.Regions[i])
		p.Regions = append(p.Regions, r)
		all = append(all, r.Cities...)
	}
	p.Cities, p.Counts, p.Totals = len(all), countResults(all), totals(p.Regions)
	p.Axis = newAxis(all)
	for i := range p.Regions {
		for j := range p.Regions[i].Cities {
			c := &p.Regions[i].Cities[j]
			c.Histogram = p.Axis.histogram(c.Gate)
		}
	}
	p.Nowhere = slices.DeleteFunc(slices.Clone(all), func(c city) bool { return c.Location != nil })
	p.Tiles = tiles(len(p.Regions), all, p.Totals)
	var err error
	p.Map, err = newWorldMap(all)
	return p, err
}

func newRegion(index int, s fleet.RegionStatus) region {
	r := region{RegionStatus: s}
	if s.Seconds > 0 {
		r.Took = took(s.Seconds)
	}
	r.Plan = planRow{Currency: s.Currency}
	for i := range s.Cities {
		c := newCity(fmt.Sprintf("city-%d-%d", index+1, i+1), s.Name, s.Currency, s.Cities[i])
		r.Cities = append(r.Cities, c)
		r.Plan = r.Plan.plus(c.Plan)
		if c.tells() {
			r.Problems = append(r.Problems, c)
		}
	}
	r.Counts, r.Waves = countResults(r.Cities), wavesOf(s.Waves, r.Cities)
	return r
}

// wavesOf sorts cities into the waves of these names; a city of none of them gets the one that it names.
func wavesOf(names []string, cities []city) []wave {
	var waves []wave
	for _, name := range names {
		waves = append(waves, wave{Name: name})
	}
	for i := range cities {
		at := slices.IndexFunc(waves, func(w wave) bool { return w.Name == cities[i].Wave })
		if at < 0 {
			at = len(waves)
			waves = append(waves, wave{Name: cities[i].Wave})
		}
		waves[at].Cities = append(waves[at].Cities, cities[i])
	}
	return waves
}

func newCity(id, region, currency string, s fleet.CityStatus) city {
	c := city{
		CityStatus: s, ID: id, Region: region, Result: resultOf(&s), Played: none,
		Plan: planRow{Nodes: s.Nodes, Pods: s.Pods, Free: s.FreePods, Cost: s.Cost, Baseline: s.Baseline, Currency: currency},
	}
	if s.Owed != nil {
		c.OwedSince = when(s.Owed.Since)
	}
	g := s.Gate
	if g == nil {
		return c
	}
	c.Played = when(g.Started)
	c.P50, c.P99, c.P999 = measured(g, "rtt_p50", g.RTT.P50), measured(g, "rtt_p99", g.RTT.P99), measured(g, "rtt_p999", g.RTT.P999)
	c.Ticks = measured(g, "tick_rate", g.TickRate)
	for _, v := range g.Verdicts {
		if !v.Pass {
			c.Missed = append(c.Missed, missed(v))
		}
	}
	return c
}

// tells whether there is more to say of the city than its row in the table does.
func (c *city) tells() bool {
	return c.Result.Attention() || c.Error != "" || c.Gate != nil && (len(c.Gate.Warnings) > 0 || c.Gate.RolledBackTo != "")
}

// verdict finds the objective of this name.
func verdict(g *slo.Outcome, name string) (slo.Verdict, bool) {
	at := slices.IndexFunc(g.Verdicts, func(v slo.Verdict) bool { return v.Name == name })
	if at < 0 {
		return slo.Verdict{}, false
	}
	return g.Verdicts[at], true
}

// measured is the value of an objective, or fallback where the gate had no such objective.
func measured(g *slo.Outcome, name string, fallback float64) measure {
	show := millis
	if name == "tick_rate" {
		show = func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
	}
	v, ok := verdict(g, name)
	if !ok {
		return measure{Value: show(fallback)}
	}
	m := measure{Value: "nothing", Limit: sign(v) + number(v.Threshold), Miss: !v.Pass}
	if v.Value != nil {
		m.Value = show(*v.Value)
	}
	return m
}

func sign(v slo.Verdict) string {
	if v.Comparison == ">=" {
		return "≥"
	}
	return v.Comparison
}

// objectiveNames are what the page calls objectives.
var objectiveNames = map[string]string{"rtt_p50": "RTT P50", "rtt_p99": "RTT P99", "rtt_p999": "RTT P999", "tick_rate": "slowest pod's ticks"}

func missed(v slo.Verdict) string {
	name := v.Name
	if words, ok := objectiveNames[name]; ok {
		name = words
	}
	unit := " " + v.Unit
	if v.Unit == "1/s" {
		unit = "/s"
	}
	value := "nothing was measured"
	if v.Value != nil {
		value = strconv.FormatFloat(*v.Value, 'f', 2, 64) + unit
	}
	return fmt.Sprintf("%s: %s, required %s %s%s", name, value, sign(v), number(v.Threshold), unit)
}

// tiles are the numbers of the page's head.
func tiles(regions int, cities []city, totals []planRow) []tile {
	var pods, free, nodes int
	states := map[fleet.State]int{}
	for i := range cities {
		nodes, pods, free = nodes+cities[i].Nodes, pods+cities[i].Pods, free+cities[i].FreePods
		states[cities[i].State]++
	}
	list := []tile{
		{Label: "regions", Value: strconv.Itoa(regions)},
		{Label: "cities", Value: strconv.Itoa(len(cities)), Note: plural(nodes, "node", "nodes")},
		{Label: "pods", Value: thousands(pods), Note: "room for " + thousands(free) + " more"},
	}
	for _, s := range []fleet.State{fleet.Done, fleet.Failed, fleet.Owed, fleet.Running, fleet.Untouched} {
		t := tile{Label: string(s), Value: strconv.Itoa(states[s]), Note: "cities", Class: string(s)}
		if s == fleet.Running && states[s] == 0 {
			continue // nothing runs most of the time
		}
		if states[s] == 0 {
			t.Class = "zero"
		}
		list = append(list, t)
	}
	for _, t := range totals {
		list = append(list,
			tile{Label: "cost a month", Value: t.CostText(), Note: t.Currency, Class: "money"},
			tile{Label: "saved", Value: t.Saving(), Note: "against containers for " + t.BaselineText() + " " + t.Currency, Class: "money"})
	}
	return list
}
