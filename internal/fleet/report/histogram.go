package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/edge-arena/edge-arena/internal/slo"
)

// The size of a histogram's plot, and how many bars it has room for.
const (
	plotWidth  = 280.0
	plotHeight = 64.0
	plotTop    = 14.0
	bins       = 56
)

// axis is a logarithmic one of times in ms, common to all cities so that their histograms compare.
type axis struct {
	low, high float64
	Ticks     []tick
}

// tick is a marked place of an axis, or an objective.
type tick struct {
	X     string
	Label string
	Miss  bool // of an objective
	Minor bool // of an axis: no power of ten
}

// histogram is a city's distribution of round trips, drawn.
type histogram struct {
	// Within and Over are the bars below and above the strictest percentile's objective, as SVG paths.
	Within, Over string
	Objectives   []tick
	// Text says the same in words.
	Text string
}

// newAxis has room for all that was measured and all that was required.
func newAxis(cities []city) axis {
	low, high := math.Inf(1), math.Inf(-1)
	hold := func(v float64) {
		if v > 0 && !math.IsInf(v, 1) {
			low, high = min(low, v), max(high, v)
		}
	}
	for i := range cities {
		g := cities[i].Gate
		if g == nil || len(g.Distribution) == 0 {
			continue
		}
		for _, b := range g.Distribution {
			hold(b.UpToMs)
		}
		for _, v := range g.Verdicts {
			if v.Unit == "ms" {
				hold(v.Threshold)
			}
		}
	}
	if low > high {
		low, high = 2, 50
	}
	// The first bucket begins before its end, and the label of a line at the very edge would be cut.
	a := axis{low: roundDown(low * .999)}
	for a.high = a.low; a.high < high*1.1; {
		a.high = next(a.high)
	}
	every := func(float64) bool { return true }
	if a.high/a.low > 1000 {
		every = func(v float64) bool { return leading(v) == 1 }
	}
	for v := a.low; v <= a.high*1.001; v = next(v) {
		if every(v) {
			a.Ticks = append(a.Ticks, tick{X: px(a.at(v)), Label: number(v), Minor: leading(v) != 1})
		}
	}
	return a
}

// leading is the first digit of one of 1, 2 and 5 times a power of ten.
func leading(v float64) int {
	return int(math.Round(v / math.Pow(10, math.Floor(math.Log10(v*1.001)))))
}

// next is the next greater of 1, 2 and 5 times a power of ten.
func next(v float64) float64 {
	power := math.Floor(math.Log10(v * 1.001))
	factor := map[int]float64{1: 2, 2: 5, 5: 10}[leading(v)]
	// By way of text: 0.1 and its like have no exact binary form, and errors would pile up.
	var out float64
	_, _ = fmt.Sscanf(fmt.Sprintf("%ge%d", factor, int(power)), "%g", &out)
	return out
}

// roundDown is the greatest of 1, 2 and 5 times a power of ten that is at most v.
func roundDown(v float64) float64 {
	out := math.Pow(10, math.Floor(math.Log10(v)))
	for n := next(out); n <= v; n = next(n) {
		out = n
	}
	return out
}

// at is where a time lies on the axis, 0 to plotWidth.
func (a axis) at(ms float64) float64 {
	if ms <= a.low {
		return 0
	}
	return min(1, math.Log(ms/a.low)/math.Log(a.high/a.low)) * plotWidth
}

// histogram draws what a gate measured; nil where that is nothing.
func (a axis) histogram(g *slo.Outcome) *histogram {
	if g == nil || len(g.Distribution) == 0 {
		return nil
	}
	h := &histogram{}
	limit := math.Inf(1)
	var words []string
	for _, o := range []struct{ name, label string }{{"rtt_p50", "P50"}, {"rtt_p99", "P99"}, {"rtt_p999", "P999"}} {
		v, ok := verdict(g, o.name)
		if !ok {
			continue
		}
		h.Objectives = append(h.Objectives, tick{X: px(a.at(v.Threshold)), Label: o.label, Miss: !v.Pass})
		m := measured(g, o.name, 0)
		words = append(words, fmt.Sprintf("%s %s ms, required %s ms", o.label, m.Value, m.Limit))
		limit = v.Threshold
	}
	h.Within, h.Over = bars(a.share(g.Distribution), a.at(limit))
	h.Text = strings.Join(words, "; ")
	return h
}

// share spreads the counts of the buckets over the plot's bins. A bucket says where it ends alone, and empty ones are left out: the
// closest two tell how wide each is.
func (a axis) share(buckets []slo.Bucket) [bins]float64 {
	ratio := 2.0
	for i := 1; i < len(buckets); i++ {
		if before := buckets[i-1].UpToMs; before > 0 && buckets[i].UpToMs > before {
			ratio = min(ratio, buckets[i].UpToMs/before)
		}
	}
	var counts [bins]float64
	const width = plotWidth / bins
	for _, b := range buckets {
		from, to := a.at(b.UpToMs/ratio), a.at(b.UpToMs)
		last := min(bins-1, max(0, int(math.Ceil(to/width))-1))
		first := min(last, int(from/width))
		if to-from <= 0 || first == last {
			counts[last] += float64(b.Count)
			continue
		}
		for i := first; i <= last; i++ {
			overlap := min(to, float64(i+1)*width) - max(from, float64(i)*width)
			counts[i] += float64(b.Count) * overlap / (to - from)
		}
	}
	return counts
}

// bars draws the bins, logarithmic in height: in a linear one the slowest thousandth, which an objective is about, would not show.
func bars(counts [bins]float64, limit float64) (within, over string) {
	top := 0.0
	for _, n := range counts {
		top = max(top, n)
	}
	if top == 0 {
		return "", ""
	}
	const width = plotWidth / bins
	var in, out strings.Builder
	for i, n := range counts {
		if n <= 0 {
			continue
		}
		height := max(1, plotHeight*math.Log1p(n)/math.Log1p(top))
		path := &in
		if left := float64(i) * width; left+width/2 > limit {
			path = &out
		}
		fmt.Fprintf(path, "M%s %sv-%sh%sv%sz", px(float64(i)*width+.5), px(plotTop+plotHeight), px(height), px(width-1), px(height))
	}
	return in.String(), out.String()
}
