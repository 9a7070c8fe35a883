package tinygo

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/edge-arena/edge-arena/internal/command"
)

// Where things lie in TinyGo's folder, for programs that run in it.
const (
	tinygoDir  = "/tinygo"
	goDir      = "/usr/local/go"
	modulesDir = "/go/pkg/mod"
	sourceDir  = "/src"
	outDir     = "/out"
)

// folder is where TinyGo lies, and the Go that it goes with.
type folder struct {
	root   string
	golang golang
}

// ensure finds TinyGo as the tree at source pins it, or builds it.
func (c Compiler) ensure(ctx context.Context, source string) (f folder, err error) {
	key, err := Key(source)
	if err != nil {
		return f, err
	}
	pin := filepath.Join(source, "tools", "tinygo")
	if f.golang, err = findGo(ctx, pin); err != nil {
		return f, err
	}
	dir, found := c.Cache.Lookup("tinygo", key)
	if !found {
		err = c.Progress.Step(ctx, "build TinyGo, which compiles the battle server to Wasm", func(ctx context.Context) (err error) {
			dir, err = c.Cache.Get(ctx, "tinygo", key, func(ctx context.Context, dir string) error { return c.build(ctx, f.golang, pin, dir) })
			return err
		})
		if err != nil {
			return f, fmt.Errorf("build TinyGo: %w", err)
		}
	}
	f.root = filepath.Join(dir, "root")
	return f, nil
}

// build leaves TinyGo, and what it runs, in a folder `root` within dir.
func (c Compiler) build(ctx context.Context, g golang, pin, dir string) error {
	root, err := packages.Unpack(ctx, c.Machine, dir)
	if err != nil {
		return err
	}
	for _, point := range []string{"/dev", "/proc", "/tmp", goDir, modulesDir, sourceDir, outDir, tinygoDir + "/bin"} {
		if err := os.MkdirAll(filepath.Join(root, point), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(root, "dev", "null"), nil, 0o644); err != nil {
		return err
	}
	if err := g.download(ctx, pin, nil, "-tags=llvm"+llvm, module); err != nil {
		return err
	}
	sources, err := g.run(ctx, pin, nil, "list", "-m", "-f={{.Dir}}", module)
	if err != nil {
		return err
	}
	for _, part := range []string{"src", "targets", "lib"} {
		if _, err := command.Run(ctx, "cp", "-r", "--no-preserve=mode,ownership", filepath.Join(sources, part), filepath.Join(root, tinygoDir)); err != nil {
			return err
		}
	}
	// TinyGo's package net is no part of its module. It looks for the folder all the same.
	if err := os.Mkdir(filepath.Join(root, tinygoDir, "src", "net"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, tinygoDir, "targets", targetName+".json"), []byte(target), 0o644); err != nil {
		return err
	}
	err = c.run(ctx, folder{root: root, golang: g}, container{
		writes: map[string]string{"/": root}, reads: map[string]string{sourceDir: pin}, env: []string{"CC=gcc", "CXX=g++"},
	}, "go", "build", "-C", sourceDir, "-tags=llvm"+llvm, "-trimpath", "-buildvcs=false", "-ldflags=-s", "-o", tinygoDir+"/bin/tinygo", module)
	if err != nil {
		return err
	}
	// Most of it, which only building took.
	for _, pattern := range []string{"/usr/lib/llvm-*/lib/*.a", "/usr/lib/gcc", "/usr/libexec/gcc", "/usr/include"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := os.RemoveAll(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// container is what a program that runs in the folder sees of the machine besides: what it only reads, and what it writes, by their place in the folder.
type container struct {
	reads, writes map[string]string
	env           []string
}

// run runs a program in TinyGo's folder, without a network.
func (c Compiler) run(ctx context.Context, f folder, with container, args ...string) error {
	const inside = "/root" // where the folder lies in the container, which itself is of no account
	reads := map[string]string{goDir: f.golang.root, modulesDir: f.golang.modules, "/proc": "/proc"}
	writes := map[string]string{"/dev/null": "/dev/null"}
	maps.Copy(reads, with.reads)
	maps.Copy(writes, with.writes)
	if writes["/"] == "" {
		reads["/"] = f.root
	}
	docker := []string{"run", "--rm", "--network=none", "--entrypoint=", "--tmpfs=" + inside + "/tmp:exec"}
	for _, side := range []struct {
		mounts map[string]string
		option string
	}{{reads, ",readonly"}, {writes, ""}} {
		for _, at := range slices.Sorted(maps.Keys(side.mounts)) {
			docker = append(docker, "--mount=type=bind,source="+side.mounts[at]+",target="+path.Join(inside, at)+side.option)
		}
	}
	env := append([]string{
		"PATH=/usr/sbin:" + tinygoDir + "/bin:" + goDir + "/bin:/usr/lib/llvm-" + llvm + "/bin:/usr/bin", "HOME=/tmp", "XDG_CACHE_HOME=/tmp", "LC_ALL=C",
		"TINYGOROOT=" + tinygoDir, "GOROOT=" + goDir, "GOMODCACHE=" + modulesDir, "GOTOOLCHAIN=local", "GOPROXY=off", "GOWORK=off",
	}, with.env...)
	for _, e := range env {
		docker = append(docker, "--env="+e)
	}
	docker = append(docker, c.Image, "chroot", inside)
	_, err := c.Docker.Run(ctx, append(docker, args...)...)
	return err
}
