package image

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/battle-wasm/image/aot"
	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// wasmedgeVersion is the WasmEdge that compiles the module. The code that is compiled ahead of time runs in the same version only.
const wasmedgeVersion = "0.14.1"

// Compiler compiles the Wasm module at in ahead of time to a universal Wasm file at out: a module that carries native code for x86-64-v2, so for any
// amd64 CPU since 2009, in a section of its own. It must be WasmEdge 0.14.1; see [CompilerArgs].
type Compiler func(ctx context.Context, in, out string) error

// CompilerArgs is the command that a [Compiler] runs, wherever it runs it: for a generic CPU, as the node that runs the code is not the one that
// compiles it. A library beside the module sees to it that the compiler does not take its own CPU's features all the same.
func CompilerArgs(in, out string) []string {
	return []string{"env", "LD_PRELOAD=" + filepath.Join(filepath.Dir(in), baselineLibrary), "wasmedge", "compile", "--generic-binary", in, out}
}

// PathCompiler compiles with the wasmedge on PATH.
func PathCompiler(ctx context.Context, in, out string) error {
	version, err := command.Run(ctx, "wasmedge", "--version")
	if err != nil {
		return err
	}
	if !bytes.Contains([]byte(version), []byte("version "+wasmedgeVersion)) {
		return fmt.Errorf("wasmedge on PATH is %q: %s is needed", version, wasmedgeVersion)
	}
	args := CompilerArgs(in, out)
	_, err = command.Run(ctx, args[0], args[1:]...)
	return err
}

// compile compiles a module, or finds what became of it in the cache.
func compile(ctx context.Context, p *progress.Reporter, c *cache.Cache, compiler Compiler, module string) ([]byte, error) {
	key, err := fileKey(module)
	if err != nil {
		return nil, err
	}
	key = key.With(CompilerArgs("in", "out")...).With(wasmedgeVersion, string(baselineSource))
	const name = "app.wasm"
	dir, found := c.Lookup("battle-aot", key)
	if !found {
		err := p.Step(ctx, "compile the battle module ahead of time", func(ctx context.Context) (err error) {
			dir, err = c.Get(ctx, "battle-aot", key, func(ctx context.Context, dir string) error {
				out := filepath.Join(dir, name)
				if err := withBaseline(ctx, filepath.Dir(module), func() error { return compiler(ctx, module, out) }); err != nil {
					return err
				}
				return checkCompiled(out)
			})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return os.ReadFile(filepath.Join(dir, name))
}

// checkCompiled fails unless the file is a Wasm module with native code that runs on every node: without any the module would run at a fifth of the speed,
// and with code for the processor that compiled it not at all on others.
func checkCompiled(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read compiled module: %w", err)
	}
	if err := aot.CheckPortable(b); err != nil {
		return fmt.Errorf("compiled module: %w", err)
	}
	return nil
}
