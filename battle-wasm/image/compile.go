package image

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/battle-wasm/image/aot"
	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/tinygo"
)

// wasmedgeVersion is the WasmEdge that compiles the module. The code that is compiled ahead of time runs in the same version only.
const wasmedgeVersion = "0.14.1"

// Toolchain makes Wasm of Go, and native code of Wasm. It is a [nodehost.Host].
type Toolchain interface {
	// Module compiles a program to a Wasm module, a file named out.
	Module(ctx context.Context, p tinygo.Program, out string) error
	// Native compiles the module at in ahead of time to a shared library at out: native code, which WasmEdge loads as it does a module. It runs the command of
	// [CompilerArgs], with WasmEdge 0.14.1.
	Native(ctx context.Context, in, out string) error
}

// CompilerArgs is the command that compiles a module ahead of time, wherever it runs: for a generic CPU, as the node that runs the code is not the one that
// compiles it. A library beside the module sees to it that the compiler does not take its own CPU's features all the same, and decides for which processors it
// compiles.
func CompilerArgs(in, out string) []string {
	return []string{"env", "LD_PRELOAD=" + filepath.Join(filepath.Dir(in), baselineLibrary), "wasmedge", "compile", "--generic-binary", in, out}
}

// Compile compiles a module of the battle server's sources ahead of time for amd64, so for any such CPU since 2009, or finds what became of it in the cache.
func Compile(ctx context.Context, p *progress.Reporter, c *cache.Cache, t Toolchain, module string) ([]byte, error) {
	return CompileFor(ctx, p, c, t, module, aot.AMD64)
}

// CompileFor does it for an architecture. The compiler runs on amd64 all the same, see baseline/arm64.c.
func CompileFor(ctx context.Context, p *progress.Reporter, c *cache.Cache, t Toolchain, module string, arch aot.Arch) ([]byte, error) {
	key, err := fileKey(module)
	if err != nil {
		return nil, err
	}
	key = key.With(CompilerArgs("in", "out")...).With(wasmedgeVersion, string(arch), baselines[arch], "trimmed 1")
	const name = "app.so"
	dir, found := c.Lookup("battle-aot", key)
	if !found {
		err := p.Step(ctx, "compile the battle module ahead of time for "+string(arch), func(ctx context.Context) (err error) {
			dir, err = c.Get(ctx, "battle-aot", key, func(ctx context.Context, dir string) error {
				out := filepath.Join(dir, name)
				if err := withBaseline(ctx, filepath.Dir(module), arch, func() error { return t.Native(ctx, module, out) }); err != nil {
					return err
				}
				return finish(out, arch)
			})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return os.ReadFile(filepath.Join(dir, name))
}

// finish takes out of the file what no pod needs. It fails unless the file is native code that runs on every node of the architecture: code for the processor that
// compiled it would not run at all on others.
func finish(path string, arch aot.Arch) error {
	library, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read compiled module: %w", err)
	}
	if err := aot.CheckPortable(library, arch); err != nil {
		return fmt.Errorf("module compiled for %s: %w", arch, err)
	}
	if library, err = aot.Trim(library); err != nil {
		return fmt.Errorf("module compiled for %s: %w", arch, err)
	}
	return os.WriteFile(path, library, 0o644)
}
