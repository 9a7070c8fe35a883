// Package foreign runs programs of Debian for arm64 on a machine that is none: the packages are unpacked into a folder, and QEMU emulates the processor for one
// process at a time. The kernel is the machine's own.
package foreign

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/debroot"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
	"github.com/edge-arena/edge-arena/tests/rig/nodeimage"
)

const (
	arch     = "arm64"
	emulator = "qemu-aarch64-static"
)

// Root is a folder with programs for arm64.
type Root struct{ dir string }

// Ensure returns a folder with these packages, of the release that nodes run. QEMU is installed where it is missing.
func Ensure(ctx context.Context, m docker.Machine, c *cache.Cache, p *progress.Reporter, packages ...string) (*Root, error) {
	if _, err := exec.LookPath(emulator); err != nil {
		err := p.Step(ctx, "install Debian's qemu-user-static", func(ctx context.Context) error {
			return m.Install(ctx, "qemu-user-static")
		})
		if err != nil {
			return nil, err
		}
	}
	unpacked := debroot.Packages{Suite: nodeimage.Suite, Arch: arch, Names: packages}
	dir, err := c.Get(ctx, "foreign", unpacked.Key(), func(ctx context.Context, dir string) error {
		return p.Step(ctx, "unpack Debian's packages for "+arch, func(ctx context.Context) error {
			_, err := unpacked.Unpack(ctx, m, dir)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("programs for %s: %w", arch, err)
	}
	return &Root{dir: filepath.Join(dir, "root")}, nil
}

// Command is a program of the folder, /usr/bin/…, with its arguments. It sees the machine's files, the folder's before them.
func (r *Root) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, emulator, append([]string{"-L", r.dir, filepath.Join(r.dir, program)}, args...)...)
}
