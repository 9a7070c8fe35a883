package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/edge-arena/edge-arena/internal/slo"
)

const oldImage, newImage = "registry.example.com/battle@sha256:old", "registry.example.com/battle@sha256:new"

func spec() Spec {
	return Spec{
		City: "east/shanghai", Subject: "abc", Kubeconfig: "kind: Config", Namespace: "battle", Image: newImage, Pods: 2, TickRate: 120, Bots: 1,
		Duration: time.Second, Attempts: 3, Objectives: slo.Default(),
	}
}

func template(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": deployment}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: deployment, Image: image, Ports: []corev1.ContainerPort{{Name: "game", Protocol: corev1.ProtocolUDP, HostPort: 20000}}}}},
	}
}

// cluster is a city that runs one image, remembers the other, and whose pods follow the Deployment at once.
func cluster(t *testing.T, live, passed string) *fake.Clientset {
	t.Helper()
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: deployment, Namespace: "battle", UID: "1"}, Spec: appsv1.DeploymentSpec{Template: template(live)}}
	objects := []runtime.Object{d}
	for i, image := range []string{oldImage, newImage} {
		objects = append(objects, &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{
				Name: "set-" + string(rune('a'+i)), Namespace: "battle", Labels: map[string]string{"app": deployment},
				Annotations:     map[string]string{"deployment.kubernetes.io/revision": string(rune('1' + i))},
				OwnerReferences: []metav1.OwnerReference{{UID: "1", Controller: new(true)}},
			},
			Spec: appsv1.ReplicaSetSpec{Template: template(image)},
		})
	}
	if passed != "" {
		objects = append(objects, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: record, Namespace: "battle"}, Data: map[string]string{"image": passed}})
	}
	client := fake.NewSimpleClientset(append(objects, credentials)...)
	pods := func(image string) *corev1.PodList {
		list := &corev1.PodList{}
		for _, name := range []string{"p1", "p2"} {
			list.Items = append(list.Items, corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "battle", Labels: map[string]string{"app": deployment}}, Spec: template(image).Spec,
				Status: corev1.PodStatus{HostIP: "192.0.2.1", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
			})
		}
		return list
	}
	client.PrependReactor("list", "pods", func(k8stesting.Action) (bool, runtime.Object, error) {
		// Not by the client: it is busy with this very call.
		now, err := client.Tracker().Get(appsv1.SchemeGroupVersion.WithResource("deployments"), "battle", deployment)
		if err != nil {
			return true, nil, err
		}
		return true, pods(imageOf(&now.(*appsv1.Deployment).Spec.Template)), nil
	})
	// The fake does not know server-side apply.
	client.PrependReactor("patch", "configmaps", func(a k8stesting.Action) (bool, runtime.Object, error) {
		var cm corev1.ConfigMap
		if err := json.Unmarshal(a.(k8stesting.PatchAction).GetPatch(), &cm); err != nil {
			return true, nil, err
		}
		_ = client.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("configmaps"), "battle", record)
		return true, &cm, client.Tracker().Add(&cm)
	})
	return client
}

func live(t *testing.T, client *fake.Clientset) string {
	t.Helper()
	d, err := client.Tracker().Get(appsv1.SchemeGroupVersion.WithResource("deployments"), "battle", deployment)
	require.NoError(t, err)
	return imageOf(&d.(*appsv1.Deployment).Spec.Template)
}

func remembered(t *testing.T, client *fake.Clientset) string {
	t.Helper()
	cm, err := client.CoreV1().ConfigMaps("battle").Get(t.Context(), record, metav1.GetOptions{})
	if err != nil {
		return ""
	}
	return cm.Data["image"]
}

// report is one that passes, or misses P99.
func report(pass bool, warnings ...string) slo.Report {
	value := 8.0
	if !pass {
		value = 31
	}
	return slo.Report{
		Pass: pass, Warnings: warnings, Conditions: slo.Conditions{Pods: 2, BotsPerPod: 1, DurationSec: 1},
		Verdicts: []slo.Verdict{{Name: "rtt_p99", Unit: "ms", Value: &value, Comparison: "<", Threshold: 20, Pass: pass}},
		Pods:     []slo.Pod{{Measured: slo.Measured{TickRate: 120}}, {Measured: slo.Measured{TickRate: 119.9}}},
	}
}

func TestPass(t *testing.T) {
	t.Parallel()
	good, bad, late := report(true), report(false), report(false, "the bots themselves were late")
	tests := map[string]struct {
		live, passed string
		rollback     bool
		reports      []slo.Report
		wantErr      []string
		attempts     int
		liveAfter    string
		remembered   string
		rolledBack   string
	}{
		"a pass is remembered":              {live: newImage, reports: []slo.Report{good}, attempts: 1, liveAfter: newImage, remembered: newImage},
		"late bots play again":              {live: newImage, reports: []slo.Report{late, good}, attempts: 2, liveAfter: newImage, remembered: newImage},
		"but not for ever":                  {live: newImage, reports: []slo.Report{late, late, late}, attempts: 3, wantErr: []string{"rtt_p99 31.000 ms, required < 20 ms", "attempt 3", "warning: the bots"}, liveAfter: newImage},
		"a miss of bots that were in time":  {live: newImage, reports: []slo.Report{bad}, attempts: 1, wantErr: []string{"objectives missed: rtt_p99 31.000 ms, required < 20 ms (2 pods, 1 bots each, 1s)"}, liveAfter: newImage},
		"a miss is put back":                {live: newImage, passed: oldImage, rollback: true, reports: []slo.Report{bad}, attempts: 1, wantErr: []string{"objectives missed", "put back to the last image that passed here, " + oldImage}, liveAfter: oldImage, remembered: oldImage, rolledBack: oldImage},
		"nothing to put back to":            {live: newImage, rollback: true, reports: []slo.Report{bad}, attempts: 1, wantErr: []string{"were not put back: no image has passed here yet"}, liveAfter: newImage},
		"the same image":                    {live: newImage, passed: newImage, rollback: true, reports: []slo.Report{bad}, attempts: 1, wantErr: []string{"the last image that passed here is this one"}, liveAfter: newImage, remembered: newImage},
		"an image whose ReplicaSet is gone": {live: newImage, passed: "gone", rollback: true, reports: []slo.Report{bad}, attempts: 1, wantErr: []string{"no longer knows how the battle pods ran with gone"}, liveAfter: newImage, remembered: "gone"},
		"what was put back is tried again":  {live: oldImage, passed: oldImage, rollback: true, reports: []slo.Report{good}, attempts: 1, liveAfter: newImage, remembered: newImage},
		"and may miss again":                {live: oldImage, passed: oldImage, rollback: true, reports: []slo.Report{bad}, attempts: 1, wantErr: []string{"put back"}, liveAfter: oldImage, remembered: oldImage, rolledBack: oldImage},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, s, played := cluster(t, tt.live, tt.passed), spec(), 0
			s.Rollback = tt.rollback
			c := newCity(client, s)
			c.poll, c.patience = time.Millisecond, 10*time.Second
			g := &gate{spec: s, city: c, lock: filepath.Join(t.TempDir(), "lock"), log: &bytes.Buffer{}, play: func(_ context.Context, _ slo.Config, targets []slo.Target) (slo.Report, error) {
				require.Len(t, targets, 2)
				require.Equal(t, newImage, live(t, client), "what is played at")
				played++
				return tt.reports[played-1], nil
			}}
			outcome, err := g.pass(t.Context())
			require.Equal(t, tt.attempts, outcome.Attempts)
			require.Equal(t, len(tt.wantErr) == 0, err == nil, "%v", err)
			for _, want := range tt.wantErr {
				require.ErrorContains(t, err, want)
			}
			require.Equal(t, tt.liveAfter, live(t, client))
			require.Equal(t, tt.remembered, remembered(t, client))
			require.Equal(t, tt.rolledBack, outcome.RolledBackTo)
			require.Equal(t, "abc", outcome.Subject)
			require.InDelta(t, 119.9, outcome.TickRate, 0)
		})
	}
}

func TestPodsThatAreNotReadyAreNoPass(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset(credentials, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: deployment, Namespace: "battle"}, Spec: appsv1.DeploymentSpec{Template: template(newImage)}})
	c := newCity(client, spec())
	c.poll, c.patience = time.Millisecond, 20*time.Millisecond
	g := &gate{spec: spec(), city: c, lock: filepath.Join(t.TempDir(), "lock"), log: &bytes.Buffer{}}
	outcome, err := g.pass(t.Context())
	require.Nil(t, outcome)
	require.ErrorContains(t, err, "0 of 2 battle pods are ready with "+newImage)
}

func TestOneGatePlaysAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	release, err := turn(t.Context(), path, &bytes.Buffer{})
	require.NoError(t, err)
	var said bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = turn(ctx, path, &said)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Contains(t, said.String(), "waiting for another gate")
	require.NoError(t, release())
	release, err = turn(t.Context(), path, &said)
	require.NoError(t, err)
	require.NoError(t, release())
}

func TestReadSpec(t *testing.T) {
	t.Parallel()
	good, err := json.Marshal(spec())
	require.NoError(t, err)
	read, err := ReadSpec(bytes.NewReader(good))
	require.NoError(t, err)
	require.Equal(t, spec(), read)
	tests := map[string]struct{ text, want string }{
		"no JSON":       {"{", "gate: read the spec"},
		"unknown field": {`{"cty":"x"}`, `unknown field "cty"`},
		"all problems":  {`{"city":"a/../b"}`, "subject: required"},
		"a bad city":    {`{"city":"a/../b"}`, "is not of the form region/city"},
		"no pods":       {`{"city":"a/b"}`, "pods: 0 is less than 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadSpec(strings.NewReader(tt.text))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func FuzzReadSpec(f *testing.F) {
	good, err := json.Marshal(spec())
	require.NoError(f, err)
	f.Add(good)
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := ReadSpec(bytes.NewReader(content))
		if err == nil && (s.Pods < 1 || s.City == "" || strings.ContainsAny(s.City, `\.`)) {
			t.Errorf("accepted %+v", s)
		}
	})
}

func TestRunNamesTheCity(t *testing.T) {
	t.Parallel()
	content, err := json.Marshal(spec())
	require.NoError(t, err)
	var out bytes.Buffer
	err = run(t.Context(), bytes.NewReader(content), &out, &bytes.Buffer{})
	require.ErrorContains(t, err, "gate of east/shanghai: ")
	require.Empty(t, out.String())
}

func TestLeave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, leave(dir, "east/shanghai", &slo.Outcome{Image: newImage}))
	require.FileExists(t, filepath.Join(dir, "east.shanghai.json"))
	require.NoError(t, leave("", "east/shanghai", nil))
	require.Error(t, leave(filepath.Join(dir, "none"), "east/shanghai", &slo.Outcome{}))
}

// credentials lets bots in.
var credentials = &corev1.Secret{
	ObjectMeta: metav1.ObjectMeta{Name: "battle-credentials", Namespace: "battle"},
	Data:       map[string][]byte{"TICKET_KEYS": []byte("1:" + strings.Repeat("ab", 32))},
}
