package chart

import "math"

// Percentiles is a chart of distributions by their percentiles, on a scale that has as much room for the worst thousandth as for the better half.
type Percentiles struct {
	Title, Unit string
	Series      []Series
}

// Series is one distribution.
type Series struct {
	Name   string
	Points []Point
}

// Point is a percentile, below 100, and its value.
type Point struct {
	Percentile float64 `json:"percentile"`
	Value      float64 `json:"value"`
}

// marked are the percentiles that are named below the chart.
func marked() []struct {
	at   float64
	name string
} {
	return []struct {
		at   float64
		name string
	}{{0, "0"}, {50, "50"}, {90, "90"}, {99, "99"}, {99.9, "99.9"}, {99.99, "99.99"}}
}

// nines is where a percentile lies: 0 for 0, 1 for 90, 2 for 99.
func nines(percentile float64) float64 { return -math.Log10(1 - percentile/100) }

// SVG draws the chart.
func (p Percentiles) SVG() []byte {
	d := newDrawing(p.Title, "values by percentile")
	var names []string
	high := 0.0
	for _, s := range p.Series {
		names = append(names, s.Name)
		for _, point := range s.Points {
			high = max(high, point.Value)
		}
	}
	d.key(names)
	y := d.scale(high, p.Unit)
	const plotWidth = width - left - right
	x := func(percentile float64) float64 { return left + plotWidth*min(nines(percentile)/nines(99.99), 1) }
	for _, m := range marked() {
		d.add(`<line class="grid" x1="%s" y1="%s" x2="%s" y2="%s"/>`, px(x(m.at)), px(top), px(x(m.at)), px(height-bottom))
		d.text(x(m.at), height-bottom+18, "note", "middle", m.name)
	}
	d.text(left+plotWidth/2, height-14, "note", "middle", "percentile, %")
	for i, s := range p.Series {
		path := ""
		for j, point := range s.Points {
			path += map[bool]string{true: "M", false: "L"}[j == 0] + px(x(point.Percentile)) + " " + px(y(point.Value))
		}
		d.add(`<path class="line c%d" d="%s"/>`, i%most, path)
	}
	return d.end()
}

// scale draws the grid of values, and tells where a value lies.
func (d *drawing) scale(high float64, unit string) func(float64) float64 {
	by := step(high)
	lines := max(math.Ceil(high/by), 1)
	const plotHeight = height - top - bottom
	y := func(v float64) float64 { return height - bottom - plotHeight*v/(lines*by) }
	for i := 0.0; i <= lines; i++ {
		class := "grid"
		if i == 0 {
			class = "axis"
		}
		d.add(`<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, px(left), px(y(i*by)), px(width-right), px(y(i*by)))
		label := number(i * by)
		if i == lines {
			label += " " + unit
		}
		d.text(left-8, y(i*by)+4, "note", "end", label)
	}
	return y
}
