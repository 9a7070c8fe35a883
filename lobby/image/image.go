// Package image builds the container image of the lobby from this checkout.
package image

import (
	"context"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/goimage"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// Name is the image's name without tag or digest.
const Name = "registry.example.com/lobby"

// Image is an image that has been built.
type Image = goimage.Image

// Build makes the image from the checkout at root, or finds it in the cache if nothing that it is made from has changed.
func Build(ctx context.Context, p *progress.Reporter, c *cache.Cache, root string) (Image, error) {
	return Service().Build(ctx, p, c, root)
}

// Service is what the image is made from. The lobby needs some 40 MiB, and as much again while it compiles a new policy or
// knows the rates of a hundred thousand callers.
func Service() goimage.Service {
	return goimage.Service{
		Program: "lobby", Title: "lobby", Name: Name, Sources: []string{"lobby", "battle-wasm/ticket", "battle-wasm/report", "battle-wasm/ascii"}, MemoryLimit: "160MiB",
	}
}
