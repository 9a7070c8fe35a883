package toolchain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/mod/modfile"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/gobuild"
)

// minFree is what building everything takes on an empty machine, with room to spare: 2.5 GB of modules and their archives, 1 GB of
// Go's build cache, half of that again for what comes out, and the linker's temporary files.
const minFree = 6 << 30

// module is one of the small modules in tools/.
type module struct{ root, name string }

func (s module) dir() string { return filepath.Join(s.root, "tools", s.name) }

// version is the version of the module at path that s pins.
func (s module) version(path string) (string, error) {
	mod, err := s.parse()
	if err != nil {
		return "", err
	}
	for _, r := range mod.Require {
		if r.Mod.Path == path {
			return r.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("find version of %s: %s does not require it", path, filepath.Join(s.dir(), "go.mod"))
}

func (s module) parse() (*modfile.File, error) {
	path := filepath.Join(s.dir(), "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	mod, err := modfile.Parse(path, content, nil)
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	return mod, nil
}

// overlay writes the file for `go build -overlay` that makes files of the module at path appear in s. It returns the file's name.
func (s module) overlay(ctx context.Context, path string, embeds map[string]string) (string, error) {
	out, err := s.cmd().Run(ctx, "go", "mod", "download", "-json", path)
	if err != nil {
		return "", fmt.Errorf("download %s: %w", path, err)
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &downloaded); err != nil {
		return "", fmt.Errorf("download %s: read go's answer: %w", path, err)
	}
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for name, in := range embeds {
		overlay.Replace[filepath.Join(s.dir(), name)] = filepath.Join(downloaded.Dir, in)
	}
	content, err := json.Marshal(overlay)
	if err != nil {
		return "", fmt.Errorf("write overlay: %w", err)
	}
	f, err := os.CreateTemp("", "edge-arena-overlay-*.json")
	if err != nil {
		return "", fmt.Errorf("write overlay: %w", err)
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("write overlay: %w", err)
	}
	return f.Name(), nil
}

// cmd runs in the module, untouched by a go.work that the checkout may lie below.
func (s module) cmd() command.Cmd {
	return command.Cmd{Dir: s.dir(), Env: gobuild.Env("GOWORK=off")}
}

// buildKey is the cache key of what is built from the modules: their files and the compiler.
func (m *maker) buildKey(ctx context.Context, modules ...module) (cache.Key, error) {
	key := cache.NewKey("built")
	for _, s := range modules {
		compiler, err := s.compiler(ctx)
		if err != nil {
			return cache.Key{}, err
		}
		key, err = key.With(s.name, compiler).WithTree(s.dir())
		if err != nil {
			return cache.Key{}, err
		}
	}
	return key, nil
}

// compiler names the Go that builds s, and for what.
func (s module) compiler(ctx context.Context) (string, error) {
	out, err := s.cmd().Run(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH", "CGO_ENABLED")
	if err != nil {
		return "", fmt.Errorf("ask Go for its version: %w", err)
	}
	mod, err := s.parse()
	if err != nil {
		return "", err
	}
	have, _, _ := strings.Cut(out, "\n")
	if want := "go" + mod.Go.Version; version.Compare(have, want) < 0 {
		return "", fmt.Errorf("tools/%s needs %s or newer and this is %s: install it from https://go.dev/dl, or let Go do so with "+
			"GOTOOLCHAIN=auto", s.name, want, have)
	}
	return out, nil
}

// build builds pkg of the module s to target. What has to be built is built one after the other: each build alone wants all cores
// and gigabytes of memory.
func (m *maker) build(ctx context.Context, s module, title, pkg, target string, args ...string) error {
	if err := m.checkDisk(ctx, s); err != nil {
		return err
	}
	return m.progress.Step(ctx, "Build "+title+" (minutes, once)", func(ctx context.Context) error {
		args = append([]string{"build", "-buildvcs=false", "-o", target}, append(args, pkg)...)
		if _, err := s.cmd().Run(ctx, "go", args...); err != nil {
			return fmt.Errorf("build %s: %w", title, err)
		}
		return nil
	})
}

// checkDisk refuses to begin a build that would fill a disk.
func (m *maker) checkDisk(ctx context.Context, s module) error {
	out, err := s.cmd().Run(ctx, "go", "env", "GOCACHE", "GOMODCACHE")
	if err != nil {
		return fmt.Errorf("ask Go for its folders: %w", err)
	}
	for _, dir := range append(strings.Split(out, "\n"), m.cache.Root()) {
		free, err := freeBytes(dir)
		if err != nil {
			return fmt.Errorf("find free space of %s: %w", dir, err)
		}
		if free < m.minFree {
			return fmt.Errorf("building Pulumi needs %d GiB of free disk and %s has %.1f: make room, or point GOCACHE, GOMODCACHE and "+
				"XDG_CACHE_HOME to another disk", m.minFree>>30, dir, float64(free)/(1<<30))
		}
	}
	return nil
}

// freeBytes is what is free on the disk that dir is, or would be made, on.
func freeBytes(dir string) (uint64, error) {
	for {
		var s syscall.Statfs_t
		err := syscall.Statfs(dir, &s)
		if errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
			continue
		}
		return s.Bavail * uint64(s.Bsize), err
	}
}
