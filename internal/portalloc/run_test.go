package portalloc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	admissionregv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
)

// webhookConfig has two webhooks of ours and one of somebody else.
func webhookConfig() *admissionregv1.MutatingWebhookConfiguration {
	ref := func(service string) admissionregv1.WebhookClientConfig {
		return admissionregv1.WebhookClientConfig{Service: &admissionregv1.ServiceReference{Namespace: "battle", Name: service}}
	}
	foreign := ref("other")
	foreign.CABundle = []byte("theirs")
	return &admissionregv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "battle-ports"},
		Webhooks: []admissionregv1.MutatingWebhook{
			{Name: "a.example.com", ClientConfig: ref("port-allocator")}, {Name: "b.example.com", ClientConfig: foreign},
			{Name: "c.example.com", ClientConfig: ref("port-allocator")},
		},
	}
}

func runningPod(name string, port int32, phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "battle", Name: name, UID: types.UID("uid-" + name)},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{
			{Name: "game", HostPort: port}, {Name: "http", HostPort: port},
		}}}},
		Status: corev1.PodStatus{Phase: phase},
	}
}

// fixture is a running service and how to reach it.
type fixture struct {
	client          kubernetes.Interface
	webhook, health string
}

func start(t *testing.T, client *fake.Clientset) fixture {
	t.Helper()
	cfg := Config{
		First: 7000, Last: 7002, Namespace: "battle", Webhook: "battle-ports", Service: "port-allocator",
		Reserve: time.Minute, Recheck: 5 * time.Millisecond,
	}
	listen := func() net.Listener {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		return l
	}
	webhook, health := listen(), listen()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, cfg, client, webhook, health, slog.New(slog.NewJSONHandler(io.Discard, nil)))
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done, "a stopped service ends without an error")
	})
	f := fixture{client: client, webhook: webhook.Addr().String(), health: "http://" + health.Addr().String()}
	// The fake API server forgets what happens between a list and the watch after it.
	eventually(t, "the watch to start", func() bool {
		for _, a := range client.Actions() {
			if a.GetVerb() == "watch" {
				return true
			}
		}
		return false
	})
	return f
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	require.Eventually(t, f, 10*time.Second, 5*time.Millisecond, what)
}

func (f fixture) get(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, f.health+path, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func (f fixture) ready(t *testing.T) bool {
	status, _ := f.get(t, "/readyz")
	return status == http.StatusOK
}

func (f fixture) config(t *testing.T) *admissionregv1.MutatingWebhookConfiguration {
	t.Helper()
	c, err := f.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(context.Background(), "battle-ports", metav1.GetOptions{})
	require.NoError(t, err)
	return c
}

// call posts as the API server does: it trusts the bundle of the configuration, and asks for the service's DNS name.
func (f fixture) call(t *testing.T, body []byte) (*http.Response, error) {
	t.Helper()
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(f.config(t).Webhooks[0].ClientConfig.CABundle))
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "port-allocator.battle.svc", MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "https://"+f.webhook+MutatePath, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	return client.Do(req)
}

func TestServiceFromStartToReset(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := fake.NewSimpleClientset(runningPod("old", 7000, corev1.PodRunning), runningPod("ended", 7001, corev1.PodFailed))
	f := start(t, client)

	status, _ := f.get(t, "/healthz")
	require.Equal(t, http.StatusOK, status)
	require.False(t, f.ready(t), "not ready before the webhook configuration exists")

	configs := client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	_, err := configs.Create(ctx, webhookConfig(), metav1.CreateOptions{})
	require.NoError(t, err)
	eventually(t, "ready", func() bool { return f.ready(t) })
	hooks := f.config(t).Webhooks
	require.Len(t, hooks, 3)
	require.Contains(t, string(hooks[0].ClientConfig.CABundle), "BEGIN CERTIFICATE")
	require.Equal(t, hooks[0].ClientConfig.CABundle, hooks[2].ClientConfig.CABundle)
	require.Equal(t, "theirs", string(hooks[1].ClientConfig.CABundle))
	require.Equal(t, "port-allocator", hooks[0].ClientConfig.Service.Name, "the rest of the webhook stays")

	resp, err := f.call(t, reviewOf(t, battlePod(), nil))
	require.NoError(t, err)
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "HTTP/2.0", resp.Proto)
	require.Contains(t, string(answer), `"allowed":true`)
	_, metrics := f.get(t, "/metrics")
	for _, line := range []string{
		`port_allocator_admissions_total{result="admitted"} 1`, "port_allocator_ports 3", "port_allocator_ports_held 1", "port_allocator_ports_reserved 1",
	} {
		require.Contains(t, metrics, line+"\n")
	}

	// An apply of the whole object takes the bundle away; the service puts it back.
	_, err = configs.Update(ctx, webhookConfig(), metav1.UpdateOptions{})
	require.NoError(t, err)
	eventually(t, "the bundle to be back", func() bool { return len(f.config(t).Webhooks[0].ClientConfig.CABundle) > 0 })
	resp, err = f.call(t, reviewOf(t, battlePod(), nil))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
}

func TestServiceFollowsThePods(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := fake.NewSimpleClientset(webhookConfig(), runningPod("old", 7000, corev1.PodRunning))
	f := start(t, client)
	eventually(t, "ready", func() bool { return f.ready(t) })
	held := func(n int) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d ports held", n), func() bool {
			_, metrics := f.get(t, "/metrics")
			return bytes.Contains([]byte(metrics), fmt.Appendf(nil, "port_allocator_ports_held %d\n", n))
		})
	}
	held(1)
	pods := client.CoreV1().Pods("battle")
	_, err := pods.Create(ctx, runningPod("new", 7001, corev1.PodPending), metav1.CreateOptions{})
	require.NoError(t, err)
	held(2)
	terminating := runningPod("new", 7001, corev1.PodRunning)
	terminating.DeletionTimestamp = new(metav1.Now())
	_, err = pods.Update(ctx, terminating, metav1.UpdateOptions{})
	require.NoError(t, err)
	_, err = pods.Update(ctx, runningPod("old", 7000, corev1.PodSucceeded), metav1.UpdateOptions{})
	require.NoError(t, err)
	held(1)
	require.NoError(t, pods.Delete(ctx, "new", metav1.DeleteOptions{}))
	held(0)
}

func TestInjectorReportsAConfigurationOfSomebodyElse(t *testing.T) {
	t.Parallel()
	in := &injector{cfg: Config{Webhook: "battle-ports", Service: "elsewhere", Namespace: "battle"}, client: fake.NewSimpleClientset(webhookConfig())}
	require.EqualError(t, in.ensure(context.Background()),
		"webhook configuration battle-ports has no webhook that calls service elsewhere in namespace battle")
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	now := time.Now()
	id, err := newIdentity("port-allocator.battle.svc", now)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(id.serving.Certificate[0])
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(id.caPEM))
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "port-allocator.battle.svc"})
	require.NoError(t, err)
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "kubernetes.default.svc"})
	require.Error(t, err)

	require.NoError(t, id.fresh(now.Add(certLife-certSpare-time.Second)))
	require.ErrorContains(t, id.fresh(now.Add(certLife-certSpare+time.Second)), "restart to get a new one")
}

func TestTrimKeepsWhatThePoolAsksFor(t *testing.T) {
	t.Parallel()
	pod := runningPod("a", 7000, corev1.PodRunning)
	pod.Annotations = map[string]string{"big": "x"}
	pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "side", Image: "y"})
	once, err := trim(pod)
	require.NoError(t, err)
	got, ok := once.(*corev1.Pod)
	require.True(t, ok)
	require.Equal(t, hostPorts(pod), hostPorts(got))
	require.Equal(t, pod.UID, got.UID)
	require.Empty(t, got.Annotations)
	require.Len(t, got.Spec.Containers, 1)
	twice, err := trim(got)
	require.NoError(t, err)
	require.Equal(t, once, twice)
}
