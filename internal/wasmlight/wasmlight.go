// Package wasmlight makes, of Debian's WasmEdge, one that starts without LLVM: for crun alone, which runs code that was compiled ahead of time. light/build.sh says how, and can
// be run by hand for a host that is not one of a rig's.
package wasmlight

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/command"
)

// Folder is where nodes have it; the installer of modules/k3s looks for it there.
const Folder = "/usr/local/lib/edge-arena"

// script and starter are the sources.
const (
	script  = "build.sh"
	starter = "crun.c"
)

//go:embed light/build.sh
var buildScript string

//go:embed light/crun.c
var starterSource string

// Sources are what it is made by, for a cache's key.
func Sources() []string { return []string{buildScript, starterSource, Folder} }

// Build makes it in a folder of a host's file system whose root is a folder here, for the libwasmedge and the crun that are in it. It takes a C compiler and binutils.
func Build(ctx context.Context, root string) error {
	if err := build(ctx, root); err != nil {
		return fmt.Errorf("make WasmEdge without LLVM: %w", err)
	}
	return nil
}

func build(ctx context.Context, root string) (err error) {
	libraries, err := filepath.Glob(filepath.Join(root, "usr", "lib", "*", "libwasmedge.so.0"))
	if err != nil || len(libraries) != 1 {
		return fmt.Errorf("%d libraries libwasmedge.so.0 are below %s, want one", len(libraries), filepath.Join(root, "usr", "lib"))
	}
	dir, err := os.MkdirTemp("", "wasmlight-")
	if err != nil {
		return err
	}
	defer func() {
		if e := os.RemoveAll(dir); err == nil {
			err = e
		}
	}()
	for name, text := range map[string]string{script: buildScript, starter: starterSource} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	cmd := command.Cmd{Env: append(os.Environ(), "PREFIX="+Folder)}
	_, err = cmd.Run(ctx, "sh", filepath.Join(dir, script), libraries[0], filepath.Join(root, Folder), "/usr/bin/crun")
	return err
}
