//go:build e2e

package tests

import (
	"path/filepath"
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
	for _, part := range []string{"go.mod", "go.sum", "battle-wasm", "internal"} {
		_, err := command.Run(t.Context(), "cp", "-r", filepath.Join(machine.ws.Root, part), there)
		require.NoError(t, err)
	}
	again, err := image.Build(t.Context(), testProgress(t), cache.At(t.TempDir()), image.Options{Source: there, Compile: machine.parts.Compile})
	require.NoError(t, err)
	require.Equal(t, machine.parts.Battle.Digest, again.Digest)
}
