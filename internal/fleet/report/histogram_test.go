package report

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/fleet"
	"github.com/edge-arena/edge-arena/internal/slo"
)

func gated(outcomes ...*slo.Outcome) []city {
	var cities []city
	for _, o := range outcomes {
		cities = append(cities, city{CityStatus: fleet.CityStatus{Gate: o}})
	}
	return cities
}

func TestAxis(t *testing.T) {
	t.Parallel()
	buckets := func(times ...float64) *slo.Outcome {
		o := &slo.Outcome{}
		for _, v := range times {
			o.Distribution = append(o.Distribution, slo.Bucket{UpToMs: v, Count: 1})
		}
		return o
	}
	tests := map[string]struct {
		cities []city
		ticks  string
	}{
		"nothing measured":         {nil, "1 2 5 10 20 50 100"},
		"no distribution":          {gated(&slo.Outcome{}, nil), "1 2 5 10 20 50 100"},
		"all cities":               {gated(buckets(.6, 3), buckets(9)), "0.5 1 2 5 10"},
		"objectives count":         {gated(outcome(3, 9, 14, 120)), "2 5 10 20 50 100"},
		"decades where it is wide": {gated(buckets(.012, 700)), "0.01 0.1 1 10 100 1000"},
		"impossible times":         {gated(buckets(-1, 0, math.Inf(1), 3)), "2 5"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var labels []string
			for _, tick := range newAxis(tt.cities).Ticks {
				labels = append(labels, tick.Label)
			}
			require.Equal(t, tt.ticks, strings.Join(labels, " "))
		})
	}
}

func TestAxisIsLogarithmic(t *testing.T) {
	t.Parallel()
	a := axis{low: 1, high: 100}
	for ms, want := range map[float64]float64{.1: 0, 1: 0, 10: plotWidth / 2, 100: plotWidth, 1000: plotWidth} {
		require.InDelta(t, want, a.at(ms), 1e-9, "%g ms", ms)
	}
}

func TestShareKeepsTheCounts(t *testing.T) {
	t.Parallel()
	a := axis{low: 1, high: 100}
	tests := map[string][]slo.Bucket{
		"fine":           {{UpToMs: 2, Count: 5}, {UpToMs: 2.02, Count: 7}, {UpToMs: 2.04, Count: 1}},
		"coarse":         {{UpToMs: 2, Count: 5}, {UpToMs: 4, Count: 7}, {UpToMs: 8, Count: 1}},
		"one":            {{UpToMs: 3, Count: 13}},
		"beyond the end": {{UpToMs: 1e6, Count: 13}},
		"before it":      {{UpToMs: 0, Count: 6}, {UpToMs: .5, Count: 7}},
		"gaps":           {{UpToMs: 2, Count: 5}, {UpToMs: 2.2, Count: 7}, {UpToMs: 90, Count: 1}},
	}
	for name, buckets := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sum := 0.0
			for _, n := range a.share(buckets) {
				require.GreaterOrEqual(t, n, 0.0)
				sum += n
			}
			require.InDelta(t, 13, sum, 1e-9)
		})
	}
}

func TestShareSpreadsABucketOverItsWidth(t *testing.T) {
	t.Parallel()
	// Buckets of a fifth of the axis each, of which the third is empty.
	a := axis{low: 1, high: 32}
	counts := a.share([]slo.Bucket{{UpToMs: 2, Count: 100}, {UpToMs: 4, Count: 100}, {UpToMs: 16, Count: 100}})
	middle := func(fifth float64) float64 { return counts[int(bins*(fifth+.5)/5)] }
	require.InDelta(t, 500/float64(bins), middle(0), 1e-9)
	require.InDelta(t, 500/float64(bins), middle(1), 1e-9)
	require.Zero(t, middle(2))
	require.InDelta(t, 500/float64(bins), middle(3), 1e-9)
	require.Zero(t, middle(4))
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	slow := outcome(4, 26, 80, 118)
	a := newAxis(gated(slow))
	h := a.histogram(slow)
	require.Equal(t, []tick{{X: px(a.at(10)), Label: "P50"}, {X: px(a.at(20)), Label: "P99", Miss: true}, {X: px(a.at(50)), Label: "P999", Miss: true}}, h.Objectives)
	require.Equal(t, "P50 4.00 ms, required <10 ms; P99 26.0 ms, required <20 ms; P999 80.0 ms, required <50 ms", h.Text)
	require.NotEmpty(t, h.Within)
	require.NotEmpty(t, h.Over)
	require.Empty(t, a.histogram(outcome(3, 9, 14, 120)).Over)
	require.Contains(t, h.Within, "v-64h4v64z", "the fullest bin is as high as the plot")
	require.Nil(t, a.histogram(nil))
	require.Nil(t, a.histogram(&slo.Outcome{}))
}
