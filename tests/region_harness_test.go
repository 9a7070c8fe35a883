//go:build e2e

package tests

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/internal/fleet"
	"github.com/edge-arena/edge-arena/internal/ociimage"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/tests/rig"
)

// region is a stack of several cities on nodes of their own, that is rolled out as a fleet is.
type region struct {
	t     *testing.T
	rig   *rig.Rig
	stack stack.Stack
	dir   string
	file  map[string]any
}

// newRegion starts the nodes of the cities and writes the region's stack file: the local city's settings, with other cities. A city's nodes
// are named after it: a server `<city>-1`, then agents.
func newRegion(t *testing.T, cities map[string]int) *region {
	t.Helper()
	name, dir := uniqueName("f"), t.TempDir()
	var nodes []string
	for city, n := range cities {
		nodes = append(nodes, nodeNames(city, n)...)
	}
	slices.Sort(nodes)
	r, err := rig.Start(t.Context(), rig.Spec{
		Name: name, Nodes: nodes, Dir: filepath.Join(dir, "rig"), Cache: machine.ws.Cache, Machine: machine.parts.Machine, Release: machine.parts.Release,
	}, testProgress(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Remove(context.Background())) })
	f := &region{t: t, rig: r, dir: dir, file: localConfig(t)}
	f.stack = stack.Stack{
		Name: name, Root: machine.ws.Root, Pulumi: machine.parts.Toolchain.Pulumi(),
		Env:        append(machine.parts.Toolchain.Env(), "PULUMI_BACKEND_URL=file://"+filepath.Join(dir, "state")),
		ConfigFile: filepath.Join(dir, "Pulumi."+name+".yaml"),
	}
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "state"), 0o700))
	f.edit(func(region map[string]any) {
		region["name"] = name
		region["protect"] = true
		region["cities"] = []any{}
		ssh := region["ssh"].(map[string]any)
		ssh["configFile"] = r.SSHConfig()
		ssh["dialTimeout"] = "3s"
		ssh["dialAttempts"] = 3
		delete(ssh, "knownHostsFile")
		mirror := region["k3s"].(map[string]any)["mirror"].(map[string]any)
		delete(mirror, "urlFile")
		mirror["url"] = r.Mirror().URL
		mirror["checksumsFile"] = filepath.Join(r.ReleaseDir(), "sha256sum-amd64.txt")
		region["battle"].(map[string]any)["replicas"] = 2
		// Several cities share the cores and the memory of one machine: TestMonitoring has one that is watched.
		region["monitoring"].(map[string]any)["enabled"] = false
		// What is tested is that a gate holds a roll-out to its objectives, not how fast this machine is: but for the tick rate they are wide.
		region["slo"] = map[string]any{
			"rttP50": "1s", "rttP99": "2s", "rttP999": "5s", "tickRate": 100, "botsPerPod": 2, "duration": "3s", "gate": map[string]any{"rollback": true},
		}
	})
	for city, n := range cities {
		f.addCity(city, n)
	}
	return f
}

func nodeNames(city string, n int) []string {
	var names []string
	for i := range n {
		names = append(names, city+"-"+string(rune('1'+i)))
	}
	return names
}

// edit changes the region's config and writes the stack file.
func (f *region) edit(change func(region map[string]any)) {
	f.t.Helper()
	change(f.file["config"].(map[string]any)["edge-arena:region"].(map[string]any))
	content, err := yaml.Marshal(f.file)
	require.NoError(f.t, err)
	require.NoError(f.t, os.WriteFile(f.stack.ConfigFile, content, 0o600))
}

// addCity puts a city into the file, whose nodes exist.
func (f *region) addCity(city string, nodes int) {
	f.t.Helper()
	var list []any
	for i, node := range nodeNames(city, nodes) {
		role := "agent"
		if i == 0 {
			role = "server"
		}
		list = append(list, map[string]any{"name": node, "host": node, "role": role})
	}
	f.edit(func(region map[string]any) {
		region["cities"] = append(region["cities"].([]any), map[string]any{"name": city, "nodes": list})
	})
}

// city changes one city's part of the file.
func (f *region) city(name string, change func(city map[string]any)) {
	f.t.Helper()
	f.edit(func(region map[string]any) {
		for _, c := range region["cities"].([]any) {
			if c.(map[string]any)["name"] == name {
				change(c.(map[string]any))
				return
			}
		}
		f.t.Fatalf("the file has no city %s", name)
	})
}

// removeCity takes a city out of the file.
func (f *region) removeCity(name string) {
	f.t.Helper()
	f.edit(func(region map[string]any) {
		region["cities"] = slices.DeleteFunc(region["cities"].([]any), func(c any) bool { return c.(map[string]any)["name"] == name })
	})
}

func (f *region) options(removeCities ...string) fleet.Options {
	return fleet.Options{
		Stacks: []stack.Stack{f.stack}, Dir: filepath.Join(f.dir, "fleet"), RemoveCities: removeCities, Observe: fleet.NewLive(testLog{f.t}, false).Observe,
	}
}

// up rolls the region out, which must succeed, and returns its cities.
func (f *region) up(removeCities ...string) map[string]fleet.CityStatus {
	f.t.Helper()
	s, err := fleet.Up(f.t.Context(), f.options(removeCities...))
	f.printLog(err, s)
	require.NoError(f.t, err)
	return cities(s)
}

// upFails rolls the region out, which must fail, and returns its cities and the error's text.
func (f *region) upFails() (map[string]fleet.CityStatus, string) {
	f.t.Helper()
	s, err := fleet.Up(f.t.Context(), f.options())
	require.Error(f.t, err)
	f.t.Logf("failed as it should: %v", err)
	return cities(s), err.Error()
}

// printLog shows what Pulumi printed in a run that failed.
func (f *region) printLog(err error, s fleet.Snapshot) {
	if err == nil || len(s.Regions) == 0 {
		return
	}
	content, readErr := os.ReadFile(s.Regions[0].Log)
	f.t.Logf("%v\n%s", readErr, content)
}

func cities(s fleet.Snapshot) map[string]fleet.CityStatus {
	all := map[string]fleet.CityStatus{}
	for _, r := range s.Regions {
		for _, c := range r.Cities {
			all[c.Name] = c
		}
	}
	return all
}

// pods are the names of a city's ready battle pods.
func (f *region) pods(city string) []string {
	f.t.Helper()
	kubeconfigs, err := f.stack.Kubeconfigs(f.t.Context())
	require.NoError(f.t, err)
	targets, err := slo.Discover(f.t.Context(), []byte(kubeconfigs[city]), "battle")
	require.NoError(f.t, err)
	var names []string
	for _, t := range targets {
		names = append(names, t.Pod)
	}
	return names
}

// kubectl runs kubectl on a city's first server.
func (f *region) kubectl(city string, args ...string) string {
	f.t.Helper()
	out, err := f.rig.Exec(f.t.Context(), city+"-1", append([]string{"/usr/local/bin/k3s", "kubectl", "--kubeconfig", "/etc/rancher/k3s/k3s.yaml"}, args...)...)
	require.NoError(f.t, err)
	return strings.TrimSpace(out)
}

// killPulumi kills the update of this region without warning, once it is seen to install a node.
func (f *region) killPulumi(ctx context.Context, node string) {
	for ctx.Err() == nil {
		if _, err := f.rig.Exec(ctx, node, "test", "-x", "/usr/local/bin/k3s"); err == nil {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		// The stack's name is this test's own, so no other update has it on its command line.
		if err != nil || !strings.Contains(string(content), "pulumi\x00up\x00--stack\x00"+f.stack.Name+"\x00") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// sameServerInAnotherImage is the same battle server in an image of another digest.
func sameServerInAnotherImage(t *testing.T, archive string) string {
	t.Helper()
	if !filepath.IsAbs(archive) {
		archive = filepath.Join(machine.ws.Root, archive)
	}
	images, err := partial.FindImages(imageIndex(t, archive), func(v1.Descriptor) bool { return true })
	require.NoError(t, err)
	require.NotEmpty(t, images)
	for i, img := range images {
		cfg, err := img.ConfigFile()
		require.NoError(t, err)
		cfg.Config.Labels = map[string]string{"edge-arena.test": "another"}
		images[i], err = mutate.Config(img, cfg.Config)
		require.NoError(t, err)
	}
	path := filepath.Join(t.TempDir(), "another.tar")
	_, err = ociimage.WriteIndex(path, "registry.example.com/real-time-battle:another", images...)
	require.NoError(t, err)
	return path
}
