package workspace

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/goimage"
	"github.com/edge-arena/edge-arena/internal/nodehost"
	allocator "github.com/edge-arena/edge-arena/internal/portalloc/image"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/toolchain"
	"github.com/edge-arena/edge-arena/tests/rig"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
	"github.com/edge-arena/edge-arena/tests/rig/nodeimage"
	"github.com/edge-arena/edge-arena/tests/rig/standin"
)

// Parts are what cities on this machine are made from.
type Parts struct {
	// Machine is where Docker and Debian packages were installed, as far as they were missing.
	Machine docker.Machine
	// Docker runs the nodes.
	Docker *docker.Client
	// Toolchain is Pulumi and its plugins.
	Toolchain *toolchain.Toolchain
	// Release gives the K3s release that a rig's mirror serves.
	Release rig.ReleaseFunc
	// ReleaseOrigin says which one it is.
	ReleaseOrigin string
	// WasmToolchain makes Wasm, and native code of it as the nodes run it.
	WasmToolchain image.Toolchain
	// Battle is the battle server's image, PortAllocator that of the service that gives its pods their ports.
	Battle        image.Image
	PortAllocator goimage.Image

	services []toolchain.Part
}

// Prepare finds, installs or builds everything that cities on this machine are made from. What is there already costs next to nothing.
// A run that was cut off can be run again: it goes on where the other one stopped.
func Prepare(ctx context.Context, w *Workspace, p *progress.Reporter) (*Parts, error) {
	parts := &Parts{}
	parts.Release = rig.OfficialOr(standin.Release, w.Cache, p)
	// Two lines of work side by side: the compiler keeps all cores busy, and leaves them idle while it links; Debian's packages wait for
	// the network and the disk.
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if parts.Toolchain, err = toolchain.Ensure(ctx, p, w.Cache, w.Root); err != nil {
			return err
		}
		return parts.Toolchain.Compile(ctx, p)
	})
	g.Go(func() error { return parts.prepareNodes(ctx, w, p) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return parts, w.writeInventory(append(parts.Toolchain.Parts, parts.services...))
}

func (parts *Parts) prepareNodes(ctx context.Context, w *Workspace, p *progress.Reporter) (err error) {
	if err := InstallCompiler(ctx, p); err != nil {
		return err
	}
	if parts.Docker, err = parts.Machine.Ensure(ctx, p); err != nil {
		return err
	}
	nodeImage, err := nodeimage.Ensure(ctx, parts.Machine, parts.Docker, w.Cache, p)
	if err != nil {
		return err
	}
	parts.WasmToolchain = nodehost.New(parts.Machine, parts.Docker, nodeImage, w.Cache, p)
	if parts.Battle, err = image.Build(ctx, p, w.Cache, image.Options{Source: w.Root, Toolchain: parts.WasmToolchain}); err != nil {
		return err
	}
	if parts.PortAllocator, err = allocator.Service().Build(ctx, p, w.Cache, w.Root); err != nil {
		return err
	}
	for name, archive := range map[string]string{"real-time-battle.tar": parts.Battle.Archive, "port-allocator.tar": parts.PortAllocator.Archive} {
		if err := w.place(ctx, archive, "battle", name); err != nil {
			return err
		}
	}
	if parts.services, err = w.services(ctx, p); err != nil {
		return err
	}
	_, parts.ReleaseOrigin, err = parts.Release(ctx, "")
	return err
}

// InstallCompiler sees to the C compiler, which the stand-in for K3s and Go's race detector are linked with.
func InstallCompiler(ctx context.Context, p *progress.Reporter) error {
	if _, err := exec.LookPath("gcc"); err == nil {
		return nil
	}
	return p.Step(ctx, "install Debian's gcc", func(ctx context.Context) error { return docker.Machine{}.Install(ctx, "gcc", "libc6-dev") })
}

// place copies a file of the cache to where the stack file of the local city names it.
func (w *Workspace) place(ctx context.Context, from string, elem ...string) error {
	to := w.Path(elem...)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("place %s: %w", to, err)
	}
	// cp and not a link: the cache may lie on another file system, and what Pulumi delivers must not change when the cache is cleaned.
	if _, err := command.Run(ctx, "cp", "--preserve=timestamps", from, to+".new"); err != nil {
		return fmt.Errorf("place %s: %w", to, err)
	}
	if err := os.Rename(to+".new", to); err != nil {
		return fmt.Errorf("place %s: %w", to, err)
	}
	return nil
}
