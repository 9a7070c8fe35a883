package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/edge-arena/edge-arena/battle-wasm/client/clienttest"
	"github.com/edge-arena/edge-arena/internal/slo"
)

// gateOf is a gate that reads what it says, and looks often.
func gateOf(t *testing.T, client *fake.Clientset, s Spec) (*gate, *bytes.Buffer) {
	t.Helper()
	said := &bytes.Buffer{}
	c := newCity(client, s)
	c.poll, c.patience = time.Millisecond, 10*time.Second
	return &gate{spec: s, city: c, lock: filepath.Join(t.TempDir(), "lock"), log: said}, said
}

// reachable makes the city's pods those servers.
func reachable(t *testing.T, client *fake.Clientset, servers ...*clienttest.Server) {
	t.Helper()
	list := &corev1.PodList{}
	for i, server := range servers {
		host, port, err := net.SplitHostPort(server.Address())
		require.NoError(t, err)
		number, err := strconv.ParseInt(port, 10, 32)
		require.NoError(t, err)
		pod := corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "p" + strconv.Itoa(i), Namespace: "battle", Labels: map[string]string{"app": deployment}},
			Spec:       template(newImage).Spec,
			Status:     corev1.PodStatus{HostIP: host, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
		}
		pod.Spec.Containers[0].Ports[0].HostPort = int32(number)
		list.Items = append(list.Items, pod)
	}
	client.PrependReactor("list", "pods", func(k8stesting.Action) (bool, runtime.Object, error) { return true, list.DeepCopy(), nil })
}

// briefly is [slo.Run] with next to no warm-up.
func briefly(ctx context.Context, cfg slo.Config, targets []slo.Target) (slo.Report, error) {
	cfg.Warmup, cfg.Timeout = 50*time.Millisecond, 200*time.Millisecond
	return slo.Run(ctx, cfg, targets)
}

func TestBotsPlay(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options    clienttest.Options
		objectives slo.Objectives
		attempts   int
		want       []string
	}{
		"a pass": {
			objectives: slo.Objectives{RTTP50: time.Minute, RTTP99: time.Minute, RTTP999: time.Minute, TickRate: 1}, attempts: 1,
		},
		// Whatever the machine is busy with: nothing answers within a microsecond. A forged answer casts doubt on the measurement.
		"a miss that is doubted, to the end": {
			options:    clienttest.Options{Delay: 20 * time.Millisecond, ForgeAcks: true},
			objectives: slo.Objectives{RTTP50: time.Microsecond, RTTP99: time.Microsecond, RTTP999: time.Microsecond, TickRate: 1}, attempts: 2,
			want: []string{"rtt_p50", "rtt_p999", "required < 0.001 ms", "attempt 2", "warning: "},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, s := cluster(t, newImage, ""), spec()
			reachable(t, client, clienttest.Start(t, tt.options), clienttest.Start(t, tt.options))
			s.Objectives, s.Duration, s.Attempts = tt.objectives, 300*time.Millisecond, 2
			g, said := gateOf(t, client, s)
			g.play = briefly
			outcome, err := g.pass(t.Context())
			require.Equal(t, len(tt.want) > 0, err != nil, "%v", err)
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			require.Equal(t, err == nil, outcome.Pass)
			require.Equal(t, tt.attempts, outcome.Attempts)
			require.Equal(t, 2, outcome.Conditions.Pods)
			require.Positive(t, outcome.InputsScheduled)
			require.Contains(t, said.String(), "playing 1 bots on each of 2 pods for 300ms")
		})
	}
}

func TestWhatCallsForARollback(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		play   error
		broken func(*fake.Clientset)
		want   []string
		after  string
	}{
		"nobody can join": {
			play: errors.New("join: no answer"), want: []string{"could not be played at: join: no answer", "were put back to the last image that passed here, " + oldImage},
			after: oldImage,
		},
		"an API server that fails is no reason": {
			broken: func(c *fake.Clientset) {
				c.PrependReactor("list", "pods", func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("etcd is away") })
			},
			want: []string{"look at the battle pods: etcd is away"}, after: newImage,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, s := cluster(t, newImage, oldImage), spec()
			s.Rollback = true
			g, _ := gateOf(t, client, s)
			if tt.broken != nil {
				g.city.patience = 30 * time.Millisecond
				tt.broken(client)
			}
			g.play = func(context.Context, slo.Config, []slo.Target) (slo.Report, error) { return slo.Report{}, tt.play }
			outcome, err := g.pass(t.Context())
			require.Nil(t, outcome)
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			require.Equal(t, tt.after, live(t, client))
		})
	}
}

func TestPutBackButNotReady(t *testing.T) {
	t.Parallel()
	client, s := cluster(t, newImage, oldImage), spec()
	s.Rollback = true
	g, _ := gateOf(t, client, s)
	g.play = func(context.Context, slo.Config, []slo.Target) (slo.Report, error) {
		// From here on no pod comes up any more.
		client.PrependReactor("list", "pods", func(k8stesting.Action) (bool, runtime.Object, error) { return true, &corev1.PodList{}, nil })
		g.city.patience = 30 * time.Millisecond
		return report(false), nil
	}
	outcome, err := g.pass(t.Context())
	require.Equal(t, oldImage, outcome.RolledBackTo)
	require.ErrorContains(t, err, "were put back to the last image that passed here, "+oldImage+", but: not ready in time")
	require.Equal(t, oldImage, live(t, client))
}

func TestACanceledGateChangesNothing(t *testing.T) {
	t.Parallel()
	client, s := cluster(t, newImage, oldImage), spec()
	s.Rollback = true
	g, _ := gateOf(t, client, s)
	ctx, cancel := context.WithCancel(t.Context())
	g.play = func(ctx context.Context, _ slo.Config, _ []slo.Target) (slo.Report, error) {
		cancel()
		return slo.Report{}, ctx.Err()
	}
	_, err := g.pass(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NotContains(t, err.Error(), "put back")
	require.Equal(t, newImage, live(t, client))
}

func TestRollbackTakesTheReplicaSetThatPassed(t *testing.T) {
	t.Parallel()
	client, s := cluster(t, newImage, oldImage), spec()
	sets := client.AppsV1().ReplicaSets("battle")
	// The same image once more, newer and with another setting: that one never passed.
	worse, err := sets.Get(t.Context(), "set-a", metav1.GetOptions{})
	require.NoError(t, err)
	worse = worse.DeepCopy()
	worse.Name, worse.Annotations[revision] = "set-c", "9"
	worse.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "TICK_RATE", Value: "60"}}
	_, err = sets.Create(t.Context(), worse, metav1.CreateOptions{})
	require.NoError(t, err)
	cm, err := client.CoreV1().ConfigMaps("battle").Get(t.Context(), record, metav1.GetOptions{})
	require.NoError(t, err)
	cm.Data["replicaSet"] = "set-a"
	_, err = client.CoreV1().ConfigMaps("battle").Update(t.Context(), cm, metav1.UpdateOptions{})
	require.NoError(t, err)

	g, _ := gateOf(t, client, s)
	image, err := g.city.back(t.Context(), g.log)
	require.NoError(t, err)
	require.Equal(t, oldImage, image)
	d, err := client.AppsV1().Deployments("battle").Get(t.Context(), deployment, metav1.GetOptions{})
	require.NoError(t, err)
	require.Empty(t, d.Spec.Template.Spec.Containers[0].Env)
}

func TestPodsThatAreStillEndingAreWaitedFor(t *testing.T) {
	t.Parallel()
	client, s := cluster(t, newImage, ""), spec()
	going := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "old", Labels: map[string]string{"app": deployment}, DeletionTimestamp: new(metav1.Now())}, Spec: template(newImage).Spec}
	client.PrependReactor("list", "pods", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, &corev1.PodList{Items: []corev1.Pod{going}}, nil
	})
	g, _ := gateOf(t, client, s)
	missing, err := g.city.missing(t.Context(), newImage)
	require.NoError(t, err)
	require.Contains(t, missing, "and 1 others are there")
}

func TestSpecNeedsLimitsAndADigest(t *testing.T) {
	t.Parallel()
	s := spec()
	s.Objectives, s.Image = slo.Objectives{}, "battle:latest"
	content, err := json.Marshal(s)
	require.NoError(t, err)
	_, err = ReadSpec(bytes.NewReader(content))
	require.ErrorContains(t, err, "objectives: every limit must be more than zero")
	require.ErrorContains(t, err, `image: "battle:latest" does not name its digest`)

	content, err = json.Marshal(spec())
	require.NoError(t, err)
	_, err = ReadSpec(bytes.NewReader(append(content, "{}"...)))
	require.ErrorContains(t, err, "there is more after the first JSON document")
}

func TestTheKubeconfigIsNeverQuoted(t *testing.T) {
	t.Parallel()
	for _, kubeconfig := range []string{"s3cret", "token: s3cret: x", `{"users":["s3cret"]}`} {
		_, err := connect(kubeconfig)
		require.ErrorContains(t, err, "kubeconfig: ")
		require.NotContains(t, err.Error(), "s3cret")
	}
}
