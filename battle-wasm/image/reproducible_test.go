package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/image/aot"
	"github.com/edge-arena/edge-arena/battle-wasm/image/segments"
	"github.com/edge-arena/edge-arena/internal/command"
)

// What is built is named by its digest, so it must not tell of the folder, the user, the time or the state of Go's cache.
func TestModuleIsTheSameWhereverItIsBuilt(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the module with an empty cache")
	}
	ctx := context.Background()
	here, err := filepath.Abs("../..")
	require.NoError(t, err)
	there := filepath.Join(t.TempDir(), "a checkout of another name")
	require.NoError(t, os.MkdirAll(there, 0o755))
	for _, part := range []string{"go.mod", "go.sum", "battle-wasm"} {
		_, err := command.Run(ctx, "cp", "-r", filepath.Join(here, part), there)
		require.NoError(t, err)
	}
	first := moduleDigest(t, Options{Source: here, Version: "1"})
	t.Setenv("GOCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-tags=other -ldflags=-X=main.version=other")
	t.Setenv("TZ", "Asia/Shanghai")
	t.Setenv("LC_ALL", "C")
	t.Setenv("USER", "somebody-else")
	require.Equal(t, first, moduleDigest(t, Options{Source: there, Version: "1"}))
}

func moduleDigest(t *testing.T, opts Options) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "module.wasm")
	require.NoError(t, goBuild(context.Background(), opts, server, out, "GOOS=wasip1", "GOARCH=wasm"))
	module, err := os.ReadFile(out)
	require.NoError(t, err)
	merged, err := segments.Merge(module)
	require.NoError(t, err)
	require.True(t, bytes.Equal(merged, module), "its data is in few segments")
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}

// The library must be what the dynamic linker takes in LLVM's place, and leave nothing behind.
func TestWithBaseline(t *testing.T) {
	t.Parallel()
	for arch, want := range map[aot.Arch][]string{
		aot.AMD64: {" T LLVMGetHostCPUFeatures"},
		aot.ARM64: {
			" T LLVMGetHostCPUFeatures", " T LLVMGetDefaultTargetTriple", " T LLVMInitializeX86TargetInfo", " T LLVMInitializeX86Target",
			" T LLVMInitializeX86TargetMC", " T LLVMInitializeX86AsmPrinter",
		},
	} {
		dir, boom := t.TempDir(), errors.New("boom")
		err := withBaseline(context.Background(), dir, arch, func() error {
			symbols, err := command.Run(context.Background(), "nm", "-D", "--defined-only", filepath.Join(dir, baselineLibrary))
			require.NoError(t, err)
			for _, symbol := range want {
				require.Contains(t, symbols+"\n", symbol+"\n")
			}
			return boom
		})
		require.ErrorIs(t, err, boom)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
	}
	require.NotContains(t, baselineAMD64, "avx")
	require.NotContains(t, baselineARM64, "+")
}
