//go:build e2e

package tests

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gruntwork-io/terratest/modules/k8s"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
	"github.com/edge-arena/edge-arena/internal/chaos"
	"github.com/edge-arena/edge-arena/internal/players"
	"github.com/edge-arena/edge-arena/internal/workspace"
	"github.com/edge-arena/edge-arena/lobby/token"
)

// lobby is the city's.
func (c *city) lobby() players.Lobby {
	c.t.Helper()
	cities, err := c.stack.Cities(c.t.Context())
	require.NoError(c.t, err)
	return players.Lobby{URL: cities[c.stack.Name].Lobby.Address}
}

// token is one of a player of that role.
func (c *city) token(player, role string) string {
	c.t.Helper()
	w, err := workspace.Open(".")
	require.NoError(c.t, err)
	text, err := w.PlayerToken(token.Player{Subject: player, Role: role}, time.Hour)
	require.NoError(c.t, err)
	return text
}

// enter takes a seat with a sealed ticket.
func (c *city) enter(address string, sealed [ticket.Size]byte) (*client.Client, error) {
	c.t.Helper()
	p, err := client.Dial(c.t.Context(), address)
	require.NoError(c.t, err)
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
	defer cancel()
	_, err = p.Join(ctx, sealed)
	return p, err
}

// requirePlayersComeByTheLobby asserts that players get in by the lobby alone, each by its own ticket, once, and that the ledger has what became of their
// battle.
func (c *city) requirePlayersComeByTheLobby() {
	c.t.Helper()
	lobby := c.lobby()
	refused := func(token, battle string, status int) {
		c.t.Helper()
		var r *players.RefusedError
		_, err := lobby.Join(c.t.Context(), token, battle)
		require.ErrorAs(c.t, err, &r)
		require.Equal(c.t, status, r.Status, r.Detail)
	}
	refused("no token at all", "", http.StatusUnauthorized)
	refused(c.token("spectator", "spectator"), "", http.StatusForbidden)

	alice, bob := c.token("alice", "player"), c.token("bob", "player")
	seat, err := lobby.Join(c.t.Context(), alice, "")
	require.NoError(c.t, err)
	friend, err := lobby.Join(c.t.Context(), bob, seat.Battle)
	require.NoError(c.t, err)
	require.Equal(c.t, [3]any{seat.Battle, seat.Pod, seat.Room}, [3]any{friend.Battle, friend.Pod, friend.Room})
	require.NotEqual(c.t, seat.Player, friend.Player)

	sealed, err := seat.Sealed()
	require.NoError(c.t, err)
	altered := sealed
	altered[30] ^= 1 // another player's
	var rejected *client.RejectError
	for name, wrong := range map[string][ticket.Size]byte{"no ticket": {}, "an altered one": altered} {
		_, err = c.enter(seat.Address, wrong)
		require.ErrorAs(c.t, err, &rejected, name)
		require.Equal(c.t, wire.ReasonTicket, rejected.Reason, name)
	}
	for _, target := range c.readyPods() {
		if target.Address != seat.Address {
			_, err = c.enter(target.Address, sealed)
			require.ErrorAs(c.t, err, &rejected, "at another pod")
			break
		}
	}
	in, err := c.enter(seat.Address, sealed)
	require.NoError(c.t, err)
	_, err = c.enter(seat.Address, sealed)
	require.ErrorAs(c.t, err, &rejected, "a ticket that was used")
	require.Equal(c.t, wire.ReasonTicket, rejected.Reason)

	status := func(want string) {
		c.t.Helper()
		require.Eventually(c.t, func() bool {
			b, err := lobby.Battle(c.t.Context(), alice, seat.Battle)
			return err == nil && b.Status == want
		}, 20*time.Second, 200*time.Millisecond, "battle %s: %s", seat.Battle, want)
	}
	status("waiting")
	require.NoError(c.t, in.Leave())
	status("abandoned")

	// It is the ledger that knows: a lobby that starts anew, too.
	k8s.RunKubectl(c.t, c.kubectl("city"), "rollout", "restart", "deployment/lobby")
	k8s.RunKubectl(c.t, c.kubectl("city"), "rollout", "status", "deployment/lobby", "--timeout", "120s")
	status("abandoned")
}

// requireRefusals asserts that the cluster itself refuses what is against the policies.
func (c *city) requireRefusals() {
	c.t.Helper()
	const privileged = `{"spec":{"containers":[{"name":"x","image":"x","securityContext":{"privileged":true}}]}}`
	for _, tt := range []struct {
		namespace string
		args      []string
		want      []string
	}{
		{"battle", nil, []string{"[battle-images]", "[battle-resources]", "[battle-runtime]", "[required-labels]"}},
		{"default", []string{"--overrides", privileged}, []string{"privileged"}},
	} {
		out, err := k8s.RunKubectlAndGetOutputE(c.t, c.kubectl(tt.namespace), append([]string{"run", "intruder", "--image", "x", "--restart", "Never"}, tt.args...)...)
		require.Error(c.t, err, "a pod against the policies in namespace %s", tt.namespace)
		for _, want := range tt.want {
			require.Contains(c.t, out+err.Error(), want)
		}
	}
}

// requireAudited asserts that all rules are in force, by Gatekeeper's metrics, and that no audit that there has been found anything. The first comes
// five minutes after Gatekeeper's start: TestMonitoring, which is longer, wants to see its number.
func (c *city) requireAudited() {
	c.t.Helper()
	kube := c.kube()
	require.Eventually(c.t, func() bool {
		metrics, err := kube.CoreV1().RESTClient().Get().AbsPath("/api/v1/namespaces/gatekeeper-system/services/gatekeeper-metrics:metrics/proxy/metrics").DoRaw(c.t.Context())
		if err != nil {
			c.t.Log(err)
			return false
		}
		var violations, constraints string
		for line := range strings.Lines(string(metrics)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
			switch {
			case strings.HasPrefix(name, `gatekeeper_violations{`) && strings.Contains(name, `"deny"`):
				violations = value
			case strings.HasPrefix(name, `gatekeeper_constraints{`) && strings.Contains(name, `"deny"`) && strings.Contains(name, `"active"`):
				constraints = value
			}
		}
		c.t.Logf("constraints %q, violations %q", constraints, violations)
		return (violations == "" || violations == "0") && constraints == "8"
	}, time.Minute, 2*time.Second, "the metrics of Gatekeeper")
}

// kube is a client of the city's API.
func (c *city) kube() kubernetes.Interface {
	c.t.Helper()
	rest, err := clientcmd.RESTConfigFromKubeConfig([]byte(c.kubeconfig()))
	require.NoError(c.t, err)
	kube, err := kubernetes.NewForConfig(rest)
	require.NoError(c.t, err)
	return kube
}

// requireNoResultIsLost kills parts of the city at random while players play, and counts; and before that it rolls an update through, by which no battle
// may be lost.
func (c *city) requireNoResultIsLost(node string, pods int) {
	c.t.Helper()
	kube := c.kube()
	victim := chaos.OnRig(c.rig, node)
	restore, err := chaos.ShortBattles(c.t.Context(), kube, 5*time.Second)
	require.NoError(c.t, err)
	tokens := map[string]string{}
	for _, name := range strings.Fields("player-0 player-1 player-2 player-3 player-4 player-5 player-6 player-7") {
		tokens[name] = c.token(name, "player")
	}
	disturb := func(times int, ways ...chaos.Kill) chaos.Report {
		report, err := chaos.Run(c.t.Context(), chaos.Config{
			Lobby: c.lobby(), Token: func(player string) (string, error) { return tokens[player], nil }, Players: len(tokens),
			Kills: times, Ways: ways, Pause: 1500 * time.Millisecond, Settle: 2 * time.Minute, Seed: 1, Log: testLog{c.t},
			Ledger: func(ctx context.Context) (map[string]int, error) { return chaos.ReadLedger(ctx, victim) },
		})
		require.NoError(c.t, err)
		c.t.Logf("%+v", report)
		require.NoError(c.t, report.Err())
		return report
	}
	battle := c.kubectl("battle")
	rolled := disturb(2, chaos.Kill{Name: "rolling update", Weight: 1, Do: func(context.Context) error {
		k8s.RunKubectl(c.t, battle, "rollout", "restart", "deployment/real-time-battle")
		return k8s.RunKubectlE(c.t, battle, "rollout", "status", "deployment/real-time-battle", "--timeout", "180s")
	}})
	require.Zero(c.t, rolled.Interrupted, "battles that a rolling update ended")
	require.Zero(c.t, rolled.Unrecorded, "results that a rolling update lost")

	disturb(30, chaos.Ways(victim, kube)...)
	require.NoError(c.t, restore(c.t.Context()))
	c.requireBattlePods(pods)
}
