//go:build e2e

package tests

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/tests/rig/nodeimage"
)

// interpretedScript runs a bundle's program in WasmEdge, behind what stands before crun on a node that cannot run native code, or without it. It prints what the
// server says of itself when it is ready.
const interpretedScript = `
set -eu
STATE=/tmp
. /scripts/interpret.sh
cat >/tmp/crun <<'END'
#!/bin/sh
program=$(sed -n 's/.*"args":\["\([^"]*\)".*/\1/p' /bundle/config.json)
exec wasmedge --dir /:/bundle/rootfs --env BATTLE_PORT=20000 --env NODE_IP=127.0.0.1 --env TICKET_KEYS=$KEYS /bundle/rootfs$program
END
light_crun() { echo /tmp/crun; }
wrapper >/tmp/wrapper
chmod +x /tmp/crun /tmp/wrapper
"/tmp/$1" create --bundle /bundle id >/tmp/log 2>&1 &
for try in $(seq 600); do
	if curl -sf http://127.0.0.1:20000/readyz >/dev/null; then break; fi
	sleep 0.1
done
curl -s http://127.0.0.1:20000/metrics | grep '^battle_interpreted ' || true
cat /tmp/log
`

// A node that cannot run the native code interprets the module that it was made from, and the server says so in its log and metrics.
func TestANodeThatCannotRunTheNativeCode(t *testing.T) {
	t.Parallel()
	node, err := nodeimage.Ensure(t.Context(), machine.parts.Machine, machine.parts.Docker, machine.ws.Cache, testProgress(t))
	require.NoError(t, err)
	tests := map[string]struct {
		runtime   string
		want, not []string
	}{
		"one that can":    {"crun", []string{"battle_interpreted 0\n", `"msg":"started"`}, []string{`"msg":"interpreted`}},
		"one that cannot": {"wrapper", []string{"battle_interpreted 1\n", `"msg":"started"`, `"msg":"interpreted: `}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bundle := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(bundle, "rootfs"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(bundle, "config.json"), []byte(`{"process":{"args":["/app.so"]}}`), 0o600))
			for name, content := range imageFiles(t, machine.parts.Battle, "amd64") {
				require.NoError(t, os.WriteFile(filepath.Join(bundle, "rootfs", name), content, 0o600))
			}
			out, err := machine.parts.Docker.Run(t.Context(), "run", "--rm", "--network", "none", "--entrypoint", "", "--env", "KEYS=1:"+strings.Repeat("ab", 32),
				"-v", bundle+":/bundle", "-v", filepath.Join(machine.ws.Root, "modules", "k3s", "scripts")+":/scripts:ro", node, "sh", "-c", interpretedScript, "sh", tt.runtime)
			require.NoError(t, err)
			for _, want := range tt.want {
				require.Contains(t, out+"\n", want)
			}
			for _, not := range tt.not {
				require.NotContains(t, out, not)
			}
		})
	}
}

// imageFiles are the files of an image for an architecture, by their names.
func imageFiles(t *testing.T, img image.Image, arch string) map[string][]byte {
	t.Helper()
	found, err := partial.FindImages(imageIndex(t, img.Archive), match.Platforms(v1.Platform{OS: "linux", Architecture: arch}))
	require.NoError(t, err)
	require.Len(t, found, 1)
	files, content := map[string][]byte{}, mutate.Extract(found[0])
	defer content.Close()
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		files[h.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
}

// imageIndex is the image of an archive, for all its architectures.
func imageIndex(t *testing.T, archive string) v1.ImageIndex {
	t.Helper()
	dir := t.TempDir()
	_, err := command.Run(t.Context(), "tar", "-C", dir, "-xf", archive)
	require.NoError(t, err)
	top, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
	manifest, err := top.IndexManifest()
	require.NoError(t, err)
	// It has more than one name there, of the same index.
	require.NotEmpty(t, manifest.Manifests)
	index, err := top.ImageIndex(manifest.Manifests[0].Digest)
	require.NoError(t, err)
	return index
}
