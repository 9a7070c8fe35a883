package image

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/command"
)

// baselineLibrary lies beside the module that is compiled, and tells the compiler of which processor it may take the features.
const baselineLibrary = "baseline.so"

//go:embed baseline/features.c
var baselineSource []byte

// withBaseline has the library in a folder while f runs.
func withBaseline(ctx context.Context, dir string, f func() error) (err error) {
	source, library := filepath.Join(dir, "features.c"), filepath.Join(dir, baselineLibrary)
	defer func() {
		for _, file := range []string{source, library} {
			if e := os.Remove(file); e != nil && !errors.Is(e, os.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}()
	if err := os.WriteFile(source, baselineSource, 0o600); err != nil {
		return fmt.Errorf("name the processor to compile for: %w", err)
	}
	if _, err := command.Run(ctx, "cc", "-shared", "-fPIC", "-O1", "-o", library, source); err != nil {
		return fmt.Errorf("name the processor to compile for: %w", err)
	}
	return f()
}
