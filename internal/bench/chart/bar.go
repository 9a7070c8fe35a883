package chart

import (
	"math"
	"strings"
)

// Bars is a chart of groups of bars: side by side, or with Stacked one upon the other.
type Bars struct {
	Title, Unit string
	// Names are those of the bars of each group.
	Names   []string
	Groups  []Group
	Stacked bool
}

// Group is a few bars, as many as there are names. One whose value is no number is left out.
type Group struct {
	Name   string
	Values []float64
}

// SVG draws the chart.
func (b Bars) SVG() []byte {
	d := newDrawing(b.Title, "bars")
	high := 0.0
	for _, g := range b.Groups {
		high = max(high, b.highest(g))
	}
	d.key(b.Names)
	y := d.scale(high, b.Unit)
	room := (width - left - right) / float64(max(len(b.Groups), 1))
	for i, g := range b.Groups {
		x := left + room*float64(i)
		// What stands behind a comma gets a line of its own: names would overlap otherwise where there are many groups.
		for line, part := range strings.Split(g.Name, ", ") {
			d.text(x+room/2, height-bottom+18+14*float64(line), "note", "middle", part)
		}
		if b.Stacked {
			d.stack(x+room/4, room/2, y, g)
		} else {
			d.row(x+room*.1, room*.8/float64(max(len(g.Values), 1)), y, g)
		}
	}
	return d.end()
}

// highest is how high a group is.
func (b Bars) highest(g Group) float64 {
	sum, high := 0.0, 0.0
	for _, v := range g.Values {
		if math.IsNaN(v) {
			continue
		}
		sum += v
		high = max(high, v)
	}
	if b.Stacked {
		return sum
	}
	return high
}

// row draws bars side by side, each with its value.
func (d *drawing) row(x, each float64, y func(float64) float64, g Group) {
	for i, v := range g.Values {
		if math.IsNaN(v) {
			continue
		}
		at := x + each*float64(i)
		d.bar(i, at+each*.05, each*.9, y(v), y(0))
		d.text(at+each/2, y(v)-4, "note", "middle", number(v))
	}
}

// stack draws bars one upon the other, and their sum.
func (d *drawing) stack(x, wide float64, y func(float64) float64, g Group) {
	sum := 0.0
	for i, v := range g.Values {
		if math.IsNaN(v) {
			continue
		}
		d.bar(i, x, wide, y(sum+v), y(sum))
		sum += v
	}
	d.text(x+wide/2, y(sum)-4, "note", "middle", number(sum))
}

func (d *drawing) bar(color int, x, wide, from, to float64) {
	d.add(`<rect class="bar c%d" x="%s" y="%s" width="%s" height="%s"/>`, color%most, px(x), px(from), px(wide), px(to-from))
}
