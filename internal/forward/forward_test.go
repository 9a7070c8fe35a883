package forward

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
	"k8s.io/client-go/rest"
)

// api is an API server with pods, whose ports answer with what they were asked for.
func api(t *testing.T, pods ...corev1.Pod) *rest.Config {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/monitoring/pods", func(w http.ResponseWriter, r *http.Request) {
		list := corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}}
		if r.URL.Query().Get("labelSelector") == "app=grafana" {
			list.Items = pods
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(list)
	})
	mux.HandleFunc("POST /api/v1/namespaces/monitoring/pods/{pod}/portforward", func(w http.ResponseWriter, r *http.Request) {
		if _, err := httpstream.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
			return
		}
		connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(stream httpstream.Stream, _ <-chan struct{}) error {
			go func() {
				if stream.Headers().Get(corev1.StreamType) == corev1.StreamTypeData {
					_, _ = fmt.Fprintf(stream, "port %s of %s", stream.Headers().Get(corev1.PortHeader), r.PathValue("pod"))
				}
				_ = stream.Close()
			}()
			return nil
		})
		if connection != nil {
			<-connection.CloseChan()
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.CloseClientConnections)
	return &rest.Config{Host: s.URL, Timeout: 5 * time.Second}
}

func pod(name string, ready corev1.ConditionStatus) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}},
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	connection := api(t, pod("grafana-old", corev1.ConditionFalse), pod("grafana-0", corev1.ConditionTrue))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := ""
	err := Run(ctx, connection, Target{Namespace: "monitoring", App: "grafana", Port: 3000}, 0, io.Discard, func(port int) error {
		defer cancel()
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return err
		}
		defer c.Close()
		text, err := io.ReadAll(c)
		got = string(text)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, "port 3000 of grafana-0", got)
}

func TestNoPod(t *testing.T) {
	t.Parallel()
	connection := api(t, pod("grafana-0", corev1.ConditionFalse))
	for _, app := range []string{"grafana", "loki"} {
		err := Run(t.Context(), connection, Target{Namespace: "monitoring", App: app, Port: 1}, 0, io.Discard, func(int) error { return nil })
		require.ErrorIs(t, err, ErrNotThere)
		require.ErrorContains(t, err, app+" in namespace monitoring: ")
	}
}
