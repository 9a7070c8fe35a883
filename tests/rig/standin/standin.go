// Package standin makes a K3s release of what K3s is made of, for machines that cannot download K3s itself: the binary and installer
// of tests/rig/k3s, and the archive of the images that a node needs to start.
package standin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/gobuild"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// Version is the version of K3s that the release stands in for.
const Version = "v1.30.4+k3s1"

// The files of a release, named as in one of K3s.
const (
	Binary    = "k3s"
	Installer = "install.sh"
	Images    = "k3s-airgap-images-amd64.tar"
	Sums      = "sha256sum-amd64.txt"
)

// Release returns a directory of the user's cache that holds the release's files. What is missing is built, from the modules beside
// this package; that takes minutes the first time.
func Release(ctx context.Context, p *progress.Reporter) (string, error) {
	sources, err := rigDir(ctx)
	if err != nil {
		return "", err
	}
	c, err := cache.Open()
	if err != nil {
		return "", err
	}
	b := builder{sources: sources, progress: p}
	key, err := b.key(ctx)
	if err != nil {
		return "", err
	}
	return c.Get(ctx, "k3s-stand-in", key, b.release)
}

// builder builds a release from the modules in sources.
type builder struct {
	sources  string
	progress *progress.Reporter
}

// rigDir is the folder tests/rig of the module that the caller works in.
func rigDir(ctx context.Context) (string, error) {
	const module = "github.com/edge-arena/edge-arena"
	root, err := command.Run(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", fmt.Errorf("find module %s: %w", module, err)
	}
	return filepath.Join(root, "tests", "rig"), nil
}

// key changes with everything that the release is made from.
func (b builder) key(ctx context.Context) (cache.Key, error) {
	compiler, err := command.Run(ctx, "go", "version")
	if err != nil {
		return cache.Key{}, err
	}
	key := cache.NewKey(Version, compiler, runtime.GOARCH)
	return key.WithTree(b.path("k3s"), b.path("coredns"), b.path("pause"), b.path("standin"))
}

func (b builder) path(elem ...string) string {
	return filepath.Join(append([]string{b.sources}, elem...)...)
}

func (b builder) release(ctx context.Context, dir string) error {
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("the stand-in for K3s is made for amd64 alone, not for %s", runtime.GOARCH)
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		return fmt.Errorf("the stand-in for K3s needs a C compiler: install the Debian packages gcc and libc6-dev: %w", err)
	}
	err := b.progress.Step(ctx, "build the stand-in for K3s "+Version, func(ctx context.Context) error {
		return b.binary(ctx, filepath.Join(dir, Binary))
	})
	if err != nil {
		return err
	}
	err = b.progress.Step(ctx, "build the stand-in's images", func(ctx context.Context) error {
		return b.images(ctx, filepath.Join(dir, Images))
	})
	if err != nil {
		return err
	}
	script, err := os.ReadFile(b.path("k3s", Installer))
	if err != nil {
		return fmt.Errorf("read installer: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, Installer), script, 0o755); err != nil {
		return fmt.Errorf("write installer: %w", err)
	}
	return writeSums(dir, Binary, Installer, Images)
}

// binary builds k3s. Kubernetes and kubectl take their version from the linker.
func (b builder) binary(ctx context.Context, out string) error {
	major, minor, _ := strings.Cut(strings.TrimPrefix(Version, "v"), ".")
	minor, _, _ = strings.Cut(minor, ".")
	flags := "-s -w"
	for variable, value := range map[string]string{
		"k8s.io/component-base/version.gitVersion": Version,
		"k8s.io/component-base/version.gitMajor":   major,
		"k8s.io/component-base/version.gitMinor":   minor,
		"k8s.io/client-go/pkg/version.gitVersion":  Version,
	} {
		flags += " -X " + variable + "=" + value
	}
	// SQLite is C.
	return b.goBuild(ctx, "k3s", "CGO_ENABLED=1", "-ldflags", flags, "-o", out, ".")
}

func (b builder) goBuild(ctx context.Context, module, env string, args ...string) error {
	cmd := command.Cmd{Dir: b.path(module), Env: gobuild.Env(env, "GOOS=linux", "GOFLAGS=-mod=readonly -buildvcs=false", "GOWORK=off")}
	if _, err := cmd.Run(ctx, "go", append([]string{"build"}, args...)...); err != nil {
		return fmt.Errorf("build %s: %w", module, err)
	}
	return nil
}

// writeSums writes the release's list of SHA-256 sums, as sha256sum prints it.
func writeSums(dir string, names ...string) error {
	var list strings.Builder
	for _, name := range names {
		sum, err := sumOf(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "%s  %s\n", sum, name)
	}
	if err := os.WriteFile(filepath.Join(dir, Sums), []byte(list.String()), 0o644); err != nil {
		return fmt.Errorf("write sums: %w", err)
	}
	return nil
}

func sumOf(path string) (sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("sum up: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("sum up %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
