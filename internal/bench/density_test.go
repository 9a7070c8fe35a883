package bench

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/edge-arena/edge-arena/internal/bench/ticks"
)

func density(times func(float64) Times) *Density {
	step := func(pods int, scale float64) DensityStep {
		return DensityStep{
			Pods: pods, ReadySec: scale, Rate: 10 / scale, Busy: 1.5, Cores: 2, BotCores: .2, RTT: times(scale), TickRate: 120 - scale, Lateness: ticks.Times{P999: scale / 10}, CoresPerPod: .05,
			Weight: PodWeight{Libraries: 6e6 / int64(scale), Own: 20e6, Shim: 5e6, Pause: 1e5},
		}
	}
	idle := step(100, 4)
	idle.RTT, idle.TickRate, idle.Lateness = Times{}, 0, ticks.Times{}
	return &Density{
		MostPods: 100, BotsPerPod: 10, P99Objective: 20, DurationSec: 10,
		Playing:       Climb{Steps: []DensityStep{step(2, 2), step(4, 7)}, End: "RTT P99 is 21.0 ms"},
		Idle:          Climb{Steps: []DensityStep{idle}, End: "the kubelet takes no more pods, or there is no further step"},
		NativePlaying: Climb{Steps: []DensityStep{step(4, 2), step(12, 6)}, End: "RTT P99 is 21.0 ms"},
		NativeIdle:    Climb{Steps: []DensityStep{idle}, End: "the kubelet takes no more pods, or there is no further step"},
	}
}

func TestDensitySteps(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{4, 5}, densitySteps(true, 5))
	require.Equal(t, []int{50, 90}, densitySteps(false, 90))
	require.Equal(t, []int{50, 100}, densitySteps(false, 100))
	require.Equal(t, densitySteps(false, 5000), densitySteps(false, 2000))
	require.IsIncreasing(t, densitySteps(true, 200))
}

func TestClimb(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	tests := map[string]struct {
		take func(int) (DensityStep, string, error)
		want Climb
		err  error
	}{
		"to the top": {
			func(n int) (DensityStep, string, error) { return DensityStep{Pods: n}, "", nil },
			Climb{Steps: []DensityStep{{Pods: 1}, {Pods: 2}, {Pods: 3}}, End: "the kubelet takes no more pods, or there is no further step"}, nil,
		},
		"until players wait too long": {
			func(n int) (DensityStep, string, error) {
				return DensityStep{Pods: n}, map[int]string{2: "too long"}[n], nil
			},
			Climb{Steps: []DensityStep{{Pods: 1}, {Pods: 2}}, End: "too long"}, nil,
		},
		"until pods do not become ready": {
			func(n int) (DensityStep, string, error) {
				if n == 2 {
					return DensityStep{}, "not ready", nil
				}
				return DensityStep{Pods: n}, "", nil
			},
			Climb{Steps: []DensityStep{{Pods: 1}}, End: "not ready"}, nil,
		},
		"a failure": {
			func(int) (DensityStep, string, error) { return DensityStep{}, "", boom }, Climb{}, boom,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got Climb
			err := climb(context.Background(), &got, []int{1, 2, 3}, func(_ context.Context, n int) (DensityStep, string, error) { return tt.take(n) })
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestDensityKnowsItsNeeds(t *testing.T) {
	t.Parallel()
	none := Climb{}
	require.Equal(t, int64(assumed), none.perPod())
	require.Zero(t, none.most())
	require.Zero(t, none.rate())
	d := density(func(scale float64) Times { return Times{P99: 3 * scale} })
	require.Equal(t, int64(3e6+20e6+5e6+1e5), d.Playing.perPod())
	require.Equal(t, 4, d.Playing.most())
	require.Equal(t, 100, d.Idle.most())
	require.InDelta(t, 2.5, d.Idle.rate(), 1e-9)
	require.Equal(t, 2, podsOf(d.plays(&d.Playing)), "with 4 pods players wait for 21 ms")
	require.Equal(t, 12, podsOf(d.plays(&d.NativePlaying)))
	require.Zero(t, podsOf(none.held(func(*DensityStep) bool { return true })))
}

// Players are no part of a node, so what they used is neither used nor there.
func TestUtilization(t *testing.T) {
	t.Parallel()
	require.InDelta(t, .75, (&DensityStep{Cores: 2, Busy: 1.7, BotCores: .8}).utilization(), 1e-9)
	require.InDelta(t, 1, (&DensityStep{Cores: 2, Busy: 2.01, BotCores: .5}).utilization(), 1e-9, "clocks are not read at the same moment")
	require.Zero(t, (&DensityStep{Cores: 1, Busy: 1, BotCores: 1}).utilization())
	busy, err := busyOf("cpu  100 20 30 4000 500 6 7 8 9 10")
	require.NoError(t, err)
	require.Equal(t, 1630*time.Millisecond, busy)
	for _, line := range []string{"", "cpu 1 2", "cpu0 1 2 3 4 5 6 7 8", "cpu x 2 3 4 5 6 7 8"} {
		_, err := busyOf(line)
		require.ErrorContains(t, err, "read processor time of the machine", line)
	}
}

func TestDenseVariantAsksForNextToNothing(t *testing.T) {
	t.Parallel()
	wasm := wasmDeployment()
	limits := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	wasm.Spec.Template.Spec.Containers[0].Resources = corev1.ResourceRequirements{Limits: limits, Requests: limits}
	d, err := denseVariant(variant{app: densityApp}).deploymentOf(wasm)
	require.NoError(t, err)
	require.Equal(t, densityApp, d.Spec.Template.Labels["app"])
	require.Equal(t, "wasm", d.Spec.Template.Annotations[handlerAnnotation])
	got := d.Spec.Template.Spec.Containers[0].Resources
	require.Equal(t, limits, got.Limits)
	require.Equal(t, "1m", got.Requests.Cpu().String())
	require.Equal(t, limits, wasm.Spec.Template.Spec.Containers[0].Resources.Requests, "the live one is not touched")
	d, err = denseVariant(nativeVariant(densityNativeApp, "native@sha256:2")).deploymentOf(wasm)
	require.NoError(t, err)
	require.Equal(t, "native@sha256:2", d.Spec.Template.Spec.Containers[0].Image)
	require.Equal(t, "1m", d.Spec.Template.Spec.Containers[0].Resources.Requests.Cpu().String())
}

func TestRoomForPods(t *testing.T) {
	t.Parallel()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("110")}}}
	c := &cluster{client: fake.NewSimpleClientset(node, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "x"}}), namespace: "battle"}
	room, err := c.roomForPods(context.Background())
	require.NoError(t, err)
	require.Equal(t, 109, room)
}
