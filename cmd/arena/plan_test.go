package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkout makes a project with these stack files, in YAML below `edge-arena:region`, and goes there.
func checkout(t *testing.T, stacks map[string]string) {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "stacks"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "Pulumi.yaml"), []byte("name: edge-arena\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(root, "keys"), []byte(`{"keys": [{"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "`+strings.Repeat("A", 43)+`"}]}`), 0o644))
	for name, region := range stacks {
		content := "config:\n  edge-arena:region:\n    name: " + name + "\n    battle: {image: IMAGE, portAllocator: {image: IMAGE}, REPLICAS}\n    lobby: {image: IMAGE, playerKeysFile: keys, issuer: me}\n    cities:\n" + region
		content = strings.ReplaceAll(content, "IMAGE", "r.example/a@sha256:"+strings.Repeat("0a", 32))
		replicas := "replicas: 10"
		if strings.HasPrefix(name, "large") {
			replicas = "replicas: 100"
		}
		content = strings.ReplaceAll(content, "REPLICAS", replicas)
		require.NoError(t, os.WriteFile(filepath.Join(root, "stacks", "Pulumi."+name+".yaml"), []byte(content), 0o644))
	}
	t.Chdir(root)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
}

const oneCity = "      - {name: a, nodes: [{name: n, host: h}]}\n"

func arena(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestPlan(t *testing.T) {
	checkout(t, map[string]string{"east": oneCity, "west": oneCity, "local": oneCity})
	jsonFile := filepath.Join(t.TempDir(), "plan.json")
	code, stdout, stderr := arena(t, "plan", "--no-preview", "--json", jsonFile)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "region east: 1 city in 1 wave, 1 node, 10 battle pods of 15 that fit\n")
	require.Contains(t, stdout, "fleet: 2 regions, 2 cities, 2 nodes, 20 battle pods of 30 that fit\n80 USD a month")
	require.NotContains(t, stdout, "region local")
	require.NotContains(t, stdout, "changes:")
	content, err := os.ReadFile(jsonFile)
	require.NoError(t, err)
	var plans []struct {
		Name string
		Pods int
	}
	require.NoError(t, json.Unmarshal(content, &plans))
	require.Len(t, plans, 2)
	require.Equal(t, "west", plans[1].Name)
	require.Equal(t, 10, plans[1].Pods)
}

// Keys and host keys are not named here, so no preview is possible, and no tool for one is made.
func TestPlanWithoutFiles(t *testing.T) {
	checkout(t, map[string]string{"east": oneCity})
	code, stdout, stderr := arena(t, "plan", "-s", "east")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "changes: not known: not all files that the config names are on this machine:\n  ssh.privateKeyFile: required")
	require.NotContains(t, stdout, "fleet:")
}

func TestPlanRefuses(t *testing.T) {
	checkout(t, map[string]string{"large-1": oneCity, "large-2": oneCity, "east": oneCity})
	code, stdout, stderr := arena(t, "plan", "--no-preview")
	require.Equal(t, 1, code)
	require.Empty(t, stdout)
	for _, name := range []string{"large-1", "large-2"} {
		require.Contains(t, stderr, "Pulumi."+name+".yaml: the region's config has 1 problem(s):\n"+
			"  cities[0].battle.replicas: replicas 100 x 200m = 20 cores, a has 3 free on 1 node: at most 15, or 7 nodes")
	}
	code, _, stderr = arena(t, "plan", "-s", "nowhere")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "read region of stack nowhere")
}

func TestPlanOfNothing(t *testing.T) {
	checkout(t, map[string]string{"local": oneCity})
	code, _, stderr := arena(t, "plan")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "has no stack but local: describe a region in Pulumi.<region>.yaml there, or name a stack with -s")
}

func TestFirstProblems(t *testing.T) {
	t.Parallel()
	require.Equal(t, "  b\n  c", firstProblems("a\n  b\n  c", 2))
	require.Equal(t, "  b\n  and 2 more", firstProblems("a\n  b\n  c\n  d", 1))
	require.Empty(t, firstProblems("a", 4))
}
