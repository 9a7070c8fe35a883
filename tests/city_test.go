//go:build e2e

package tests

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gruntwork-io/terratest/modules/k8s"
	test_structure "github.com/gruntwork-io/terratest/modules/test-structure"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/internal/wasmlight"
	"github.com/edge-arena/edge-arena/tests/rig"
)

// TestCity takes a city through its life on real nodes: made, measured, changed, broken, mended, enlarged and taken away. The stages
// build on each other.
func TestCity(t *testing.T) {
	const server, agent = "server-1", "agent-1"
	const pods = 10
	c := newCity(t, server)
	c.edit(func(region map[string]any) {
		region["battle"].(map[string]any)["replicas"] = pods
		delete(region["monitoring"].(map[string]any), "enabled")
	})
	before := map[string]rig.Snapshot{server: c.snapshot(server)}

	test_structure.RunTestStage(t, "untouched", func() { c.requireUntouchedByReading(server) })
	test_structure.RunTestStage(t, "killed", func() { c.killUpOnceItInstalls() })
	test_structure.RunTestStage(t, "up", func() {
		require.NoError(t, c.stack.Ensure(t.Context()))
		require.NoError(t, c.stack.Up(t.Context()))
		c.requireBattlePods(pods)
	})
	test_structure.RunTestStage(t, "unchanged", func() {
		require.NoError(t, c.stack.Up(t.Context(), "--expect-no-changes"))
		require.NoError(t, c.stack.Refresh(t.Context(), "--expect-no-changes"))
		require.NoError(t, c.stack.Preview(t.Context(), "--expect-no-changes"))
	})
	test_structure.RunTestStage(t, "drift", func() { c.requireDriftIsMended(server) })
	test_structure.RunTestStage(t, "runtime", func() { c.requireWasmEdge(server) })
	test_structure.RunTestStage(t, "secrets", func() { c.requireSecretsHidden(server) })
	test_structure.RunTestStage(t, "objectives", func() { c.requireObjectives(pods) })
	test_structure.RunTestStage(t, "refusals", func() { c.requireRefusals() })
	test_structure.RunTestStage(t, "audit", func() { c.requireAudited() })
	test_structure.RunTestStage(t, "players", func() { c.requirePlayersComeByTheLobby() })
	test_structure.RunTestStage(t, "kills", func() { c.requireNoResultIsLost(server, pods) })
	test_structure.RunTestStage(t, "rollout", func() { c.requireRolloutKeepsCapacity(pods) })
	test_structure.RunTestStage(t, "crash", func() { c.requireCrashingImageIsRefused(pods) })
	test_structure.RunTestStage(t, "recover", func() { c.requireRecovery(server, pods) })
	test_structure.RunTestStage(t, "drain", func() { c.requireDrain(server) })
	test_structure.RunTestStage(t, "join", func() {
		require.NoError(t, c.rig.AddNode(t.Context(), agent, testProgress(t)))
		before[agent] = c.snapshot(agent)
		c.requireSecondNode(server, agent)
	})
	test_structure.RunTestStage(t, "flags", func() { c.requireFlagsRollThrough(server, agent) })
	test_structure.RunTestStage(t, "destroy", func() {
		require.NoError(t, c.stack.Destroy(t.Context()))
		for node, earlier := range before {
			left := earlier.Diff(c.snapshot(node)).Without("machine-sysctls")
			require.Empty(t, left.String(), "what destroy left on %s", node)
		}
	})
}

func (c *city) snapshot(node string) rig.Snapshot {
	c.t.Helper()
	s, err := c.rig.Snapshot(c.t.Context(), node)
	require.NoError(c.t, err)
	return s
}

// killUpOnceItInstalls starts an update and kills it while the node's installer is at work.
func (c *city) killUpOnceItInstalls() {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			// The K3s binary is in place well before K3s is ready.
			if _, err := c.rig.Exec(ctx, "server-1", "test", "-x", "/usr/local/bin/k3s"); err == nil {
				cancel()
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
	require.ErrorIs(c.t, c.stack.Up(ctx), context.Canceled)
}

func (c *city) requireBattlePods(want int) {
	c.t.Helper()
	kubeconfig := []byte(c.kubeconfig())
	// The pods that are looked at are those that were counted: one that ends may be ready a moment longer beside its successor.
	var ready []slo.Target
	require.Eventually(c.t, func() bool {
		// While the API server comes back there is an error instead of pods.
		var err error
		ready, err = slo.Discover(c.t.Context(), kubeconfig, "battle")
		return err == nil && len(ready) == want
	}, 2*time.Minute, time.Second, "%d battle pods ready", want)
	addresses := map[string]bool{}
	for _, target := range ready {
		addresses[target.Address] = true
	}
	require.Len(c.t, addresses, want, "each pod has an address of its own")
}

// requireWasmEdge asserts that the pods' processes are WasmEdge's, below crun, and of the version that was asked for.
func (c *city) requireWasmEdge(node string) {
	c.t.Helper()
	class, err := k8s.RunKubectlAndGetOutputE(c.t, c.kubectl(""), "get", "runtimeclass", "wasmedge", "-o", "jsonpath={.handler}")
	require.NoError(c.t, err)
	require.Equal(c.t, "wasmedge", class)
	maps, err := c.rig.Exec(c.t.Context(), node, "sh", "-c", "grep -l libwasmedge /proc/[0-9]*/maps | wc -l")
	require.NoError(c.t, err)
	require.NotEqual(c.t, "0", strings.TrimSpace(maps), "processes on %s that run WasmEdge", node)

	llvm, err := c.rig.Exec(c.t.Context(), node, "sh", "-c", "cat /proc/[0-9]*/maps | grep -o '/.*/libLLVM.*' | sort -u")
	require.NoError(c.t, err)
	require.Equal(c.t, wasmlight.Folder, filepath.Dir(strings.TrimSpace(llvm)), "nothing on %s has all of LLVM in memory", node)

	cities, err := c.stack.Cities(c.t.Context())
	require.NoError(c.t, err)
	require.Equal(c.t, "0.14.1", cities[c.stack.Name].Nodes[0].WasmEdge)

	pod := k8s.ListPods(c.t, c.kubectl("battle"), metav1.ListOptions{LabelSelector: "app=real-time-battle"})[0]
	require.Equal(c.t, "wasmedge", *pod.Spec.RuntimeClassName)
	require.Contains(c.t, pod.Spec.Containers[0].Image, "@sha256:")
}

// requireSecretsHidden asserts that neither Pulumi's state nor a command line on the node shows a secret.
func (c *city) requireSecretsHidden(node string) {
	c.t.Helper()
	key, err := os.ReadFile(c.rig.KeyFile())
	require.NoError(c.t, err)
	token, err := c.rig.Exec(c.t.Context(), node, "cat", "/var/lib/rancher/k3s/server/node-token")
	require.NoError(c.t, err)
	secrets := map[string]string{
		"SSH key": strings.Split(strings.TrimSpace(string(key)), "\n")[1],
		"token":   strings.TrimSpace(token)[strings.LastIndex(strings.TrimSpace(token), ":")+1:],
	}
	require.NoError(c.t, filepath.WalkDir(filepath.Join(c.dir, "state"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for name, secret := range secrets {
			require.NotContains(c.t, string(content), secret, "%s in %s", name, path)
		}
		require.NotContains(c.t, string(content), "client-key-data", "kubeconfig in %s", path)
		return err
	}))
	lines, err := c.rig.Exec(c.t.Context(), node, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
	require.NoError(c.t, err)
	require.NotContains(c.t, lines, secrets["token"])
}

// requireRecovery kills K3s, then the whole node, and asserts that everything comes back by itself.
func (c *city) requireRecovery(node string, pods int) {
	c.t.Helper()
	_, err := c.rig.Exec(c.t.Context(), node, "sh", "-c", "kill -9 $(systemctl show -p MainPID --value k3s)")
	require.NoError(c.t, err)
	c.requireBattlePods(pods)

	require.NoError(c.t, c.rig.Kill(c.t.Context(), node))
	require.NoError(c.t, c.rig.Start(c.t.Context(), node))
	k8s.WaitUntilAllNodesReady(c.t, c.kubectl(""), 60, 2*time.Second)
	c.requireBattlePods(pods)
	require.NoError(c.t, c.stack.Up(c.t.Context(), "--expect-no-changes"))
}

// requireDrain drains the city's only node: the disruption budget must let it finish.
func (c *city) requireDrain(node string) {
	c.t.Helper()
	options := c.kubectl("battle")
	k8s.RunKubectl(c.t, options, "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout", "90s",
		"--pod-selector", "app=real-time-battle")
	k8s.RunKubectl(c.t, options, "uncordon", node)
	k8s.WaitUntilDeploymentAvailable(c.t, options, "real-time-battle", 60, time.Second)
}

// requireSecondNode lets a new node join, and asserts that pods are spread over both and reach each other across them.
func (c *city) requireSecondNode(server, agent string) {
	c.t.Helper()
	c.edit(func(region map[string]any) {
		one := region["cities"].([]any)[0].(map[string]any)
		one["nodes"] = append(one["nodes"].([]any), map[string]any{"name": agent, "host": agent, "role": "agent"})
	})
	require.NoError(c.t, c.stack.Up(c.t.Context()))
	require.NoError(c.t, c.stack.Up(c.t.Context(), "--expect-no-changes"))
	k8s.WaitUntilAllNodesReady(c.t, c.kubectl(""), 30, time.Second)
	require.Len(c.t, k8s.GetNodes(c.t, c.kubectl("")), 2)

	// The pods that are there stay where they are; new ones see both nodes.
	k8s.RunKubectl(c.t, c.kubectl("battle"), "rollout", "restart", "deployment/real-time-battle")
	k8s.RunKubectl(c.t, c.kubectl("battle"), "rollout", "status", "deployment/real-time-battle", "--timeout", "120s")
	nodes := map[string]int{}
	for _, target := range c.readyPods() {
		nodes[target.Node]++
	}
	require.Len(c.t, nodes, 2, "battle pods by node: %v", nodes)

	// A pod of the cluster network answers both nodes: its own, and the other one across them.
	pod := k8s.ListPods(c.t, c.kubectl("battle"), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=port-allocator"})[0]
	for _, node := range []string{server, agent} {
		answer, err := c.rig.Exec(c.t.Context(), node, "curl", "-sS", "--max-time", "10", "http://"+pod.Status.PodIP+":8080/healthz")
		require.NoError(c.t, err, "from %s: %s", node, answer)
	}
}

// requireFlagsRollThrough changes a flag of the kubelets and asserts that it arrives on every node in place.
func (c *city) requireFlagsRollThrough(nodes ...string) {
	c.t.Helper()
	c.edit(func(region map[string]any) {
		region["k3s"].(map[string]any)["kubeletArgs"] = []any{"max-pods=120"}
	})
	require.NoError(c.t, c.stack.Up(c.t.Context()))
	for _, node := range nodes {
		require.Eventually(c.t, func() bool {
			got, err := k8s.RunKubectlAndGetOutputE(c.t, c.kubectl(""), "get", "node", node, "-o", "jsonpath={.status.capacity.pods}")
			return err == nil && got == "120"
		}, time.Minute, 2*time.Second, "max-pods on %s", node)
	}
	require.NoError(c.t, c.stack.Up(c.t.Context(), "--expect-no-changes"))
}
