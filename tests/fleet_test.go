//go:build e2e

package tests

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	test_structure "github.com/gruntwork-io/terratest/modules/test-structure"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/fleet"
)

// TestFleet takes a region of three cities through its life: killed in the middle and resumed, rolled out wave after wave, stopped at the
// canary, with a city that is offline, with one more and one less. The stages build on each other.
func TestFleet(t *testing.T) {
	f := newRegion(t, map[string]int{"alpha": 1, "bravo": 2, "carol": 1})
	f.edit(func(region map[string]any) {
		region["waves"] = []any{map[string]any{"name": "canary", "cities": []any{"alpha"}}}
	})

	test_structure.RunTestStage(t, "killed", func() { f.requireResumes() })
	test_structure.RunTestStage(t, "unchanged", func() { f.requireUnchanged() })
	test_structure.RunTestStage(t, "canary", func() { f.requireStopsAtTheCanary() })
	test_structure.RunTestStage(t, "rollback", func() { f.requireRollback() })
	test_structure.RunTestStage(t, "offline", func() { f.requireOfflineIsOwed() })
	test_structure.RunTestStage(t, "node", func() { f.requireNodeLeaves() })
	test_structure.RunTestStage(t, "city", func() { f.requireCityComesAndGoes() })
	test_structure.RunTestStage(t, "down", func() { f.requireDown() })
}

// requireResumes kills the first roll-out when it has come to the second wave; the next one finishes it, and its waves were in order.
func (f *region) requireResumes() {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	go f.killPulumi(ctx, "carol-1")
	killed, _ := f.upFails()
	require.Equal(f.t, fleet.Done, killed["alpha"].State, "the canary was finished before")
	require.True(f.t, killed["alpha"].Gate.Pass)
	require.NotEqual(f.t, fleet.Done, killed["carol"].State)
	require.False(f.t, killed["carol"].Started.Before(killed["alpha"].Finished), "the second wave began before the gate of the first had passed")

	resumed := f.up()
	for name, c := range resumed {
		require.Equal(f.t, fleet.Done, c.State, name)
		require.NotNil(f.t, c.Gate, name)
		require.True(f.t, c.Gate.Pass, name)
		require.Len(f.t, f.pods(name), 2, name)
	}
	require.Equal(f.t, killed["alpha"].Gate.Started, resumed["alpha"].Gate.Started, "nothing has changed at the canary, so its gate is not played again")
}

// requireUnchanged: another run changes nothing, in whatever order the file names cities and nodes.
func (f *region) requireUnchanged() {
	f.t.Helper()
	before := f.up()
	f.edit(func(region map[string]any) {
		slices.Reverse(region["cities"].([]any))
		for _, c := range region["cities"].([]any) {
			slices.Reverse(c.(map[string]any)["nodes"].([]any))
		}
	})
	require.NoError(f.t, f.stack.Up(f.t.Context(), "--expect-no-changes"))
	after := f.up()
	for name, c := range after {
		require.Zero(f.t, c.Started, "%s had something done", name)
		require.Equal(f.t, before[name].Gate, c.Gate, name)
	}
}

// requireStopsAtTheCanary rolls an image out that ends at once: the update fails at the canary, whose old pods play on, and the second
// wave is not touched.
func (f *region) requireStopsAtTheCanary() {
	f.t.Helper()
	before := f.allPods()
	var good string
	f.edit(func(region map[string]any) {
		battle := region["battle"].(map[string]any)
		good = battle["archive"].(string)
		battle["archive"] = crashingImage(f.t)
	})
	broken, text := f.upFails()
	require.Contains(f.t, text, "alpha")
	require.Equal(f.t, fleet.Failed, broken["alpha"].State)
	for _, name := range []string{"bravo", "carol"} {
		require.Equal(f.t, fleet.Untouched, broken[name].State, name)
		require.Zero(f.t, broken[name].Started, name)
	}
	require.Equal(f.t, before, f.allPods(), "the battle pods that served before")

	f.edit(func(region map[string]any) { region["battle"].(map[string]any)["archive"] = good })
	for name, c := range f.up() {
		require.Equal(f.t, fleet.Done, c.State, name)
	}
	require.Equal(f.t, before["bravo"], f.pods("bravo"))
}

// requireRollback rolls an image out that plays too slowly: the gate of the canary fails the update and puts the old image back; a
// faster one passes.
func (f *region) requireRollback() {
	f.t.Helper()
	before := f.up()["alpha"].Gate
	other := f.pods("bravo")
	var good string
	f.edit(func(region map[string]any) {
		battle := region["battle"].(map[string]any)
		good = battle["archive"].(string)
		battle["archive"] = sameServerInAnotherImage(f.t, good)
		battle["tickRate"] = 110
		region["policies"].(map[string]any)["minTickRate"] = 1
		region["slo"].(map[string]any)["tickRate"] = 109.9
		// No server ticks faster than it is told.
		region["slo"].(map[string]any)["rttP50"] = "1us"
	})
	slow, text := f.upFails()
	require.Equal(f.t, fleet.Failed, slow["alpha"].State)
	require.Contains(f.t, slow["alpha"].Error, "rtt_p50")
	require.NotNil(f.t, slow["alpha"].Gate)
	require.False(f.t, slow["alpha"].Gate.Pass)
	require.Equal(f.t, before.Image, slow["alpha"].Gate.RolledBackTo, text)
	require.Equal(f.t, before.Image, f.kubectl("alpha", "get", "deployment", "-n", "battle", "real-time-battle", "-o", "jsonpath={.spec.template.spec.containers[0].image}"))
	require.Len(f.t, f.pods("alpha"), 2)
	require.Equal(f.t, other, f.pods("bravo"), "the second wave was touched")

	// So it is in a plain `pulumi up`.
	require.Error(f.t, f.stack.Up(f.t.Context()))
	require.Equal(f.t, other, f.pods("bravo"), "the second wave was touched by a plain pulumi up")
	require.Len(f.t, f.pods("alpha"), 2)

	// The same image is held to objectives that it can hold: the gate takes it up again, and the roll-out goes on from there.
	f.edit(func(region map[string]any) { region["slo"].(map[string]any)["rttP50"] = "1s" })
	for name, c := range f.up() {
		require.Equal(f.t, fleet.Done, c.State, name)
		require.NotEqual(f.t, before.Image, c.Gate.Image, name)
		require.Equal(f.t, c.Gate.Image, f.kubectl(name, "get", "deployment", "-n", "battle", "real-time-battle", "-o", "jsonpath={.spec.template.spec.containers[0].image}"), name)
	}
	f.edit(func(region map[string]any) {
		region["battle"].(map[string]any)["archive"] = good
		region["battle"].(map[string]any)["tickRate"] = 120
	})
	require.True(f.t, f.up()["carol"].Gate.Pass)
}

// requireOfflineIsOwed cuts a city off: without `offline: skip` nothing is touched, with it the others are updated, the debt is known, and
// the next run settles it.
func (f *region) requireOfflineIsOwed() {
	f.t.Helper()
	require.NoError(f.t, f.rig.CutOff(f.t.Context(), "carol-1"))
	f.edit(func(region map[string]any) { region["battle"].(map[string]any)["maxPlayers"] = 9 })
	pods := f.pods("alpha")
	_, text := f.upFails()
	require.Contains(f.t, text, "city carol is offline: node carol-1 does not answer")
	require.Equal(f.t, pods, f.pods("alpha"), "something was touched")

	f.city("carol", func(city map[string]any) { city["offline"] = "skip" })
	skipped := f.up()
	require.Equal(f.t, fleet.Done, skipped["alpha"].State)
	require.Equal(f.t, fleet.Done, skipped["bravo"].State)
	require.Equal(f.t, fleet.Owed, skipped["carol"].State)
	require.Equal(f.t, "9", f.maxPlayers("bravo"))
	state, err := f.stack.State(f.t.Context())
	require.NoError(f.t, err)
	require.NotEmpty(f.t, state.OfCity("carol"), "what the state has of the city that is offline")
	status, err := fleet.Status(f.t.Context(), f.options())
	require.NoError(f.t, err)
	require.Equal(f.t, fleet.Owed, cities(status)["carol"].State)
	require.Contains(f.t, cities(status)["carol"].Owed.Reason, "carol-1")
	since := skipped["carol"].Owed.Since
	require.Equal(f.t, since, f.up()["carol"].Owed.Since, "the debt is as old as the first run that missed")

	require.NoError(f.t, f.rig.Reconnect(f.t.Context(), "carol-1"))
	require.Eventually(f.t, func() bool {
		s, err := fleet.Up(f.t.Context(), f.options())
		return err == nil && cities(s)["carol"].State == fleet.Done
	}, 3*time.Minute, time.Second)
	require.Equal(f.t, "9", f.maxPlayers("carol"))
	owed, err := f.stack.Owed(f.t.Context())
	require.NoError(f.t, err)
	require.Empty(f.t, owed)
}

func (f *region) maxPlayers(city string) string {
	return f.kubectl(city, "get", "deployment", "-n", "battle", "real-time-battle", "-o", `jsonpath={.spec.template.spec.containers[0].env[?(@.name=="MAX_PLAYERS")].value}`)
}

// requireNodeLeaves takes an agent out of the file: it is drained, gone from the cluster, and as it was before.
func (f *region) requireNodeLeaves() {
	f.t.Helper()
	var agent any
	f.city("bravo", func(city map[string]any) {
		nodes := city["nodes"].([]any)
		i := slices.IndexFunc(nodes, func(n any) bool { return n.(map[string]any)["role"] == "agent" })
		agent = nodes[i]
		city["nodes"] = slices.Delete(nodes, i, i+1)
	})
	other := f.pods("alpha")
	f.up()
	require.Equal(f.t, "bravo-1", f.kubectl("bravo", "get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"))
	f.requireBare("bravo-2")
	// A drained node's pods start anew elsewhere, beside the rest of the update: the cluster owes them, not the update. Where the port allocator was on that node
	// too, no battle pod is let in until it is ready elsewhere, and then the ReplicaSet waits for as long again as it has failed for.
	require.Eventually(f.t, func() bool { return len(f.pods("bravo")) == 2 }, 4*time.Minute, time.Second, "the pod of the node that left has not come back")
	require.Equal(f.t, other, f.pods("alpha"), "another city was touched")
	require.NotNil(f.t, agent)
}

// ours is the folder on a node that is ours.
const ours = "/var/lib/edge-arena"

// requireLedgerAlone asserts that nothing of ours is left on a node but the volumes of a protected city, with the ledger.
func (f *region) requireLedgerAlone(node string) {
	f.t.Helper()
	out, err := f.rig.Exec(f.t.Context(), node, "sh", "-c", "ls "+ours+" 2>/dev/null; ls "+ours+"/volumes/*/lobby/ledger.db >/dev/null 2>&1 && echo ledger; ls -d /usr/local/bin/k3s /etc/systemd/system/k3s*.service /var/lib/rancher/k3s 2>/dev/null || true")
	require.NoError(f.t, err)
	require.Equal(f.t, "volumes\nledger", strings.TrimSpace(out), node)
}

// requireBare asserts that nothing of ours is left on a node.
func (f *region) requireBare(node string) {
	f.t.Helper()
	out, err := f.rig.Exec(f.t.Context(), node, "sh", "-c", "ls -d "+ours+" /usr/local/bin/k3s /etc/systemd/system/k3s*.service /var/lib/rancher/k3s 2>/dev/null || true")
	require.NoError(f.t, err)
	require.Empty(f.t, out)
}

// requireCityComesAndGoes adds a city, which touches nothing else, and removes it, which needs consent.
func (f *region) requireCityComesAndGoes() {
	f.t.Helper()
	before := f.allPods()
	require.NoError(f.t, f.rig.AddNode(f.t.Context(), "delta-1", testProgress(f.t)))
	bare, err := f.rig.Snapshot(f.t.Context(), "delta-1")
	require.NoError(f.t, err)
	f.addCity("delta", 1)
	added := f.up()
	require.Equal(f.t, fleet.Done, added["delta"].State)
	require.Len(f.t, f.pods("delta"), 2)
	for name := range before {
		require.Zero(f.t, added[name].Started, "%s was touched", name)
	}

	f.removeCity("delta")
	_, text := f.upFails()
	require.Contains(f.t, text, "city delta: its first server, delta-1, is gone from the file")
	require.Contains(f.t, text, "--yes-remove-city "+f.stack.Name+"/delta")
	after := f.up(f.stack.Name + "/delta")
	require.ElementsMatch(f.t, slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after)))
	now, err := f.rig.Snapshot(f.t.Context(), "delta-1")
	require.NoError(f.t, err)
	require.Empty(f.t, bare.Diff(now).Without("machine-sysctls").Outside(ours).String(), "what is left on the host of the city that was removed")
	f.requireLedgerAlone("delta-1")
	require.Equal(f.t, before, f.allPods())
}

// requireDown takes the region down, which needs consent too.
func (f *region) requireDown() {
	f.t.Helper()
	_, err := fleet.Down(f.t.Context(), f.options())
	require.ErrorContains(f.t, err, "city alpha is protected")
	s, err := fleet.Down(f.t.Context(), f.options(f.stack.Name+"/*"))
	f.printLog(err, s)
	require.NoError(f.t, err)
	for _, n := range f.rig.Nodes() {
		if n.Name == "bravo-2" { // It left its city before, and had no volumes.
			f.requireBare(n.Name)
			continue
		}
		f.requireLedgerAlone(n.Name)
	}
	state, err := f.stack.State(f.t.Context())
	require.NoError(f.t, err)
	require.Empty(f.t, state.Resources)
}

// allPods are the ready battle pods of every city of the file.
func (f *region) allPods() map[string][]string {
	f.t.Helper()
	all := map[string][]string{}
	f.edit(func(region map[string]any) {
		for _, c := range region["cities"].([]any) {
			name := c.(map[string]any)["name"].(string)
			all[name] = f.pods(name)
		}
	})
	return all
}
