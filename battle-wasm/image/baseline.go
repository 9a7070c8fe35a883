package image

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/battle-wasm/image/aot"
	"github.com/edge-arena/edge-arena/internal/command"
)

// baselineLibrary lies beside the module that is compiled, and tells the compiler of which processor it may take the features.
const baselineLibrary = "baseline.so"

// baselines are its sources. Which of them it is made of decides what the compiler compiles for.
var (
	//go:embed baseline/amd64.c
	baselineAMD64 string
	//go:embed baseline/arm64.c
	baselineARM64 string

	baselines = map[aot.Arch]string{aot.AMD64: baselineAMD64, aot.ARM64: baselineARM64}
)

// withBaseline has the library for an architecture in a folder while f runs.
func withBaseline(ctx context.Context, dir string, arch aot.Arch, f func() error) (err error) {
	source, library := filepath.Join(dir, string(arch)+".c"), filepath.Join(dir, baselineLibrary)
	defer func() {
		for _, file := range []string{source, library} {
			if e := os.Remove(file); e != nil && !errors.Is(e, os.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}()
	if err := os.WriteFile(source, []byte(baselines[arch]), 0o600); err != nil {
		return fmt.Errorf("name the processor to compile for: %w", err)
	}
	if _, err := command.Run(ctx, "cc", "-shared", "-fPIC", "-O1", "-o", library, source); err != nil {
		return fmt.Errorf("name the processor to compile for: %w", err)
	}
	return f()
}
