package slo

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
)

// pod is a ready battle pod, changed by each of the functions.
func pod(name string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "battle", Name: name, Labels: map[string]string{"app": "real-time-battle"}},
		Spec: corev1.PodSpec{NodeName: "local-1", Containers: []corev1.Container{{Ports: []corev1.ContainerPort{
			{Name: "http", Protocol: corev1.ProtocolTCP, HostPort: 7001}, {Name: "game", Protocol: corev1.ProtocolUDP, HostPort: 7001},
		}}}},
		Status: corev1.PodStatus{HostIP: "10.0.0.3", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
	for _, f := range change {
		f(p)
	}
	return p
}

func unready(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }

func TestDiscover(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pods []runtime.Object
		want []Target
		err  string
	}{
		"by name, ready ones only": {
			pods: []runtime.Object{
				pod("c"), pod("a"), pod("unready", unready),
				pod("going", func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.Now()) }),
				pod("no-conditions", func(p *corev1.Pod) { p.Status.Conditions = nil }),
				pod("other-app", func(p *corev1.Pod) { p.Labels["app"] = "lobby" }),
				pod("elsewhere", func(p *corev1.Pod) { p.Namespace = "default" }),
				pod("ipv6", func(p *corev1.Pod) { p.Status.HostIP = "fd00::3" }),
			},
			want: []Target{
				{Pod: "a", Node: "local-1", Address: "10.0.0.3:7001"}, {Pod: "c", Node: "local-1", Address: "10.0.0.3:7001"},
				{Pod: "ipv6", Node: "local-1", Address: "[fd00::3]:7001"},
			},
		},
		"none":       {err: "none of the 0 pods with label app=real-time-battle in namespace battle is ready"},
		"none ready": {pods: []runtime.Object{pod("a", unready)}, err: "none of the 1 pods"},
		"no host port": {
			pods: []runtime.Object{pod("a", func(p *corev1.Pod) { p.Spec.Containers[0].Ports[1].HostPort = 0 }), pod("b")},
			err:  "pod a: host address \"10.0.0.3\", host port 0 of port game: players cannot reach it",
		},
		"no game port": {pods: []runtime.Object{pod("a", func(p *corev1.Pod) { p.Spec.Containers = nil })}, err: "pod a: no UDP port named game"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := discover(context.Background(), fake.NewSimpleClientset(append(tt.pods, credentialsOf("1:"+strings.Repeat("ab", 32)))...), "battle")
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			for i := range got {
				require.NotNil(t, got[i].Tickets)
				got[i].Tickets = nil
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func credentialsOf(keys string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "battle-credentials", Namespace: "battle"}, Data: map[string][]byte{"TICKET_KEYS": []byte(keys)}}
}

func TestDiscoverNeedsTheTicketKeys(t *testing.T) {
	t.Parallel()
	_, err := discover(context.Background(), fake.NewSimpleClientset(), "battle")
	require.ErrorContains(t, err, `discover battle pods: read the ticket keys: secrets "battle-credentials" not found`)
	_, err = discover(context.Background(), fake.NewSimpleClientset(credentialsOf("1:12")), "battle")
	require.ErrorContains(t, err, "secret battle/battle-credentials: TICKET_KEYS: ticket key 1 must have 64 hexadecimal digits")
}

func TestDiscoverNeedsAKubeconfigThatWorks(t *testing.T) {
	t.Parallel()
	_, err := Discover(context.Background(), []byte("nonsense"), "battle")
	require.ErrorContains(t, err, "discover battle pods: read kubeconfig")

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = Discover(ctx, []byte(`{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: k}}],
clusters: [{name: k, cluster: {server: "http://127.0.0.1:1"}}]}`), "battle")
	require.ErrorContains(t, err, "connection refused")
}
