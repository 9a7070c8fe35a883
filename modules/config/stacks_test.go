package config_test

import (
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
		SSH    config.SSH
		K3s    struct{ Mirror config.Mirror }
		Battle struct {
			Archive       string
			PortAllocator struct{ Archive string }
		}
		Cities []struct{ Nodes []struct{ Host string } }
	}
	require.NoError(t, json.Unmarshal(raw, &r))
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
			fmt.Fprintf(&pinned, "192.0.2.%d %s\n", n, public)
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
	return root
}
