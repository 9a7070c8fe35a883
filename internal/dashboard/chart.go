package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The size of a chart, in the units of its own picture, which is scaled to its panel: the plot with room for labels at the left and below.
const (
	chartWidth  = 600.0
	chartHeight = 200.0
	labelWidth  = 64.0
	labelHeight = 18.0
)

// axes turn times and values into places.
type axes struct {
	span     Span
	low, top float64
}

func (a axes) x(t time.Time) float64 {
	return labelWidth + (chartWidth-labelWidth)*float64(t.Sub(a.span.From))/float64(a.span.To.Sub(a.span.From))
}

func (a axes) y(v float64) float64 {
	return (chartHeight - labelHeight) * (1 - (v-a.low)/(a.top-a.low))
}

// curve is a series with its name.
type curve struct {
	Name   string
	Color  int
	Last   string
	points []Point
}

// lines draws curves over time.
func lines(curves []curve, unit string, span Span) template.HTML {
	a := axes{span: span, low: 0, top: 0}
	for _, c := range curves {
		for _, p := range c.points {
			a.low, a.top = min(a.low, p.Value), max(a.top, p.Value)
		}
	}
	step := niceStep((a.top - a.low) / 4)
	if unit == "bytes" {
		scale := math.Pow(1024, math.Floor(math.Log(max(1, a.top))/math.Log(1024)))
		step = niceStep((a.top-a.low)/4/scale) * scale
	}
	a.low, a.top = math.Floor(a.low/step)*step, math.Ceil(a.top/step)*step
	if a.top == a.low {
		a.top = a.low + step
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img">`, chartWidth, chartHeight)
	for v := a.low; v <= a.top+step/2; v += step {
		fmt.Fprintf(&b, `<path class="grid" d="M%g %.1fH%g"/><text class="y" x="%g" y="%.1f">%s</text>`,
			labelWidth, a.y(v), chartWidth, labelWidth-6, a.y(v)+4, template.HTMLEscapeString(format(v, unit)))
	}
	timeLabels(&b, a)
	for _, c := range curves {
		fmt.Fprintf(&b, `<path class="curve c%d" d="%s"/>`, c.Color, path(c.points, a))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // Numbers, and text that is escaped.
}

// path is the way through points. Where some are missing it has a gap.
func path(points []Point, a axes) string {
	var b strings.Builder
	for i, p := range points {
		word := "L"
		if i == 0 || p.At.Sub(points[i-1].At) > 2*a.span.Step {
			word = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", word, a.x(p.At), a.y(p.Value))
		if word == "M" {
			b.WriteString("h.1") // A single point is to be seen, too.
		}
	}
	return b.String()
}

func timeLabels(b *strings.Builder, a axes) {
	const labels = 5
	for i := range labels {
		t := a.span.From.Add(a.span.To.Sub(a.span.From) * time.Duration(i) / (labels - 1))
		anchor := "middle"
		switch i {
		case 0:
			anchor = "start"
		case labels - 1:
			anchor = "end"
		}
		fmt.Fprintf(b, `<text text-anchor="%s" x="%.1f" y="%g">%s</text>`, anchor, a.x(t), chartHeight-2, t.UTC().Format("15:04:05"))
	}
}

// niceStep is the least of 1, 2, 5, 10, … that is not below v.
func niceStep(v float64) float64 {
	if v <= 0 {
		return 1
	}
	size := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if n*size >= v {
			return n * size
		}
	}
	return 10 * size
}

// bucket is one row of a heatmap: how many values fell between its bound and the one before, over time.
type bucket struct {
	bound  float64
	name   string
	points []Point
}

// each takes from the counts of buckets those of the buckets below, and returns the largest that is left.
func each(buckets []bucket) (most float64) {
	below := map[time.Time]float64{}
	for i := range buckets {
		points := slices.Clone(buckets[i].points)
		for j, p := range points {
			points[j].Value = max(0, p.Value-below[p.At])
			below[p.At] = p.Value
			most = max(most, points[j].Value)
		}
		buckets[i].points = points
	}
	return most
}

// heat draws the buckets of a histogram, whose series are named by their upper bounds and count all that is below, as Prometheus has them.
func heat(series []Series, span Span) template.HTML {
	var buckets []bucket
	for _, s := range series {
		bound, err := strconv.ParseFloat(s.Labels["le"], 64)
		if err != nil {
			continue
		}
		name := s.Labels["le"]
		if !math.IsInf(bound, 0) {
			name = formatSeconds(bound)
		}
		buckets = append(buckets, bucket{bound: bound, name: name, points: s.Points})
	}
	slices.SortFunc(buckets, func(a, b bucket) int { return cmp.Compare(a.bound, b.bound) })
	most := each(buckets)
	a := axes{span: span, low: 0, top: max(1, float64(len(buckets)))}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img">`, chartWidth, chartHeight)
	width := (chartWidth - labelWidth) * float64(span.Step) / float64(span.To.Sub(span.From))
	for i, row := range buckets {
		top := a.y(float64(i + 1))
		height := a.y(float64(i)) - top
		if i%2 == 0 || len(buckets) < 8 {
			fmt.Fprintf(&b, `<text class="y" x="%g" y="%.1f">%s</text>`, labelWidth-6, top+height/2+4, template.HTMLEscapeString(row.name))
		}
		for _, p := range row.points {
			if p.Value > 0 {
				fmt.Fprintf(&b, `<rect class="heat" x="%.1f" y="%.1f" width="%.1f" height="%.1f" opacity="%.2f"/>`,
					a.x(p.At)-width, top, width, height, .1+.9*math.Sqrt(p.Value/most))
			}
		}
	}
	timeLabels(&b, a)
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // Numbers, and text that is escaped.
}
