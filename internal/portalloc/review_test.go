package portalloc

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch"
	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// testServer answers for namespace "battle" with n ports from 7000 on.
func testServer(n int) *server {
	pool := NewPool(7000, 7000+n-1, time.Minute)
	return &server{
		cfg:  Config{Namespace: "battle", Webhook: "battle-ports"},
		pool: pool, metrics: newMetrics(pool), log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	}
}

func battlePod(containers ...corev1.Container) *corev1.Pod {
	if containers == nil {
		containers = []corev1.Container{{Name: "battle", Ports: []corev1.ContainerPort{
			{Name: "game", Protocol: corev1.ProtocolUDP, ContainerPort: 1}, {Name: "http", ContainerPort: 1},
		}}}
	}
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "real-time-battle-"}, Spec: corev1.PodSpec{Containers: containers}}
}

func reviewOf(t testing.TB, pod *corev1.Pod, change func(*admissionv1.AdmissionRequest)) []byte {
	t.Helper()
	raw, err := json.Marshal(pod)
	require.NoError(t, err)
	req := &admissionv1.AdmissionRequest{
		UID: "u-1", Operation: admissionv1.Create, Namespace: "battle",
		Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
		Object:   runtime.RawExtension{Raw: raw},
	}
	if change != nil {
		change(req)
	}
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: req,
	})
	require.NoError(t, err)
	return body
}

func post(s *server, contentType string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, MutatePath, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, r)
	return w
}

// ask posts a review and returns the answer, which must be one.
func ask(t testing.TB, s *server, body []byte) *admissionv1.AdmissionResponse {
	t.Helper()
	w := post(s, "application/json", body)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	var review admissionv1.AdmissionReview
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &review))
	require.Equal(t, "AdmissionReview", review.Kind)
	require.EqualValues(t, "u-1", review.Response.UID)
	return review.Response
}

// patched applies the answer's patch to the pod, as the API server does.
func patched(t testing.TB, pod *corev1.Pod, resp *admissionv1.AdmissionResponse) *corev1.Pod {
	t.Helper()
	raw, err := json.Marshal(pod)
	require.NoError(t, err)
	p, err := jsonpatch.DecodePatch(resp.Patch)
	require.NoError(t, err)
	raw, err = p.Apply(raw)
	require.NoError(t, err)
	out := new(corev1.Pod)
	require.NoError(t, json.Unmarshal(raw, out))
	return out
}

func TestMutateGivesThePodItsPort(t *testing.T) {
	t.Parallel()
	game := corev1.ContainerPort{Name: "game", Protocol: corev1.ProtocolUDP, ContainerPort: 9, HostPort: 9}
	other := corev1.ContainerPort{Name: "debug", Protocol: corev1.ProtocolTCP, ContainerPort: 6060}
	tests := map[string]struct {
		containers []corev1.Container
		at         int
		ports      []corev1.ContainerPort
		env        []corev1.EnvVar
	}{
		"no environment, both ports": {
			ports: []corev1.ContainerPort{
				{Name: "game", Protocol: corev1.ProtocolUDP, ContainerPort: 7000, HostPort: 7000},
				{Name: "http", ContainerPort: 7000, HostPort: 7000},
			},
			env: []corev1.EnvVar{{Name: "BATTLE_PORT", Value: "7000"}},
		},
		"second container, other ports and variables stay": {
			containers: []corev1.Container{
				{Name: "side", Ports: []corev1.ContainerPort{other}},
				{Name: "battle", Ports: []corev1.ContainerPort{other, game}, Env: []corev1.EnvVar{{Name: "A", Value: "$(BATTLE_PORT)"}}},
			},
			at:    1,
			ports: []corev1.ContainerPort{other, {Name: "game", Protocol: corev1.ProtocolUDP, ContainerPort: 7000, HostPort: 7000}},
			env:   []corev1.EnvVar{{Name: "BATTLE_PORT", Value: "7000"}, {Name: "A", Value: "$(BATTLE_PORT)"}},
		},
		"the author's BATTLE_PORT is replaced whole": {
			containers: []corev1.Container{{
				Name: "battle", Ports: []corev1.ContainerPort{game},
				Env: []corev1.EnvVar{{Name: "A"}, {Name: "BATTLE_PORT", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "x"}}}},
			}},
			ports: []corev1.ContainerPort{{Name: "game", Protocol: corev1.ProtocolUDP, ContainerPort: 7000, HostPort: 7000}},
			env:   []corev1.EnvVar{{Name: "A"}, {Name: "BATTLE_PORT", Value: "7000"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := battlePod(tt.containers...)
			resp := ask(t, testServer(1), reviewOf(t, pod, nil))
			require.True(t, resp.Allowed)
			got := patched(t, pod, resp).Spec.Containers[tt.at]
			require.Equal(t, tt.ports, got.Ports)
			require.Equal(t, tt.env, got.Env)
		})
	}
}

// The kubelet finds the port of probes and hooks by its name, so they need no number of their own.
func TestMutateLeavesWhatNamesThePort(t *testing.T) {
	t.Parallel()
	get := &corev1.HTTPGetAction{Host: "127.0.0.1", Path: "/drain", Port: intstr.FromString(HTTPPort)}
	pod := battlePod()
	pod.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{HTTPGet: get}}
	pod.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: get}}
	got := patched(t, pod, ask(t, testServer(1), reviewOf(t, pod, nil))).Spec.Containers[0]
	require.Equal(t, pod.Spec.Containers[0].Lifecycle, got.Lifecycle)
	require.Equal(t, pod.Spec.Containers[0].ReadinessProbe, got.ReadinessProbe)
	require.Equal(t, int32(7000), got.Ports[1].ContainerPort)
}

func TestMutateDenies(t *testing.T) {
	t.Parallel()
	game := []corev1.ContainerPort{{Name: "game", Protocol: corev1.ProtocolUDP}}
	tests := map[string]struct {
		ports int
		pod   *corev1.Pod
		want  string
	}{
		"no game port":        {1, battlePod(corev1.Container{Name: "x"}), `no container has a UDP port named "game"`},
		"game over TCP":       {1, battlePod(corev1.Container{Ports: []corev1.ContainerPort{{Name: "game"}}}), `no container has a UDP port named "game"`},
		"two game containers": {1, battlePod(corev1.Container{Name: "a", Ports: game}, corev1.Container{Name: "b", Ports: game}), `containers "a" and "b" both have`},
		"no port free":        {0, battlePod(), "no battle port is free: of the 0 ports"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testServer(tt.ports)
			resp := ask(t, s, reviewOf(t, tt.pod, nil))
			require.False(t, resp.Allowed)
			require.Nil(t, resp.Patch)
			require.Contains(t, resp.Result.Message, tt.want)
			_, reserved := s.pool.Usage()
			require.Zero(t, reserved, "a denied pod costs no port")
		})
	}
}

func TestMutateLetsOthersThrough(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*admissionv1.AdmissionRequest)
		want   string
	}{
		"an update":         {func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Update }, "asked about UPDATE"},
		"an eviction":       {func(r *admissionv1.AdmissionRequest) { r.SubResource = "eviction" }, `asked about pods "eviction"`},
		"another resource":  {func(r *admissionv1.AdmissionRequest) { r.Resource.Resource = "nodes" }, `asked about nodes`},
		"another group":     {func(r *admissionv1.AdmissionRequest) { r.Resource.Group = "metrics.k8s.io" }, "not about pods"},
		"another namespace": {func(r *admissionv1.AdmissionRequest) { r.Namespace = "kube-system" }, `namespace "kube-system", not "battle"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testServer(1)
			resp := ask(t, s, reviewOf(t, battlePod(), tt.change))
			require.True(t, resp.Allowed)
			require.Nil(t, resp.Patch)
			require.Len(t, resp.Warnings, 1)
			require.Contains(t, resp.Warnings[0], tt.want)
			require.Contains(t, resp.Warnings[0], "mend the rules of webhook battle-ports")
			_, reserved := s.pool.Usage()
			require.Zero(t, reserved)
		})
	}
}

func TestDryRunReservesNothing(t *testing.T) {
	t.Parallel()
	s := testServer(1)
	dry := reviewOf(t, battlePod(), func(r *admissionv1.AdmissionRequest) { r.DryRun = new(true) })
	for range 3 {
		resp := ask(t, s, dry)
		require.True(t, resp.Allowed)
		require.Contains(t, string(resp.Patch), "7000")
	}
	require.True(t, ask(t, s, reviewOf(t, battlePod(), nil)).Allowed)
	require.False(t, ask(t, s, dry).Allowed, "a dry run is told the truth about an exhausted range")
}

func TestMutateRefuses(t *testing.T) {
	t.Parallel()
	valid := string(reviewOf(t, battlePod(), nil))
	tests := map[string]struct {
		contentType, body string
		status            int
		want              string
	}{
		"another content type": {"text/plain", valid, http.StatusUnsupportedMediaType, `content type "text/plain"`},
		"no content type":      {"", valid, http.StatusUnsupportedMediaType, `content type ""`},
		"not JSON":             {"application/json", "{", http.StatusBadRequest, "decode admission review"},
		"trailing data":        {"application/json", valid + "{}", http.StatusBadRequest, "decode admission review"},
		"another kind":         {"application/json", strings.Replace(valid, `"AdmissionReview"`, `"Pod"`, 1), http.StatusBadRequest, `got "Pod"`},
		"an old version":       {"application/json", strings.Replace(valid, "admission.k8s.io/v1", "admission.k8s.io/v1beta1", 1), http.StatusBadRequest, "want AdmissionReview of admission.k8s.io/v1"},
		"no request":           {"application/json", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, http.StatusBadRequest, "without a request"},
		"too large":            {"application/json", `"` + strings.Repeat("x", maxReview) + `"`, http.StatusRequestEntityTooLarge, "more than 4194304 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := post(testServer(1), tt.contentType, []byte(tt.body))
			require.Equal(t, tt.status, w.Code)
			require.Contains(t, w.Body.String(), tt.want)
		})
	}
	w := post(testServer(1), "application/json; charset=utf-8", []byte(valid))
	require.Equal(t, http.StatusOK, w.Code)
}

// TestMutateConcurrently asks for more pods at once than there are ports: each port goes to one pod, the rest are denied.
func TestMutateConcurrently(t *testing.T) {
	t.Parallel()
	const ports, pods = 40, 64
	s := testServer(ports)
	body := reviewOf(t, battlePod(), nil)
	var mu sync.Mutex
	given, denied := map[string]int{}, 0
	var wg sync.WaitGroup
	for range pods {
		wg.Go(func() {
			resp := ask(t, s, body)
			mu.Lock()
			defer mu.Unlock()
			if !resp.Allowed {
				denied++
				return
			}
			given[patched(t, battlePod(), resp).Spec.Containers[0].Env[0].Value]++
		})
	}
	wg.Wait()
	require.Equal(t, pods-ports, denied)
	require.Len(t, given, ports)
	for port, n := range given {
		require.Equal(t, 1, n, "port %s", port)
	}
}

func FuzzMutate(f *testing.F) {
	f.Add(reviewOf(f, battlePod(), nil))
	f.Add(reviewOf(f, battlePod(corev1.Container{Name: "x"}), nil))
	f.Add(reviewOf(f, battlePod(), func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Delete }))
	f.Add([]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","object":null}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		w := post(testServer(1), "application/json", body)
		if w.Code == http.StatusBadRequest {
			return
		}
		require.Equal(t, http.StatusOK, w.Code)
		var in, out admissionv1.AdmissionReview
		require.NoError(t, json.Unmarshal(body, &in))
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
		require.Equal(t, in.Request.UID, out.Response.UID)
		switch {
		case out.Response.Patch != nil:
			// Whatever the pod looks like, the patch applies and gives it the port.
			var pod corev1.Pod
			require.NoError(t, json.Unmarshal(in.Request.Object.Raw, &pod))
			got := patched(t, &pod, out.Response)
			require.Equal(t, []int{7000}, gamePorts(got))
		case out.Response.Allowed:
			require.NotEmpty(t, out.Response.Warnings)
		default:
			require.NotEmpty(t, out.Response.Result.Message)
		}
	})
}

func gamePorts(pod *corev1.Pod) []int {
	var ports []int
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if isGame(p) {
				ports = append(ports, int(p.HostPort))
			}
		}
	}
	return ports
}
