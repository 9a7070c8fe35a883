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
const spare = 3 << 30

// idleTime is how long pods that nobody plays on are added for: each takes a moment to start, and to go.
const idleTime = 2 * time.Minute

// densitySteps are the numbers of pods that are tried, up to what the kubelet takes. Playing pods come in smaller steps, for there are fewer of them.
func densitySteps(playing bool, most int) []int {
	all := []int{50, 100, 200, 300, 400, 500, 600, 800, 1000, 1250, 1500, 1750, 2000}
	if playing {
		all = []int{4, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 80, 100, 150, 200}
	}
	for i, n := range all {
		if n >= most {
			return append(all[:i:i], most)
		}
	}
	return all
}

// denseVariant is the battle service, or one beside it, with pods that ask for next to nothing.
func denseVariant(v variant) variant {
	return variant{app: v.app, change: func(pod *corev1.PodTemplateSpec) {
		if v.change != nil {
			v.change(pod)
		}
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(denseCPU), corev1.ResourceMemory: resource.MustParse(denseMemory),
		}
	}}
}

// density finds out how many battle pods the node holds, in Wasm and natively: with players until they wait too long, and without until pods no longer become ready.
// Of native ones there are as many idle as there were of Wasm: what they take then is what is to be compared.
func (r *runner) density(ctx context.Context) error {
	result := &Density{BotsPerPod: r.promise.BotsPerPod, P99Objective: r.promise.RTTP99Ms, DurationSec: 6}
	err := r.withImages(ctx, func(ctx context.Context) error {
		return r.withRestore(ctx, func(ctx context.Context) (err error) {
			if err := r.cluster.scale(ctx, 0); err != nil {
				return err
			}
			if result.MostPods, err = r.cluster.roomForPods(ctx); err != nil {
				return err
			}
			most := result.MostPods
			if r.cfg.Quick {
				result.DurationSec, most = 3, min(most, 16)
			}
			for _, v := range []variant{{app: densityApp}, nativeVariant(densityNativeApp, r.cfg.Native.Reference)} {
				if err := r.cluster.make(ctx, denseVariant(v)); err != nil {
					return err
				}
			}
			for _, c := range []struct {
				app     string
				playing bool
				to      *Climb
			}{
				{densityApp, true, &result.Playing}, {densityNativeApp, true, &result.NativePlaying},
				{densityApp, false, &result.Idle}, {densityNativeApp, false, &result.NativeIdle},
			} {
				steps := densitySteps(c.playing, most)
				if c.to == &result.NativeIdle {
					steps = []int{max(1, result.Idle.most())}
				}
				if err := r.densityClimb(ctx, c.app, c.playing, steps, result, c.to); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err == nil {
		r.report.Density = result
	}
	return err
}

// densityClimb raises the number of one kind of pods, and takes all of them away again.
func (r *runner) densityClimb(ctx context.Context, app string, playing bool, steps []int, so *Density, to *Climb) error {
	began, asked := time.Now(), 0
	err := climb(ctx, to, steps, func(ctx context.Context, n int) (DensityStep, string, error) {
		if rate := to.rate(); !playing && rate > 0 {
			if took, need := time.Since(began), time.Duration(float64(n-to.most())/rate*float64(time.Second)); took+need > idleTime {
				return DensityStep{}, fmt.Sprintf("time: pods were added for %s, and %d would take %s more", took.Round(time.Second), n, need.Round(time.Second)), nil
			}
		}
		asked = n
		return r.densityStep(ctx, app, n, playing, so, to)
	})
	if err != nil {
		return err
	}
	// A node that has been brought to its limit takes its time to get rid of them.
	return r.cluster.scaleVariantWithin(ctx, app, 0, patience+2*time.Duration(asked)*patienceEach)
}

// Climb is a number of pods that was raised step by step.
type Climb struct {
	Steps []DensityStep `json:"steps"`
	// End is why there was no further step. The last step is in Steps if it was measured.
	End string `json:"end"`
}

// most is how many pods there are in the last step that was measured.
func (c *Climb) most() int {
	if len(c.Steps) == 0 {
		return 0
	}
	return c.Steps[len(c.Steps)-1].Pods
}

// rate is how many pods a second became ready in the last step.
func (c *Climb) rate() float64 {
	if len(c.Steps) == 0 {
		return 0
	}
	return c.Steps[len(c.Steps)-1].Rate
}

// climb takes one step after another until one says why it is the last.
func climb(ctx context.Context, c *Climb, steps []int, take func(context.Context, int) (DensityStep, string, error)) error {
	for _, n := range steps {
		step, end, err := take(ctx, n)
		if err != nil {
			return err
		}
		if step.Pods > 0 {
			c.Steps = append(c.Steps, step)
		}
		if end != "" {
			c.End = end
			return nil
		}
	}
	c.End = "the kubelet takes no more pods, or there is no further step"
	return nil
}

// densityStep measures n pods. That they do not become ready ends the climb, and is no failure.
func (r *runner) densityStep(ctx context.Context, app string, n int, playing bool, so *Density, to *Climb) (step DensityStep, end string, err error) {
	free, err := r.node.memoryAvailable(ctx)
	if err != nil {
		return step, "", err
	}
	more := n - to.most()
	if need := to.perPod() * int64(more); free-need < spare {
		return step, fmt.Sprintf("memory: %.1f GB are left, and %d pods would take %.1f GB of them, of which %.1f GB are kept free", mb(free)/1000, n, mb(need)/1000, mb(spare)/1000), nil
	}
	began := time.Now()
	err = r.p.Step(ctx, fmt.Sprintf("bring up %d pods of %s", n, app), func(ctx context.Context) error {
		return r.cluster.scaleVariantWithin(ctx, app, int32(n), patience+time.Duration(more)*patienceEach)
	})
	if ctx.Err() != nil {
		return step, "", errors.Join(err, context.Cause(ctx))
	}
	if err != nil {
		return step, "not all became ready: " + err.Error(), nil //nolint:nilerr // It is what the measurement has found out.
	}
	step = DensityStep{Pods: n, ReadySec: time.Since(began).Seconds(), Cores: r.report.Machine.Cores}
	step.Rate = float64(more) / step.ReadySec
	kind := "idle"
	if playing {
		kind = fmt.Sprintf("playing with %d bots each", so.BotsPerPod)
	}
	err = r.p.Step(ctx, fmt.Sprintf("measure %d pods %s", n, kind), func(ctx context.Context) error {
		if err := pause(ctx, settle); err != nil {
			return err
		}
		return r.measureStep(ctx, app, &step, playing, time.Duration(so.DurationSec*float64(time.Second)))
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
func (r *runner) measureStep(ctx context.Context, app string, step *DensityStep, playing bool, duration time.Duration) error {
	targets, err := slo.DiscoverBy(ctx, r.cluster.client, r.cluster.namespace, "app="+app)
	if err != nil {
		return err
	}
	uids, err := r.cluster.uids(ctx, app)
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
	play := bots.Config{PerTarget: r.promise.BotsPerPod, TickRate: r.city.Battle.TickRate, Warmup: warmup, Duration: duration}
	play.Joined = func() {
		go func() {
			u, err := r.usageDuring(ctx, uids, targets, warmup+margin, duration-2*margin)
			if err != nil {
				cancel(err)
			}
			used <- u
		}()
	}
	for _, t := range targets {
		play.Targets = append(play.Targets, bots.Target{Name: t.Pod, Address: t.Address, Tickets: t.Tickets})
	}
	result, err := bots.Herd(ctx, play)
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
