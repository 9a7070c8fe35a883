package bench

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/edge-arena/edge-arena/internal/players"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// A join is timed from when it was due: a lobby that stands still for a while is late for all who came meanwhile.
func TestJoinsAreTimedFromWhenTheyWereDue(t *testing.T) {
	t.Parallel()
	const stall = 200 * time.Millisecond
	var asked atomic.Int32
	release := time.Now().Add(stall)
	lobby := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Until(release))
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(lobby.Close)
	var j joined
	require.NoError(t, j.ask(t.Context(), players.Lobby{URL: lobby.URL}, make([]string, 10)))
	side := j.side()
	require.Equal(t, int64(9), side.Count)
	require.Equal(t, 1, side.Refused)
	require.Greater(t, side.P50, 100.0, "the wait of those who came while the lobby stood still")
}

func TestJoinsThatAllFail(t *testing.T) {
	t.Parallel()
	lobby := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(lobby.Close)
	var j joined
	require.ErrorContains(t, j.ask(t.Context(), players.Lobby{URL: lobby.URL}, make([]string, 2)), "nobody was let in: refused by the lobby: 404")
}

// What the lobby is put back to must not have been changed.
func TestWithoutBoundsLeavesWhatWasKept(t *testing.T) {
	t.Parallel()
	container := applycorev1.Container().WithName("lobby").WithArgs("-address-rate=200/10s")
	kept := keptLobby{deployment: applyappsv1.Deployment("lobby", "city").WithSpec(applyappsv1.DeploymentSpec().WithTemplate(
		applycorev1.PodTemplateSpec().WithSpec(applycorev1.PodSpec().WithContainers(container))))}
	changed := kept.withoutBounds()
	require.Equal(t, []string{"-address-rate=200/10s", "-address-rate=1000000/s", "-ticket-lifetime=2s"}, changed.Spec.Template.Spec.Containers[0].Args)
	require.Equal(t, []string{"-address-rate=200/10s"}, kept.deployment.Spec.Template.Spec.Containers[0].Args)
}

func TestLedgerAndPlainInserts(t *testing.T) {
	t.Parallel()
	rate, err := recorded(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), 3, 16)
	require.NoError(t, err)
	require.Positive(t, rate)
	rate, err = plainInserts(t.Context(), filepath.Join(t.TempDir(), "plain.db"), 3)
	require.NoError(t, err)
	require.Positive(t, rate)
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	r := runner{cfg: Config{Quick: true}, p: progress.New(t.Output())}
	var l Lobby
	require.NoError(t, r.decisions(t.Context(), &l))
	require.Equal(t, int64(2000), l.Decision.Count)
	require.Positive(t, l.Decision.P50)
}
