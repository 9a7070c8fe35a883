//go:build !wasip1

package sim

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/edge-arena/edge-arena/internal/command"
)

// TestReplayInWasm builds this package's tests for wasip1 and runs [TestReplay] and [TestReplayOfARecordedBattle] there: the same log must give the same hashes.
func TestReplayInWasm(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	binary := filepath.Join(t.TempDir(), "sim.wasm")
	_, err := command.Cmd{Env: append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")}.Run(ctx, "go", "test", "-c", "-o", binary, ".")
	require.NoError(t, err)
	module, err := os.ReadFile(binary)
	require.NoError(t, err)

	// The interpreter, for one run costs less than a compilation.
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer func() { require.NoError(t, r.Close(ctx)) }()
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	var out strings.Builder
	config := wazero.NewModuleConfig().WithArgs("sim", "-test.v", "-test.run=^TestReplay(OfARecordedBattle)?$").
		WithStdout(&out).WithStderr(&out).WithSysWalltime().WithSysNanotime().WithSysNanosleep()
	_, err = r.InstantiateWithConfig(ctx, module, config)
	require.NoError(t, err, out.String())
	require.Contains(t, out.String(), "--- PASS: TestReplay ")
	require.Contains(t, out.String(), "--- PASS: TestReplayOfARecordedBattle ")
}
