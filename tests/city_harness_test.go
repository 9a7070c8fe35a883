//go:build e2e

package tests

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gruntwork-io/terratest/modules/k8s"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/internal/workspace"
	"github.com/edge-arena/edge-arena/tests/rig"
)

// machine is what TestMain prepared for all suites.
var machine struct {
	ws    *workspace.Workspace
	parts *workspace.Parts
}

// TestMain prepares the parts of a city once. A part that cannot be had fails the run: nothing is skipped.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		p := progress.New(os.Stderr)
		ws, err := workspace.Open(".")
		if err != nil {
			p.Note("%v", err)
			return 1
		}
		parts, err := workspace.Prepare(context.Background(), ws, p)
		if err != nil {
			p.Note("%v", err)
			return 1
		}
		machine.ws, machine.parts = ws, parts
		return m.Run()
	}())
}

// city is a stack of one city on nodes of its own.
type city struct {
	t      *testing.T
	rig    *rig.Rig
	stack  stack.Stack
	config map[string]any
	dir    string
}

// uniqueName makes names that do not meet those of another run on this machine.
func uniqueName(prefix string) string {
	b := make([]byte, 3)
	_, _ = rand.Read(b)
	return prefix + "-" + hex.EncodeToString(b)
}

// newCity starts nodes and writes a stack file for them: that of the local city, which is thereby tested as it is, with other nodes.
// The first node is a server and the others are agents. Nodes and stack are gone when the test ends.
func newCity(t *testing.T, nodes ...string) *city {
	t.Helper()
	ctx := t.Context()
	name := uniqueName("t")
	dir := t.TempDir()
	c := &city{t: t, dir: dir}
	r, err := rig.Start(ctx, rig.Spec{
		Name: name, Nodes: nodes, Dir: filepath.Join(dir, "rig"), Cache: machine.ws.Cache, Machine: machine.parts.Machine,
		Release: machine.parts.Release,
	}, testProgress(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Remove(context.Background())) })

	c.rig = r
	c.stack = stack.Stack{
		Name: name, Root: machine.ws.Root, Log: testLog{t}, Pulumi: machine.parts.Toolchain.Pulumi(),
		Env:        append(machine.parts.Toolchain.Env(), "PULUMI_BACKEND_URL=file://"+filepath.Join(dir, "state")),
		ConfigFile: filepath.Join(dir, "Pulumi."+name+".yaml"),
	}
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "state"), 0o700))
	c.config = localConfig(t)
	var list []any
	for i, node := range nodes {
		role := "agent"
		if i == 0 {
			role = "server"
		}
		list = append(list, map[string]any{"name": node, "host": node, "role": role})
	}
	c.edit(func(region map[string]any) {
		region["name"] = "test"
		region["cities"] = []any{map[string]any{"name": name, "nodes": list}}
		ssh := region["ssh"].(map[string]any)
		ssh["configFile"] = r.SSHConfig()
		delete(ssh, "knownHostsFile")
		mirror := region["k3s"].(map[string]any)["mirror"].(map[string]any)
		delete(mirror, "urlFile")
		mirror["url"] = r.Mirror().URL
		mirror["checksumsFile"] = filepath.Join(r.ReleaseDir(), "sha256sum-amd64.txt")
		battle := region["battle"].(map[string]any)
		battle["replicas"] = 2
		// A city that is made for one question is up sooner without.
		region["monitoring"].(map[string]any)["enabled"] = false
		// This suite measures by itself; TestFleet tries the gates.
		region["slo"] = map[string]any{"gate": map[string]any{"enabled": false}}
	})
	require.NoError(t, c.stack.Ensure(ctx))
	return c
}

// localConfig reads stacks/Pulumi.local.yaml.
func localConfig(t *testing.T) map[string]any {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(machine.ws.Root, "stacks", "Pulumi.local.yaml"))
	require.NoError(t, err)
	var config map[string]any
	require.NoError(t, yaml.Unmarshal(content, &config))
	return config
}

// edit changes the region's config and writes the stack file.
func (c *city) edit(change func(region map[string]any)) {
	c.t.Helper()
	change(c.config["config"].(map[string]any)["edge-arena:region"].(map[string]any))
	content, err := yaml.Marshal(c.config)
	require.NoError(c.t, err)
	require.NoError(c.t, os.WriteFile(c.stack.ConfigFile, content, 0o600))
}

// kubectl returns terratest's way into the city's cluster.
func (c *city) kubectl(namespace string) *k8s.KubectlOptions {
	c.t.Helper()
	path := filepath.Join(c.dir, "kubeconfig")
	require.NoError(c.t, os.WriteFile(path, []byte(c.kubeconfig()), 0o600))
	return k8s.NewKubectlOptions("", path, namespace)
}

func (c *city) kubeconfig() string {
	c.t.Helper()
	kubeconfigs, err := c.stack.Kubeconfigs(c.t.Context())
	require.NoError(c.t, err)
	require.NotEmpty(c.t, kubeconfigs[c.stack.Name])
	return kubeconfigs[c.stack.Name]
}

func testProgress(t *testing.T) *progress.Reporter { return progress.New(testLog{t}) }

// upFails runs `pulumi up` that must fail, and returns what it printed.
func (c *city) upFails(within time.Duration) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), within)
	defer cancel()
	var printed strings.Builder
	s := c.stack
	s.Log = io.MultiWriter(&printed, testLog{c.t})
	require.Error(c.t, s.Up(ctx))
	require.NoError(c.t, ctx.Err(), "the update was still running after %s", within)
	return printed.String()
}

// testLog writes lines into the test's log.
type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		l.t.Log(strings.TrimRight(line, "\n"))
	}
	return len(b), nil
}
