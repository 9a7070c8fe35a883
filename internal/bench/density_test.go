package bench

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func density(times func(float64) Times) *Density {
	step := func(pods int, scale float64) DensityStep {
		return DensityStep{
			Pods: pods, ReadySec: scale, RTT: times(scale), TickRate: 120 - scale, Lateness: TickTimes{P999: scale / 10}, CoresPerPod: .05,
			Weight: PodWeight{Libraries: 6e6 / int64(scale), Own: 20e6, Shim: 5e6, Pause: 1e5},
		}
	}
	idle := step(100, 4)
	idle.RTT, idle.TickRate, idle.Lateness = Times{}, 0, TickTimes{}
	return &Density{
		MostPods: 100, BotsPerPod: 10, P99Objective: 20, DurationSec: 10,
		Playing: Climb{Steps: []DensityStep{step(2, 2), step(4, 7)}, End: "RTT P99 is 21.0 ms"},
		Idle:    Climb{Steps: []DensityStep{idle}, End: "the kubelet takes no more pods, or there is no further step"},
	}
}

func TestDensitySteps(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{2, 4, 5}, densitySteps(true, 5))
	require.Equal(t, []int{10, 25, 50, 75, 90}, densitySteps(false, 90))
	require.Equal(t, []int{10, 25, 50, 75, 100}, densitySteps(false, 100)[:5])
	require.Equal(t, 2000, densitySteps(false, 5000)[15])
	require.Len(t, densitySteps(false, 2000), 16)
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
			got, err := climb(context.Background(), []int{1, 2, 3}, func(_ context.Context, n int) (DensityStep, string, error) { return tt.take(n) })
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestDensityKnowsItsNeeds(t *testing.T) {
	t.Parallel()
	d := &Density{}
	require.Equal(t, int64(assumed), d.perPod())
	require.Zero(t, d.lastPods(true))
	d = density(func(float64) Times { return Times{P99: 1} })
	require.Equal(t, int64(3e6+20e6+5e6+1e5), d.perPod())
	require.Equal(t, 4, d.lastPods(true))
	require.Equal(t, 100, d.lastPods(false))
	require.Equal(t, 2, d.Playing.holds(func(s DensityStep) bool { return s.TickRate > 115 }))
}

func TestDenseVariantAsksForNextToNothing(t *testing.T) {
	t.Parallel()
	wasm := wasmDeployment()
	limits := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	wasm.Spec.Template.Spec.Containers[0].Resources = corev1.ResourceRequirements{Limits: limits, Requests: limits}
	d, err := denseVariant().deploymentOf(wasm)
	require.NoError(t, err)
	require.Equal(t, densityApp, d.Spec.Template.Labels["app"])
	require.Equal(t, "wasm", d.Spec.Template.Annotations[handlerAnnotation])
	got := d.Spec.Template.Spec.Containers[0].Resources
	require.Equal(t, limits, got.Limits)
	require.Equal(t, "1m", got.Requests.Cpu().String())
	require.Equal(t, limits, wasm.Spec.Template.Spec.Containers[0].Resources.Requests, "the live one is not touched")
}

func TestRoomForPods(t *testing.T) {
	t.Parallel()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("110")}}}
	c := &cluster{client: fake.NewSimpleClientset(node, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "x"}}), namespace: "battle"}
	room, err := c.roomForPods(context.Background())
	require.NoError(t, err)
	require.Equal(t, 109, room)
}
