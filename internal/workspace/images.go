package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/edge-arena/edge-arena/internal/goimage"
	gateway "github.com/edge-arena/edge-arena/internal/hubgateway/image"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/toolchain"
	lobby "github.com/edge-arena/edge-arena/lobby/image"
	"github.com/edge-arena/edge-arena/tests/rig/upstream"
)

// services places the archives of what a city runs besides its battles, and returns those that are other projects' for the inventory.
func (w *Workspace) services(ctx context.Context, p *progress.Reporter) ([]toolchain.Part, error) {
	for _, ours := range []struct {
		file string
		goimage.Service
	}{{"lobby.tar", lobby.Service()}, {"hubgateway.tar", gateway.Service()}} {
		built, err := ours.Build(ctx, p, w.Cache, w.Root)
		if err != nil {
			return nil, err
		}
		if err := w.place(ctx, built.Archive, "images", ours.file); err != nil {
			return nil, err
		}
	}
	var parts []toolchain.Part
	for _, img := range append([]upstream.Image{upstream.NATS, upstream.Gatekeeper}, upstream.Monitoring()...) {
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
	grafana, err := w.grafana(ctx, p)
	if err != nil {
		return nil, err
	}
	return append(parts, grafana), w.makePlayerKeys()
}

// grafana places Grafana's image where it can be had. Where it cannot, cities of this machine come up without.
func (w *Workspace) grafana(ctx context.Context, p *progress.Reporter) (toolchain.Part, error) {
	img := upstream.Grafana
	part := toolchain.Part{Name: img.Name, Version: img.Version}
	got, err := upstream.Ensure(ctx, p, w.Cache, img)
	switch {
	case errors.Is(err, upstream.ErrNotToBeHad):
		part.Version, part.Origin, part.StandIn = "", "left out: no registry answers, and there is no module to build it from", true
		// What an earlier preparation has left is not what a city is told.
		if err := os.Remove(w.Path("images", img.Name+".tar")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return part, fmt.Errorf("leave out Grafana: %w", err)
		}
		return part, nil
	case err != nil:
		return part, err
	}
	part.Path, part.Origin = got.Archive, "upstream image "+img.Reference
	return part, w.place(ctx, got.Archive, "images", img.Name+".tar")
}
