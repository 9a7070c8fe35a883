//go:build e2e

package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestBadLuck brings single nodes into the states that operators meet, and asserts that the update says what is wrong. Where the
// mistake can be seen before anything is changed, the node must be as it was.
func TestBadLuck(t *testing.T) {
	const node = "n1"
	tests := map[string]struct {
		// on runs on the node beforehand.
		on string
		// edit changes the region's config.
		edit func(t *testing.T, c *city, region map[string]any)
		// want are parts of what the update must print.
		want []string
		// touched is set where K3s is installed before the mistake can be seen.
		touched bool
	}{
		"an unreachable host": {
			edit: func(t *testing.T, c *city, _ map[string]any) { require.NoError(t, c.rig.CutOff(t.Context(), node)) },
			want: []string{"dial", "after 3 failed attempts"},
		},
		"a user that isn't there": {
			edit: func(_ *testing.T, _ *city, region map[string]any) { setSSH(region, "user", "nobody-here") },
			want: []string{"unable to authenticate"},
		},
		"a key that the host does not know": {
			edit: func(t *testing.T, c *city, region map[string]any) { setSSH(region, "privateKeyFile", otherKey(t)) },
			want: []string{"unable to authenticate"},
		},
		"a host key that is not the pinned one": {
			edit: func(t *testing.T, c *city, region map[string]any) {
				address, err := c.rig.Node(node)
				require.NoError(t, err)
				public, err := os.ReadFile(otherKey(t) + ".pub")
				require.NoError(t, err)
				file := filepath.Join(t.TempDir(), "known_hosts")
				require.NoError(t, os.WriteFile(file, []byte(address.Address+" "+string(public)), 0o600))
				setSSH(region, "knownHostsFile", file)
			},
			want: []string{"host key mismatch"},
		},
		"a user without sudo": {
			edit: func(_ *testing.T, _ *city, region map[string]any) { setSSH(region, "user", "ops") },
			want: []string{"sudo", "ops"},
		},
		"another K3s on the node": {
			on:   `printf '#!/bin/sh\necho "k3s version v1.29.0+k3s1 (abc)"\n' > /usr/local/bin/k3s; chmod +x /usr/local/bin/k3s`,
			want: []string{"v1.29.0+k3s1", "uninstall"},
		},
		"a full disk": {
			on:   `mkdir -p /var/lib/rancher && mount -t tmpfs -o size=32m tmpfs /var/lib/rancher`,
			want: []string{"/var/lib/rancher", "free"},
		},
		"K3s that never becomes ready": {
			edit: func(_ *testing.T, _ *city, region map[string]any) {
				k3s := region["k3s"].(map[string]any)
				k3s["kubeletArgs"] = []any{"no-such-flag=1"}
				k3s["readyTimeout"] = "20s"
			},
			want:    []string{"no-such-flag", "was not Ready within 20 s", "the last lines of K3s's log"},
			touched: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCity(t, node)
			if tt.on != "" {
				_, err := c.rig.Exec(t.Context(), node, "sh", "-c", tt.on)
				require.NoError(t, err)
			}
			c.edit(func(region map[string]any) {
				setSSH(region, "dialTimeout", "2s")
				setSSH(region, "dialAttempts", 2)
				if tt.edit != nil {
					tt.edit(t, c, region)
				}
			})
			before, err := c.rig.Snapshot(t.Context(), node)
			require.NoError(t, err)
			printed := c.upFails(3 * time.Minute)
			for _, want := range tt.want {
				require.Contains(t, printed, want)
			}
			if !tt.touched {
				after, err := c.rig.Snapshot(t.Context(), node)
				require.NoError(t, err)
				require.Empty(t, before.Diff(after).Without("machine-sysctls").String(), "what the refused update changed on the node")
			}
		})
	}
}

func setSSH(region map[string]any, name string, value any) {
	region["ssh"].(map[string]any)[name] = value
}

// otherKey makes a key pair that no node knows, and returns the private key's path.
func otherKey(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "id_ed25519")
	out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path).CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}
