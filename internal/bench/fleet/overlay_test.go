package fleet

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "go test ./internal/bench/fleet -update writes it anew")
}

func TestOverlayGolden(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile("testdata/sample.yaml")
	require.NoError(t, err)
	got, err := overlay(sample, Local{
		SSHConfig: "/rig/ssh_config", MirrorURL: "http://10.0.0.2", Checksums: "/rig/sums", Battle: "/battle.tar", PortAllocator: "/allocator.tar",
		Gatekeeper: "/gatekeeper.tar", NATS: "/nats.tar", Lobby: "/lobby.tar", PlayerKeys: "/keys.json", Salt: "v1:salt",
	})
	require.NoError(t, err)
	golden(t, "overlay.yaml", string(got))

	again, err := overlay(got, Local{
		SSHConfig: "/rig/ssh_config", MirrorURL: "http://10.0.0.2", Checksums: "/rig/sums", Battle: "/battle.tar", PortAllocator: "/allocator.tar",
		Gatekeeper: "/gatekeeper.tar", NATS: "/nats.tar", Lobby: "/lobby.tar", PlayerKeys: "/keys.json", Salt: "v1:salt",
	})
	require.NoError(t, err)
	require.Equal(t, string(got), string(again))
}

func TestOverlayOfNoRegion(t *testing.T) {
	t.Parallel()
	_, err := overlay([]byte("config: {}"), Local{})
	require.EqualError(t, err, "read region: the file has no config edge-arena:region")
	_, err = overlay([]byte("\t"), Local{})
	require.ErrorContains(t, err, "read region: yaml: ")
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile("testdata/sample.yaml")
	require.NoError(t, err)
	first, err := fingerprint(sample)
	require.NoError(t, err)
	commented, err := fingerprint(append([]byte("# a comment\n"), sample...))
	require.NoError(t, err)
	require.Equal(t, first, commented)
	other, err := fingerprint(append(sample, []byte("      - {name: wuxi, nodes: [{name: wuxi-1, host: x}]}\n")...))
	require.NoError(t, err)
	require.NotEqual(t, first, other)
}

// Every sample region of the checkout can be rolled out on this machine's nodes: their names are unique, and as a host's may be.
func TestEverySampleRegionHasItsNodes(t *testing.T) {
	t.Parallel()
	names, err := RegionNames("../../..")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	require.NotContains(t, names, "local")
	for _, name := range names {
		content, err := os.ReadFile(sampleFile("../../..", name))
		require.NoError(t, err)
		_, region, err := parseFile(content)
		require.NoError(t, err, name)
		seen := map[string]bool{}
		for _, node := range nodesOf(region) {
			require.False(t, seen[node], "%s: %s", name, node)
			require.Regexp(t, `^[a-z0-9][a-z0-9-]{0,40}[a-z0-9]$`, node)
			seen[node] = true
		}
		require.NotEmpty(t, seen, name)
	}
}
