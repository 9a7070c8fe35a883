package netcode

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/internal/command"
)

// wasmRuntime runs a module: WasmEdge, as in a city, where that is on PATH in its version, and else wazero, which says so.
type wasmRuntime struct {
	name  string
	run   func(ctx context.Context, args []string) (string, error)
	close func(ctx context.Context)
}

func newRuntime(ctx context.Context, dir, module string) (wasmRuntime, error) {
	if _, err := exec.LookPath("wasmedge"); err != nil {
		return newWazero(ctx, module)
	}
	compiled := filepath.Join(dir, "compiled.wasm")
	if err := image.PathCompiler(ctx, module, compiled); err != nil {
		return wasmRuntime{}, err
	}
	return wasmRuntime{
		name: "WasmEdge 0.14.1, compiled ahead of time",
		run: func(ctx context.Context, args []string) (string, error) {
			return command.Run(ctx, "wasmedge", append([]string{compiled}, args...)...)
		},
		close: func(context.Context) {},
	}, nil
}

// newWazero compiles the module in this process. Its modules have no clock of the processor's time, so tickbench takes the wall's.
func newWazero(ctx context.Context, module string) (wasmRuntime, error) {
	b, err := os.ReadFile(module)
	if err != nil {
		return wasmRuntime{}, err
	}
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	compiled, err := r.CompileModule(ctx, b)
	if err != nil {
		return wasmRuntime{}, fmt.Errorf("compile the module with wazero: %w", err)
	}
	return wasmRuntime{
		name: "wazero, which stands in for WasmEdge",
		run: func(ctx context.Context, args []string) (string, error) {
			var out, errs bytes.Buffer
			config := wazero.NewModuleConfig().WithName("").WithArgs(append([]string{"tickbench"}, args...)...).
				WithStdout(&out).WithStderr(&errs).WithSysWalltime().WithSysNanotime().WithSysNanosleep()
			if _, err := r.InstantiateModule(ctx, compiled, config); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
				return "", fmt.Errorf("%w\n%s", err, errs.String())
			}
			return out.String(), nil
		},
		close: func(ctx context.Context) { _ = r.Close(ctx) },
	}, nil
}
