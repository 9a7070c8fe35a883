package wasm

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProbeArchive(t *testing.T) {
	t.Parallel()
	first, err := probeArchive()
	require.NoError(t, err)
	second, err := probeArchive()
	require.NoError(t, err)
	require.Equal(t, first.SHA256, second.SHA256, "another archive at each run would be another image at each run")
	require.True(t, strings.HasPrefix(first.Reference, "registry.example.com/wasm-probe@sha256:"), first.Reference)
	require.Less(t, len(first.Content), 32<<10, "it travels on stdin and is kept in Pulumi's state")
}

func TestProbeModuleNeedsWasmEdge(t *testing.T) {
	t.Parallel()
	module := string(probeModule(ipv4))
	require.True(t, strings.HasPrefix(module, "\x00asm\x01\x00\x00\x00"))
	require.Contains(t, module, "sock_open")
}
