// Package goimage builds the container images of our own services from this checkout.
package goimage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/gobuild"
	"github.com/edge-arena/edge-arena/internal/ociimage"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// Service is a program of ours.
type Service struct {
	// Program is its folder in cmd/, and the name of the binary. Required.
	Program string
	// Title is what the user is told, such as "port allocator". Required.
	Title string
	// Name is the image's name without tag or digest. Required.
	Name string
	// Sources are the folders that it is made from beside its own, relative to the checkout.
	Sources []string
	// MemoryLimit is what Go's heap is kept under, as GOMEMLIMIT. Required.
	MemoryLimit string
}

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
func (s Service) Build(ctx context.Context, p *progress.Reporter, c *cache.Cache, root string) (Image, error) {
	image, err := s.find(ctx, p, c, root)
	if err != nil {
		return Image{}, fmt.Errorf("%s image: %w", s.Program, err)
	}
	return image, nil
}

func (s Service) find(ctx context.Context, p *progress.Reporter, c *cache.Cache, root string) (Image, error) {
	key, err := s.key(ctx, root)
	if err != nil {
		return Image{}, err
	}
	dir, ok := c.Lookup(s.Program, key)
	if !ok {
		err := p.Step(ctx, "build the "+s.Title, func(ctx context.Context) error {
			dir, err = c.Get(ctx, s.Program, key, func(ctx context.Context, dir string) error {
				return s.build(ctx, root, key.String(), dir)
			})
			return err
		})
		if err != nil {
			return Image{}, err
		}
	}
	digest, err := os.ReadFile(filepath.Join(dir, digestFile))
	if err != nil {
		return Image{}, err
	}
	return Image{Archive: filepath.Join(dir, archiveFile), Digest: string(digest), Reference: s.Name + "@" + string(digest)}, nil
}

// The files of a cache entry.
const (
	archiveFile = "image.tar"
	digestFile  = "digest"
)

// key is the key of everything that goes into the image: the sources, the modules, the compiler, and what packs it.
func (s Service) key(ctx context.Context, root string) (cache.Key, error) {
	version, err := command.Cmd{Dir: root}.Run(ctx, "go", "env", "GOVERSION")
	if err != nil {
		return cache.Key{}, err
	}
	trees := []string{filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum"), filepath.Join(root, "cmd", s.Program), filepath.Join(root, "internal", "ociimage")}
	for _, source := range s.Sources {
		trees = append(trees, filepath.Join(root, filepath.FromSlash(source)))
	}
	return cache.NewKey(version, s.MemoryLimit).WithTree(trees...)
}

func (s Service) build(ctx context.Context, root, tag, dir string) error {
	binary := filepath.Join(dir, s.Program)
	cmd := command.Cmd{Dir: root, Env: gobuild.Env("CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-mod=readonly")}
	// Without VCS stamps, the same sources give the same image whatever was committed beside them.
	_, err := cmd.Run(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", binary, "./cmd/"+s.Program)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	digest, err := ociimage.Write(filepath.Join(dir, archiveFile), ociimage.Spec{
		Reference:  s.Name + ":" + tag,
		Files:      map[string]ociimage.File{"/" + s.Program: {Content: content, Mode: 0o755}},
		Entrypoint: []string{"/" + s.Program},
		Env:        []string{"GOMEMLIMIT=" + s.MemoryLimit},
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
