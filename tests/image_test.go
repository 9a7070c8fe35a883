//go:build e2e

package tests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
)

// The image is named by its digest, and the gate goes by that: whoever builds the same sources must get the same image, native
// code for both architectures included: the digest is that of their index.
func TestTheBattleImageIsTheSameWhereverItIsBuilt(t *testing.T) {
	t.Parallel()
	there := t.TempDir()
	for _, part := range []string{"go.mod", "go.sum", "battle-wasm", "internal", "tools/tinygo"} {
		_, err := command.Cmd{Dir: machine.ws.Root}.Run(t.Context(), "cp", "-r", "--parents", part, there)
		require.NoError(t, err)
	}
	again, err := image.Build(t.Context(), testProgress(t), cache.At(t.TempDir()), image.Options{Source: there, Toolchain: machine.parts.WasmToolchain})
	require.NoError(t, err)
	require.Equal(t, machine.parts.Battle.Digest, again.Digest)
	require.Less(t, again.ModuleBytes, int64(250000), "the module has grown: see what it links")
}
