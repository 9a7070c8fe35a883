package bench

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

	"github.com/edge-arena/edge-arena/internal/slo"
)

// The histograms of a battle pod's ticks.
const (
	latenessMetric = "battle_tick_lateness_seconds"
	durationMetric = "battle_tick_duration_seconds"
)

// ticks are the ticks of pods: how late they began, and how long they took.
type ticks struct{ lateness, duration buckets }

func (t *ticks) add(o ticks) error {
	return errors.Join(t.lateness.combine(o.lateness, 1), t.duration.combine(o.duration, 1))
}

// since are the ticks that came after others of the same pods.
func (t ticks) since(before ticks) (ticks, error) {
	var d ticks
	return d, errors.Join(d.add(t), d.lateness.combine(before.lateness, -1), d.duration.combine(before.duration, -1))
}

// buckets are a histogram of times: how many were at most so long.
type buckets struct {
	// bounds are in ms, the last one infinite; counts have all that the ones before have.
	bounds []float64
	counts []float64
}

// combine adds another histogram with a sign. All pods have the same bounds.
func (b *buckets) combine(o buckets, sign float64) error {
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

// quantile is the time that a part of all do not exceed, as if those of a bucket lay evenly in it. What is above all bounds is taken for the last one.
func (b buckets) quantile(q float64) float64 {
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

// TickTimes are percentiles of ticks in ms, within the buckets of the pods' histograms.
type TickTimes struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
}

func (b buckets) times() TickTimes {
	return TickTimes{P50: b.quantile(.5), P99: b.quantile(.99), P999: b.quantile(.999)}
}

// readTicks asks pods for their ticks so far, and adds them up.
func readTicks(ctx context.Context, targets []slo.Target) (sum ticks, err error) {
	each := make([]ticks, len(targets))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, t := range targets {
		g.Go(func() (err error) {
			if each[i], err = ticksAt(ctx, t.Address); err != nil {
				err = fmt.Errorf("metrics of pod %s: %w", t.Pod, err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return sum, err
	}
	for _, t := range each {
		if err := sum.add(t); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

func ticksAt(ctx context.Context, address string) (t ticks, err error) {
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
	if t.lateness, err = bucketsOf(families, latenessMetric); err != nil {
		return t, err
	}
	t.duration, err = bucketsOf(families, durationMetric)
	return t, err
}

func bucketsOf(families map[string]*dto.MetricFamily, name string) (b buckets, err error) {
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
