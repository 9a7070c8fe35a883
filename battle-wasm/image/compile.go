package image

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// wasmedgeVersion is the WasmEdge that compiles the module. The code that is compiled ahead of time runs in the same version only.
const wasmedgeVersion = "0.14.1"

// Compiler compiles the Wasm module at in ahead of time to a universal Wasm file at out: a module that carries native code for any amd64
// CPU in a section of its own. It must be WasmEdge 0.14.1; see [CompilerArgs].
type Compiler func(ctx context.Context, in, out string) error

// CompilerArgs is the command that a [Compiler] runs, wherever it runs it: for generic CPUs, as the node that runs the code is not the one
// that compiles it.
func CompilerArgs(in, out string) []string {
	return []string{"wasmedge", "compile", "--generic-binary", in, out}
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
	key = key.With(CompilerArgs("in", "out")...).With(wasmedgeVersion)
	const name = "app.wasm"
	dir, found := c.Lookup("battle-aot", key)
	if !found {
		err := p.Step(ctx, "compile the battle module ahead of time", func(ctx context.Context) (err error) {
			dir, err = c.Get(ctx, "battle-aot", key, func(ctx context.Context, dir string) error {
				out := filepath.Join(dir, name)
				if err := compiler(ctx, module, out); err != nil {
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

// checkCompiled fails unless the file is a Wasm module with a section of native code: without it the module would run, at a fifth of the speed.
func checkCompiled(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read compiled module: %w", err)
	}
	ok, err := hasCustomSection(b, "wasmedge")
	if err != nil {
		return fmt.Errorf("compiled module: %w", err)
	}
	if !ok {
		return errors.New("compiled module: has no native code in it")
	}
	return nil
}

// hasCustomSection looks through the sections of a Wasm module.
func hasCustomSection(b []byte, name string) (bool, error) {
	if !bytes.HasPrefix(b, []byte("\x00asm\x01\x00\x00\x00")) {
		return false, errors.New("is not a Wasm module")
	}
	for b = b[8:]; len(b) > 0; {
		id := b[0]
		size, n := binary.Uvarint(b[1:])
		if n <= 0 || uint64(len(b)-1-n) < size {
			return false, errors.New("ends within a section")
		}
		body := b[1+n:][:size]
		b = b[1+n+int(size):]
		if id != 0 {
			continue
		}
		length, n := binary.Uvarint(body)
		if n > 0 && uint64(len(body)-n) >= length && string(body[n:][:length]) == name {
			return true, nil
		}
	}
	return false, nil
}
