// Package image builds the container image of the port allocator from this checkout.
package image

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/ociimage"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// Name is the image's name without tag or digest.
const Name = "registry.example.com/port-allocator"

// memoryLimit is what Go's heap is kept under. The service needs some 20 MiB with thousands of pods; without a limit the garbage of
// a burst of pod changes would double that for good.
const memoryLimit = "48MiB"

// Image is an image that has been built.
type Image struct {
	// Archive is the path of the OCI archive.
	Archive string
	// Digest is that of the manifest, `sha256:…`.
	Digest string
	// Reference names the image by its digest, as a pod does.
	Reference string
}

// Build makes the image from the checkout at root, or finds it in the cache if nothing that it is made from has changed.
func Build(ctx context.Context, p *progress.Reporter, c *cache.Cache, root string) (Image, error) {
	key, err := keyOf(ctx, root)
	if err != nil {
		return Image{}, err
	}
	dir, ok := c.Lookup("port-allocator", key)
	if !ok {
		err := p.Step(ctx, "build the port allocator", func(ctx context.Context) error {
			dir, err = c.Get(ctx, "port-allocator", key, func(ctx context.Context, dir string) error {
				return build(ctx, root, key.String(), dir)
			})
			return err
		})
		if err != nil {
			return Image{}, fmt.Errorf("port-allocator image: %w", err)
		}
	}
	digest, err := os.ReadFile(filepath.Join(dir, digestFile))
	if err != nil {
		return Image{}, fmt.Errorf("port-allocator image: %w", err)
	}
	return Image{Archive: filepath.Join(dir, archiveFile), Digest: string(digest), Reference: Name + "@" + string(digest)}, nil
}

// The files of a cache entry.
const (
	archiveFile = "image.tar"
	digestFile  = "digest"
)

// keyOf is the key of everything that goes into the image: the sources, the modules, the compiler.
func keyOf(ctx context.Context, root string) (cache.Key, error) {
	version, err := command.Cmd{Dir: root}.Run(ctx, "go", "env", "GOVERSION")
	if err != nil {
		return cache.Key{}, fmt.Errorf("port-allocator image: %w", err)
	}
	key, err := cache.NewKey(version).WithTree(
		filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum"),
		filepath.Join(root, "cmd", "port-allocator"), filepath.Join(root, "internal", "portalloc"))
	if err != nil {
		return cache.Key{}, fmt.Errorf("port-allocator image: %w", err)
	}
	return key, nil
}

func build(ctx context.Context, root, tag, dir string) error {
	binary := filepath.Join(dir, "port-allocator")
	cmd := command.Cmd{Dir: root, Env: append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-mod=readonly")}
	// Without VCS stamps, the same sources give the same image whatever was committed beside them.
	_, err := cmd.Run(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", binary, "./cmd/port-allocator")
	if err != nil {
		return err
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	digest, err := ociimage.Write(filepath.Join(dir, archiveFile), ociimage.Spec{
		Reference:  Name + ":" + tag,
		Files:      map[string]ociimage.File{"/port-allocator": {Content: content, Mode: 0o755}},
		Entrypoint: []string{"/port-allocator"},
		Env:        []string{"GOMEMLIMIT=" + memoryLimit},
		User:       "65532:65532",
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, digestFile), []byte(strings.TrimSpace(digest)), 0o644); err != nil {
		return err
	}
	// Only the archive is wanted: the binary is in it.
	return os.Remove(binary)
}
