// Package tinygo provides TinyGo, which compiles the battle server to Wasm: by LLVM, so that compiled ahead of time the module runs as fast as a native program of Go's
// own compiler, and is a tenth of the size of what that makes of the same sources for Wasm.
//
// TinyGo is built from its published module against LLVM of the Debian release that nodes run. It lies in a folder of its own and runs in a container, so that
// the machine needs no LLVM, and so that a module is the same wherever it is compiled.
package tinygo

import (
	"context"
	_ "embed"
	"fmt"
	"path"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/debroot"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
	"github.com/edge-arena/edge-arena/tests/rig/nodeimage"
)

// The module `tools/tinygo` pins TinyGo itself. Go is the newest that it can compile the standard library of, LLVM is Debian's.
const (
	module    = "github.com/tinygo-org/tinygo"
	goVersion = "go1.25.5"
	llvm      = "19"
)

// packages are what TinyGo is built with, and what it runs: LLVM's linker and assembler, wasm-opt, and the C library that its own runtime is linked with.
var packages = debroot.Packages{Suite: nodeimage.Suite, Arch: "amd64", Names: []string{
	"llvm-" + llvm + "-dev", "libclang-" + llvm + "-dev", "clang-" + llvm, "lld-" + llvm, "g++", "binaryen", "wasi-libc",
}}

// target is what is compiled for: TinyGo's own wasip1 with Debian's C library in place of one that is no part of TinyGo's module, and without goroutines, for the
// server has none. Its memory is at the start what a pod with one battle needs; TinyGo doubles it whenever it needs more, and so would begin with more than that.
//
//go:embed target.json
var target string

const targetName = "edge-arena"

// flags are those of all programs.
var flags = []string{"-target", targetName, "-opt", "2", "-no-debug", "-panic", "print"}

// requirements is the module file with what TinyGo compiles of other modules: its Go is older than the project's.
const requirements = "battle-wasm/tinygo.mod"

// Key is the key of the compiler that a tree of the project pins, and of how it compiles.
func Key(source string) (cache.Key, error) {
	return cache.NewKey(append([]string{"tinygo 1", goVersion, packages.Key().String(), target}, flags...)...).WithTree(filepath.Join(source, "tools", "tinygo"))
}

// Compiler compiles in containers of an image, which may be any: TinyGo brings all that it needs.
type Compiler struct {
	Machine  docker.Machine
	Docker   *docker.Client
	Image    string
	Cache    *cache.Cache
	Progress *progress.Reporter
}

// Program says what to compile.
type Program struct {
	// Source is the root of the project's tree, Package the program's folder in it: ./battle-wasm/cmd/battle.
	Source, Package string
	// Version is what the program's variable main.version is set to, unless it is empty.
	Version string
}

// Compile compiles a program to a Wasm module, a file named out. It builds TinyGo first where the cache lacks it.
func (c Compiler) Compile(ctx context.Context, p Program, out string) error {
	if err := c.compile(ctx, p, out); err != nil {
		return fmt.Errorf("compile %s with TinyGo: %w", p.Package, err)
	}
	return nil
}

func (c Compiler) compile(ctx context.Context, p Program, out string) error {
	f, err := c.ensure(ctx, p.Source)
	if err != nil {
		return err
	}
	modfile := "-modfile=" + filepath.Join(p.Source, filepath.FromSlash(requirements))
	if err := f.golang.download(ctx, p.Source, []string{"GOOS=wasip1", "GOARCH=wasm"}, modfile, p.Package); err != nil {
		return err
	}
	args := append([]string{"tinygo", "build", "-C", sourceDir}, flags...)
	if p.Version != "" {
		args = append(args, "-ldflags", "-X main.version="+p.Version)
	}
	args = append(args, "-o", path.Join(outDir, filepath.Base(out)), p.Package)
	return c.run(ctx, f, container{
		reads: map[string]string{sourceDir: p.Source}, writes: map[string]string{outDir: filepath.Dir(out)},
		env: []string{"GOFLAGS=-mod=readonly -modfile=" + path.Join(sourceDir, requirements)},
	}, args...)
}
