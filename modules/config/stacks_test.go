package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/modules/config"
)

// Every stack file is a region that is accepted, once the files that it names are there.
func TestStacks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../stacks/Pulumi.*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			var stack struct {
				Config map[string]any `yaml:"config"`
			}
			require.NoError(t, yaml.Unmarshal(content, &stack))
			raw, err := json.Marshal(stack.Config["edge-arena:"+config.Key])
			require.NoError(t, err)
			// The operator's home is not this machine's.
			raw = bytes.ReplaceAll(raw, []byte(`"~/`), []byte(`"home/`))
			r, err := config.Parse(raw, rootFor(t, raw))
			require.NoError(t, err)
			require.Equal(t, "Pulumi."+r.Name+".yaml", filepath.Base(file), "a stack is named after its region")
		})
	}
}

// rootFor makes the files that a region names below a root of its own, as `arena up` or an operator would.
func rootFor(t *testing.T, raw []byte) string {
	t.Helper()
	root := t.TempDir()
	var r struct {
		SSH    struct{ PrivateKeyFile, ConfigFile, KnownHostsFile string }
		K3s    struct{ Mirror config.Mirror }
		Battle struct {
			Archive       string
			PortAllocator struct{ Archive string }
		}
		Policies  struct{ Gatekeeper struct{ Archive string } }
		Messaging struct{ Archive string }
		Lobby     struct{ Archive, PlayerKeysFile string }
		Cities    []struct {
			Nodes []struct {
				Host string
				SSH  struct{ Port int }
			}
		}
	}
	require.NoError(t, json.Unmarshal(raw, &r))
	var tree map[string]any
	require.NoError(t, json.Unmarshal(raw, &tree))
	write := func(name, content string) {
		if name == "" {
			return
		}
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	private, public := keys(t, "")
	var aliases, pinned strings.Builder
	n := 0
	for _, c := range r.Cities {
		for _, node := range c.Nodes {
			n++
			fmt.Fprintf(&aliases, "Host %s\n  HostName 192.0.2.%d\n  IdentityFile %s\n", node.Host, n, filepath.Join(root, "id"))
			fmt.Fprintf(&pinned, "192.0.2.%d,%s,[%s]:%d %s\n", n, node.Host, node.Host, node.SSH.Port, public)
		}
	}
	sum := strings.Repeat("0a", 32)
	write("id", private)
	write(r.SSH.PrivateKeyFile, private)
	write(r.SSH.ConfigFile, aliases.String())
	write(r.SSH.KnownHostsFile, pinned.String())
	write(r.K3s.Mirror.URLFile, "http://192.0.2.254\n")
	write(r.K3s.Mirror.ChecksumsFile, sum+"  k3s\n"+sum+"  install.sh\n")
	write(r.Battle.Archive, "")
	write(r.Battle.PortAllocator.Archive, "")
	write(r.Policies.Gatekeeper.Archive, "")
	write(r.Messaging.Archive, "")
	write(r.Lobby.Archive, "")
	for _, archive := range archives(tree["monitoring"]) {
		write(archive, "")
	}
	keys := playerKeys("2026-07")
	if sample, err := os.ReadFile(filepath.Join("../..", r.Lobby.PlayerKeysFile)); err == nil {
		// One that is public is kept with the stacks.
		keys = string(sample)
	}
	write(r.Lobby.PlayerKeysFile, keys)
	return root
}

// archives are the files that are named as such at any depth.
func archives(v any) (files []string) {
	object, _ := v.(map[string]any)
	for key, value := range object {
		if text, ok := value.(string); ok && key == "archive" {
			files = append(files, text)
		}
		files = append(files, archives(value)...)
	}
	return files
}

// samples are the regions that stand for a fleet: all but the local one.
func samples(t *testing.T) []*config.Region {
	t.Helper()
	files, err := filepath.Glob("../../stacks/Pulumi.cn-*.yaml")
	require.NoError(t, err)
	var regions []*config.Region
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		var stack struct {
			Config map[string]any `yaml:"config"`
		}
		require.NoError(t, yaml.Unmarshal(content, &stack))
		raw, err := json.Marshal(stack.Config["edge-arena:"+config.Key])
		require.NoError(t, err)
		r, err := config.ParseWithoutFiles(raw)
		require.NoError(t, err, file)
		regions = append(regions, r)
	}
	return regions
}

// The samples have the size that the case promises: more than 100 cities and 2,000 pods, all over the country, with metros of several
// nodes, and one region that goes first.
func TestSamplesAreAFleet(t *testing.T) {
	t.Parallel()
	cities, hosts := map[string]bool{}, map[string]bool{}
	pods, metros, canaries := 0, 0, 0
	for _, r := range samples(t) {
		require.LessOrEqual(t, len(r.Cities), 16, "%s: a stack holds no more", r.Name)
		require.Greater(t, len(r.Steps()), 1, "%s has no canary", r.Name)
		if r.Canary {
			canaries++
		}
		for _, c := range r.Cities {
			require.False(t, cities[c.Name], "%s is there twice", c.Name)
			cities[c.Name] = true
			pods += c.Battle.Replicas
			if len(c.Nodes) > 1 {
				metros++
			}
			require.NotNil(t, c.Location, c.Name)
			require.True(t, c.Location.Latitude > 18 && c.Location.Latitude < 54 && c.Location.Longitude > 73 && c.Location.Longitude < 135, "%s is not in the country", c.Name)
			for _, n := range c.Nodes {
				require.False(t, hosts[n.Host], n.Host)
				hosts[n.Host] = true
			}
		}
	}
	require.GreaterOrEqual(t, len(cities), 100)
	require.GreaterOrEqual(t, pods, 2000)
	require.GreaterOrEqual(t, metros, 10)
	require.Equal(t, 1, canaries)
}
