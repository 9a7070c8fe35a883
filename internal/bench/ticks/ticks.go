// Package ticks reads how late the ticks of battle pods began and how long they took, from the pods' own histograms.
package ticks

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"
)

// The histograms of a battle pod's ticks.
const (
	LatenessMetric = "battle_tick_lateness_seconds"
	DurationMetric = "battle_tick_duration_seconds"

	allocationsMetric = "battle_heap_allocations_total"
)

// Ticks are the ticks of pods: how late they began, how long they took, and how often the servers have asked their heaps for memory.
type Ticks struct {
	Lateness, Duration Buckets
	Allocations        float64
}

// Add adds those of other pods, or of another time.
func (t *Ticks) Add(o Ticks) error {
	t.Allocations += o.Allocations
	return errors.Join(t.Lateness.combine(o.Lateness, 1), t.Duration.combine(o.Duration, 1))
}

// Since are the ticks that came after others of the same pods.
func (t Ticks) Since(before Ticks) (Ticks, error) {
	var d Ticks
	err := errors.Join(d.Add(t), d.Lateness.combine(before.Lateness, -1), d.Duration.combine(before.Duration, -1))
	d.Allocations -= before.Allocations
	return d, err
}

// Buckets are a histogram of times: how many were at most so long.
type Buckets struct {
	// bounds are in ms, the last one infinite; counts have all that the ones before have.
	bounds []float64
	counts []float64
}

// combine adds another histogram with a sign. All pods have the same bounds.
func (b *Buckets) combine(o Buckets, sign float64) error {
	if b.bounds == nil {
		b.bounds, b.counts = append([]float64(nil), o.bounds...), make([]float64, len(o.bounds))
	}
	if len(b.bounds) != len(o.bounds) {
		return fmt.Errorf("histograms of %d and %d buckets do not add up", len(b.bounds), len(o.bounds))
	}
	for i, bound := range o.bounds {
		if b.bounds[i] != bound {
			return fmt.Errorf("histograms with buckets to %g and %g ms do not add up", b.bounds[i], bound)
		}
		b.counts[i] += sign * o.counts[i]
	}
	return nil
}

// Quantile is the time that a part of all do not exceed, as if those of a bucket lay evenly in it. What is above all bounds is taken for the last one.
func (b Buckets) Quantile(q float64) float64 {
	if len(b.counts) == 0 || b.counts[len(b.counts)-1] == 0 {
		return 0
	}
	rank := q * b.counts[len(b.counts)-1]
	lower, below := 0.0, 0.0
	for i, bound := range b.bounds {
		if math.IsInf(bound, 1) {
			break
		}
		if b.counts[i] >= rank {
			if b.counts[i] == below {
				return lower
			}
			return lower + (bound-lower)*(rank-below)/(b.counts[i]-below)
		}
		lower, below = bound, b.counts[i]
	}
	return lower
}

// Share is the part of all that took at most so many ms. The time must be a bucket's bound.
func (b Buckets) Share(ms float64) float64 {
	for i, bound := range b.bounds {
		if math.Abs(bound-ms) < 1e-9 && b.counts[len(b.counts)-1] > 0 {
			return b.counts[i] / b.counts[len(b.counts)-1]
		}
	}
	return 0
}

// Count is how many there are.
func (b Buckets) Count() float64 {
	if len(b.counts) == 0 {
		return 0
	}
	return b.counts[len(b.counts)-1]
}

// Times are percentiles of ticks in ms, within the Buckets of the pods' histograms.
type Times struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
}

// Times sums them up.
func (b Buckets) Times() Times {
	return Times{P50: b.Quantile(.5), P99: b.Quantile(.99), P999: b.Quantile(.999)}
}

// Pod is a battle server that is asked.
type Pod struct{ Name, Address string }

// Read asks pods for their ticks so far, and adds them up.
func Read(ctx context.Context, pods ...Pod) (sum Ticks, err error) {
	each := make([]Ticks, len(pods))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, t := range pods {
		g.Go(func() (err error) {
			if each[i], err = ticksAt(ctx, t.Address); err != nil {
				err = fmt.Errorf("metrics of pod %s: %w", t.Name, err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return sum, err
	}
	for _, t := range each {
		if err := sum.Add(t); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

func ticksAt(ctx context.Context, address string) (t Ticks, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		return t, err
	}
	req.Close = true // a pod has room for few connections
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return t, errors.New(resp.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return t, err
	}
	if t.Lateness, err = bucketsOf(families, LatenessMetric); err != nil {
		return t, err
	}
	if t.Duration, err = bucketsOf(families, DurationMetric); err != nil {
		return t, err
	}
	if m := families[allocationsMetric].GetMetric(); len(m) == 1 && m[0].Counter != nil {
		t.Allocations = m[0].GetCounter().GetValue()
		return t, nil
	}
	return t, fmt.Errorf("there is no counter %s", allocationsMetric)
}

func bucketsOf(families map[string]*dto.MetricFamily, name string) (b Buckets, err error) {
	metrics := families[name].GetMetric()
	if len(metrics) != 1 || metrics[0].GetHistogram() == nil {
		return b, fmt.Errorf("there is no histogram %s", name)
	}
	for _, bucket := range metrics[0].GetHistogram().GetBucket() {
		b.bounds = append(b.bounds, 1000*bucket.GetUpperBound())
		b.counts = append(b.counts, float64(bucket.GetCumulativeCount()))
	}
	return b, nil
}
