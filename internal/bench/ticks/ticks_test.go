package ticks

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	tests := map[string]struct {
		b    Buckets
		q    float64
		want float64
	}{
		"nothing":                {Buckets{}, .5, 0},
		"no ticks":               {Buckets{[]float64{1, inf}, []float64{0, 0}}, .5, 0},
		"half of the first":      {Buckets{[]float64{1, 2, inf}, []float64{100, 100, 100}}, .5, .5},
		"within the second":      {Buckets{[]float64{1, 2, inf}, []float64{50, 100, 100}}, .75, 1.5},
		"an empty bucket before": {Buckets{[]float64{1, 2, 4, inf}, []float64{0, 0, 10, 10}}, .5, 3},
		"beyond all bounds":      {Buckets{[]float64{1, 2, inf}, []float64{0, 0, 10}}, .5, 2},
		"all":                    {Buckets{[]float64{1, 2, inf}, []float64{50, 100, 100}}, 1, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.InDelta(t, tt.want, tt.b.Quantile(tt.q), 1e-9)
		})
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	page := func(count int) string {
		var b strings.Builder
		for _, name := range []string{LatenessMetric, DurationMetric} {
			fmt.Fprintf(&b, "# TYPE %s histogram\n%s_bucket{le=\"0.001\"} %d\n%s_bucket{le=\"+Inf\"} %d\n%s_sum 1\n%s_count %d\n", name, name, count, name, count, name, name, count)
		}
		fmt.Fprintf(&b, "# TYPE %s counter\n%s %d\n", allocationsMetric, allocationsMetric, 100*count)
		return b.String()
	}
	serve := func(text string) Pod {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/metrics" || text == "" {
				w.WriteHeader(http.StatusNotFound)
			}
			_, _ = w.Write([]byte(text))
		}))
		t.Cleanup(s.Close)
		return Pod{Name: "pod", Address: s.Listener.Addr().String()}
	}
	before, err := Read(context.Background(), serve(page(1)), serve(page(2)))
	require.NoError(t, err)
	later, err := Read(context.Background(), serve(page(10)), serve(page(20)))
	require.NoError(t, err)
	between, err := later.Since(before)
	require.NoError(t, err)
	require.Equal(t, Buckets{[]float64{1, math.Inf(1)}, []float64{27, 27}}, between.Lateness)
	require.Equal(t, []float64{30, 30}, later.Duration.counts, "what was read must not change")
	require.InDelta(t, 27, between.Lateness.Count(), 0)
	require.InDelta(t, 2700, between.Allocations, 0)
	require.InDelta(t, 1, between.Lateness.Share(1), 0)
	require.Zero(t, between.Lateness.Share(.5), "no bucket ends there")
	require.InDelta(t, .999, between.Lateness.Times().P999, 1e-9)

	for want, target := range map[string]Pod{
		"metrics of pod pod: 404 Not Found":                            serve(""),
		"metrics of pod pod: there is no histogram " + LatenessMetric:  serve("a 1\n"),
		"metrics of pod pod: there is no counter " + allocationsMetric: serve(strings.ReplaceAll(page(1), allocationsMetric, "other")),
		"histograms of 1 and 2 buckets do not add up":                  serve(strings.ReplaceAll(page(1), "_bucket{le=\"0.001\"}", "_other")),
		"histograms with buckets to 2 and 1 ms do not add up":          serve(strings.ReplaceAll(page(1), "0.001", "0.002")),
	} {
		_, err := Read(context.Background(), target, serve(page(1)))
		require.ErrorContains(t, err, want[:20])
	}
}
