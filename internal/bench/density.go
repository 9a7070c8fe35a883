package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/edge-arena/edge-arena/internal/bots"
	"github.com/edge-arena/edge-arena/internal/slo"
)

// What a pod asks for while it is measured how many a node holds: next to nothing, so that it is not the scheduler that says how many.
const (
	denseCPU    = "1m"
	denseMemory = "1Mi"
)

// spare is the memory that the machine keeps: it is not to run out because of a measurement.
const spare = 1_500_000_000

// densitySteps are the numbers of pods that are tried, up to what the kubelet takes. Playing pods come in smaller steps, for there are fewer of them.
func densitySteps(playing bool, most int) []int {
	all := []int{10, 25, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1000, 1250, 1500, 1750, 2000}
	if playing {
		all = []int{2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 50, 60, 80, 100, 150, 200}
	}
	for i, n := range all {
		if n > most {
			return append(all[:i:i], most)
		}
	}
	return all
}

// denseVariant is the battle service with pods that ask for next to nothing.
func denseVariant() variant {
	return variant{app: densityApp, change: func(pod *corev1.PodTemplateSpec) {
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(denseCPU), corev1.ResourceMemory: resource.MustParse(denseMemory),
		}
	}}
}

// density finds out how many battle pods the node holds: with players until they wait too long, and without until pods no longer become ready.
func (r *runner) density(ctx context.Context) error {
	var result *Density
	err := r.withRestore(ctx, func(ctx context.Context) (err error) {
		if err := r.cluster.scale(ctx, 0); err != nil {
			return err
		}
		most, err := r.cluster.roomForPods(ctx)
		if err != nil {
			return err
		}
		result = &Density{MostPods: most, BotsPerPod: r.promise.BotsPerPod, P99Objective: r.promise.RTTP99Ms, DurationSec: 10}
		if r.cfg.Quick {
			result.DurationSec, most = 3, min(most, 4)
		}
		if err := r.cluster.make(ctx, denseVariant()); err != nil {
			return err
		}
		for _, kind := range []struct {
			playing bool
			to      *Climb
		}{{true, &result.Playing}, {false, &result.Idle}} {
			if *kind.to, err = climb(ctx, densitySteps(kind.playing, most), func(ctx context.Context, n int) (DensityStep, string, error) {
				return r.densityStep(ctx, n, kind.playing, result)
			}); err != nil {
				return err
			}
			if err := r.cluster.scaleVariant(ctx, densityApp, 0); err != nil {
				return err
			}
		}
		return nil
	})
	r.report.Density = result
	return err
}

// Climb is a number of pods that was raised step by step.
type Climb struct {
	Steps []DensityStep `json:"steps"`
	// End is why there was no further step. The last step is in Steps if it was measured.
	End string `json:"end"`
}

// climb takes one step after another until one says why it is the last.
func climb(ctx context.Context, steps []int, take func(context.Context, int) (DensityStep, string, error)) (Climb, error) {
	var c Climb
	for _, n := range steps {
		step, end, err := take(ctx, n)
		if err != nil {
			return c, err
		}
		if step.Pods > 0 {
			c.Steps = append(c.Steps, step)
		}
		if end != "" {
			c.End = end
			return c, nil
		}
	}
	c.End = "the kubelet takes no more pods, or there is no further step"
	return c, nil
}

// densityStep measures n pods. That they do not become ready ends the climb, and is no failure.
func (r *runner) densityStep(ctx context.Context, n int, playing bool, so *Density) (step DensityStep, end string, err error) {
	free, err := r.node.memoryAvailable(ctx)
	if err != nil {
		return step, "", err
	}
	if need := so.perPod() * int64(n-so.lastPods(playing)); free-need < spare {
		return step, fmt.Sprintf("memory: %.1f GB are left, and %d pods would take %.1f GB more", mb(free)/1000, n, mb(need)/1000), nil
	}
	began := time.Now()
	err = r.p.Step(ctx, fmt.Sprintf("bring up %d battle pods on the node", n), func(ctx context.Context) error { return r.cluster.scaleVariant(ctx, densityApp, int32(n)) })
	if ctx.Err() != nil {
		return step, "", errors.Join(err, context.Cause(ctx))
	}
	if err != nil {
		return step, "not all became ready: " + err.Error(), nil //nolint:nilerr // It is what the measurement has found out.
	}
	step = DensityStep{Pods: n, ReadySec: time.Since(began).Seconds()}
	kind := "idle"
	if playing {
		kind = fmt.Sprintf("playing with %d bots each", so.BotsPerPod)
	}
	err = r.p.Step(ctx, fmt.Sprintf("measure %d pods %s", n, kind), func(ctx context.Context) error {
		if err := pause(ctx, settle); err != nil {
			return err
		}
		return r.measureStep(ctx, &step, playing, time.Duration(so.DurationSec*float64(time.Second)))
	})
	var unplayable *unplayableError
	switch {
	case errors.As(err, &unplayable) && ctx.Err() == nil:
		return DensityStep{}, unplayable.Error(), nil
	case err == nil && playing && step.RTT.P99 >= so.P99Objective:
		end = fmt.Sprintf("RTT P99 is %.1f ms", step.RTT.P99)
	}
	return step, end, err
}

// unplayableError says that there were so many pods that not all players got into their battles: it ends a climb.
type unplayableError struct {
	pods int
	err  error
}

func (e *unplayableError) Error() string {
	return fmt.Sprintf("not all players could play on %d pods: %v", e.pods, e.err)
}
func (e *unplayableError) Unwrap() error { return e.err }

// measureStep plays on the pods, or leaves them alone, and looks at what they use.
func (r *runner) measureStep(ctx context.Context, step *DensityStep, playing bool, duration time.Duration) error {
	targets, err := slo.DiscoverBy(ctx, r.cluster.client, r.cluster.namespace, "app="+densityApp)
	if err != nil {
		return err
	}
	uids, err := r.cluster.uids(ctx, densityApp)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !playing {
		u, err := r.usageDuring(ctx, uids, nil, 0, duration)
		step.fill(u)
		return err
	}
	used := make(chan usage, 1)
	go func() {
		u, err := r.usageDuring(ctx, uids, targets, warmup+margin, duration-2*margin)
		if err != nil {
			cancel(err)
		}
		used <- u
	}()
	play := bots.Config{PerTarget: r.promise.BotsPerPod, TickRate: r.city.Battle.TickRate, Warmup: warmup, Duration: duration}
	for _, t := range targets {
		play.Targets = append(play.Targets, bots.Target{Name: t.Pod, Address: t.Address, Tickets: t.Tickets})
	}
	result, err := bots.Play(ctx, play)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return errors.Join(err, cause)
		}
		return &unplayableError{step.Pods, err}
	}
	u := <-used
	if err := context.Cause(ctx); err != nil {
		return err
	}
	step.fill(u)
	step.RTT, step.LateP99, step.BotCores = histogramTimes(result.Total.RTT), float64(result.Lateness.ValueAtQuantile(99))/1000, result.Cores
	for i := range result.Targets {
		if rate := result.Targets[i].TickRate(); i == 0 || rate < step.TickRate {
			step.TickRate = rate
		}
	}
	return nil
}

// roomForPods is how many more pods the node's kubelet takes.
func (c *cluster) roomForPods(ctx context.Context) (int, error) {
	nodes, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("list nodes: %w", err)
	}
	pods, err := c.client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "status.phase!=Succeeded,status.phase!=Failed"})
	if err != nil {
		return 0, fmt.Errorf("list pods: %w", err)
	}
	room := -len(pods.Items)
	for i := range nodes.Items {
		room += int(nodes.Items[i].Status.Allocatable.Pods().Value())
	}
	return max(room, 0), nil
}
