package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/edge-arena/edge-arena/modules/config"
)

// worldMap is the map of the cities. A narrow screen shows it smaller, so that letters and marks have to be larger there: it has
// names for both.
type worldMap struct {
	Width, Height string
	Land          string
	Grid          []gridLine
	Dots          []dot // the most urgent last, which is on top
	Wide, Narrow  []label
}

// dot is a city on the map.
type dot struct {
	X, Y   string
	Result result
	ID     string
	Lines  []string // what there is to know at a glance
}

// gridLine is a parallel or a meridian.
type gridLine struct{ Path, X, Y, Label string }

// newWorldMap draws the cities that have a location; nil where none has.
func newWorldMap(cities []city) (*worldMap, error) {
	var there []*city
	var locations []config.Location
	for i := range cities {
		if cities[i].Location != nil {
			there = append(there, &cities[i])
			locations = append(locations, *cities[i].Location)
		}
	}
	if len(there) == 0 {
		return nil, nil
	}
	p := fit(locations)
	land, err := p.land()
	if err != nil {
		return nil, err
	}
	m := &worldMap{Width: px(mapWidth), Height: px(p.height), Land: land, Grid: p.grid()}
	slices.SortStableFunc(there, func(a, b *city) int { return cmp.Compare(a.Result.urgency(), b.Result.urgency()) })
	var places []named
	for _, c := range there {
		at := p.at(*c.Location)
		places = append(places, named{at, c.Name})
		m.Dots = append(m.Dots, dot{X: px(at.x), Y: px(at.y), Result: c.Result, ID: c.ID, Lines: glance(c)})
	}
	slices.Reverse(m.Dots)
	// The sizes are those of style.css.
	m.Wide, m.Narrow = placeLabels(places, p.height, 12, 7), placeLabels(places, p.height, 27, 13)
	return m, nil
}

// glance is what a dot's tooltip says.
func glance(c *city) []string {
	lines := []string{c.Name + ", " + c.Region, c.Result.Label()}
	if c.Gate != nil {
		lines = append(lines, fmt.Sprintf("RTT P50 %s, P99 %s, P999 %s ms", c.P50.Value, c.P99.Value, c.P999.Value))
	}
	if c.Owed != nil {
		lines = append(lines, "owed since "+c.OwedSince+": "+c.Owed.Reason)
	}
	if c.Error != "" {
		first, _, _ := strings.Cut(c.Error, "\n")
		lines = append(lines, first)
	}
	return lines
}

// grid are parallels and meridians at round degrees, some four or more each way.
func (p projection) grid() []gridLine {
	step := 30.0
	for _, s := range []float64{10, 5, 2, 1} {
		if p.height/p.y/step < 4 {
			step = s
		}
	}
	var lines []gridLine
	south, east := p.north-p.height/p.y, p.west+mapWidth/p.x
	for lat := math.Ceil(south/step) * step; lat < p.north; lat += step {
		if math.Abs(lat) > 90 {
			continue
		}
		y := p.project(0, lat).y
		lines = append(lines, gridLine{fmt.Sprintf("M0 %sH%s", px(y), px(mapWidth)), "4", px(y - 4), degrees(lat, "N", "S")})
	}
	for lon := math.Ceil(p.west/step) * step; lon < east; lon += step {
		x := p.project(lon, 0).x
		lines = append(lines, gridLine{fmt.Sprintf("M%s 0V%s", px(x), px(p.height)), px(x + 4), px(p.height - 5), degrees(around180(lon), "E", "W")})
	}
	return lines
}

// around180 is the same longitude between -180 and 180.
func around180(lon float64) float64 { return math.Mod(lon+540, 360) - 180 }

func degrees(v float64, positive, negative string) string {
	switch {
	case v > 0:
		return number(v) + "°" + positive
	case v < 0:
		return number(-v) + "°" + negative
	}
	return "0°"
}
