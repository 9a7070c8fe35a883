package image

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/image/aot"
	"github.com/edge-arena/edge-arena/internal/command"
)

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
