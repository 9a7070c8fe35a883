package workspace

import (
	"context"

	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/toolchain"
	lobby "github.com/edge-arena/edge-arena/lobby/image"
	"github.com/edge-arena/edge-arena/tests/rig/upstream"
)

// services places the archives of what a city runs besides its battles, and returns those that are other projects' for the inventory.
func (w *Workspace) services(ctx context.Context, p *progress.Reporter) ([]toolchain.Part, error) {
	ours, err := lobby.Build(ctx, p, w.Cache, w.Root)
	if err != nil {
		return nil, err
	}
	if err := w.place(ctx, ours.Archive, "images", "lobby.tar"); err != nil {
		return nil, err
	}
	var parts []toolchain.Part
	for _, img := range []upstream.Image{upstream.NATS, upstream.Gatekeeper} {
		got, err := upstream.Ensure(ctx, p, w.Cache, img)
		if err != nil {
			return nil, err
		}
		if err := w.place(ctx, got.Archive, "images", img.Name+".tar"); err != nil {
			return nil, err
		}
		origin, standIn := "upstream image "+img.Reference, got.Origin == upstream.OriginStandIn
		if standIn {
			origin = "stand-in: no registry answers; built from its Go module, as image " + img.Reference
		}
		parts = append(parts, toolchain.Part{Name: img.Name, Version: img.Version, Path: got.Archive, Origin: origin, StandIn: standIn})
	}
	return parts, w.makePlayerKeys()
}
