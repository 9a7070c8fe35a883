// Package upstream gives the images of other projects that a city runs, as archives that its nodes import. Where a registry answers it is
// the project's own image, pinned by its tag; where none does it is the same program, built from its Go module and packed under the same
// name.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/gobuild"
	"github.com/edge-arena/edge-arena/internal/ociimage"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// Origins of an image.
const (
	OriginUpstream = "upstream image"
	OriginStandIn  = "stand-in"
)

// standInLabel tells whoever inspects an image what it is.
const standInLabel = "edge-arena.stand-in"

// kind is the images' folder in the cache.
const kind = "upstream-image"

// reachTimeout is how long the registry may take to answer before we take it for out of reach.
const reachTimeout = 5 * time.Second

// platform is what the images are for: that of the nodes.
var platform = v1.Platform{OS: "linux", Architecture: "amd64"}

// Image is an image of another project.
type Image struct {
	// Name is what it is called here, and the folder beside this package with the module that builds its stand-in.
	Name string
	// Reference is its name and tag.
	Reference string
	// Version is the release of the program in it, as Go's linker is told where the program does not know it.
	Version string
	// Package is the package of the program, seen from the module. Default is none: then only the upstream image will do.
	Package string
	// Tags are the build tags. Default is none.
	Tags string
	// LinkerFlags are given to the linker besides -s and -w. Default is none.
	LinkerFlags string
	// Program is the path of the program in the image, and the image's entrypoint.
	Program string
	// User is who runs it, `uid:gid`. Default is root, as the upstream image has it.
	User string
}

// Result is an image in the cache.
type Result struct {
	// Archive is the path of the OCI archive.
	Archive string
	// Reference names the image by its digest, as a pod does.
	Reference string
	// Origin is [OriginUpstream] or [OriginStandIn].
	Origin string
}

// ErrNotToBeHad is an image that no registry within reach has, and that nothing here can be built to stand in for.
var ErrNotToBeHad = errors.New("no registry has it within reach, and there is no module to build a stand-in from")

// Ensure gives the image from the cache, else from its registry, else built. What a machine has begun with it keeps, or the pods of its
// cities would change with the weather on the way to the registry: an image that was pulled stays, and so does a stand-in until what it
// is built from changes. `arena clean-cache` forgets both.
func Ensure(ctx context.Context, p *progress.Reporter, c *cache.Cache, img Image) (Result, error) {
	sources, err := rigDir(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("image %s: %w", img.Name, err)
	}
	e := ensurer{progress: p, cache: c, sources: sources, packer: filepath.Join(sources, "..", "..", "internal", "ociimage"), pull: pull, build: build}
	return e.ensure(ctx, img)
}

// ensurer is what Ensure works with.
type ensurer struct {
	progress *progress.Reporter
	cache    *cache.Cache
	// sources is the folder that holds the modules, by the images' names.
	sources string
	// packer is the folder of the package that makes images of programs.
	packer string
	// pull gives the registry's image. When the registry does not answer it says [errUnreachable].
	pull func(ctx context.Context, reference string) (v1.Image, error)
	// build builds the program of the module in dir to the file out.
	build func(ctx context.Context, img Image, dir, out string) error
}

// errUnreachable is a registry that does not answer, or not with the image.
var errUnreachable = errors.New("no registry has it within reach")

func (e ensurer) ensure(ctx context.Context, img Image) (Result, error) {
	pulled := cache.NewKey(OriginUpstream, img.Reference, platform.String())
	if dir, ok := e.cache.Lookup(kind, pulled); ok {
		return result(img, dir, OriginUpstream)
	}
	var built cache.Key
	if img.Package != "" {
		var err error
		if built, err = e.key(ctx, img); err != nil {
			return Result{}, fmt.Errorf("image %s: %w", img.Name, err)
		}
		if dir, ok := e.cache.Lookup(kind, built); ok {
			return result(img, dir, OriginStandIn)
		}
	}
	dir, err := e.cache.Get(ctx, kind, pulled, func(ctx context.Context, dir string) error {
		image, err := e.pull(ctx, img.Reference)
		if err != nil {
			return err
		}
		return e.progress.Step(ctx, "pull "+img.Reference, func(context.Context) error { return write(dir, img, image) })
	})
	if err == nil {
		return result(img, dir, OriginUpstream)
	}
	if !errors.Is(err, errUnreachable) {
		return Result{}, fmt.Errorf("image %s: pull: %w", img.Name, err)
	}
	if img.Package == "" {
		return Result{}, fmt.Errorf("image %s: %w", img.Reference, ErrNotToBeHad)
	}
	dir, err = e.cache.Get(ctx, kind, built, func(ctx context.Context, dir string) error {
		return e.progress.Step(ctx, "build the stand-in for "+img.Reference, func(ctx context.Context) error { return e.pack(ctx, img, dir) })
	})
	if err != nil {
		return Result{}, fmt.Errorf("image %s: %w", img.Name, err)
	}
	return result(img, dir, OriginStandIn)
}

// key is the key of everything that the stand-in is made from.
func (e ensurer) key(ctx context.Context, img Image) (cache.Key, error) {
	compiler, err := command.Run(ctx, "go", "env", "GOVERSION")
	if err != nil {
		return cache.Key{}, err
	}
	return cache.NewKey(OriginStandIn, compiler, fmt.Sprintf("%+v", img)).WithTree(filepath.Join(e.sources, img.Name), e.packer)
}

// pack builds the program and makes an image of nothing else.
func (e ensurer) pack(ctx context.Context, img Image, dir string) error {
	program := filepath.Join(dir, "program")
	if err := e.build(ctx, img, filepath.Join(e.sources, img.Name), program); err != nil {
		return err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("read the program: %w", err)
	}
	image, err := ociimage.New(ociimage.Spec{
		Reference:  img.Reference,
		Files:      map[string]ociimage.File{img.Program: {Content: content, Mode: 0o755}},
		Entrypoint: []string{img.Program},
		User:       img.User,
		Labels:     map[string]string{standInLabel: "true"},
	})
	if err != nil {
		return err
	}
	if err := write(dir, img, image); err != nil {
		return err
	}
	// Only the archive is wanted: the program is in it.
	return os.Remove(program)
}

// The files of a cache entry.
const (
	archiveFile   = "image.tar"
	referenceFile = "reference"
)

func write(dir string, img Image, image v1.Image) error {
	digest, err := ociimage.WriteImage(filepath.Join(dir, archiveFile), img.Reference, image)
	if err != nil {
		return err
	}
	repository, err := ociimage.Repository(img.Reference)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, referenceFile), []byte(repository+"@"+digest), 0o644); err != nil {
		return fmt.Errorf("keep the reference: %w", err)
	}
	return nil
}

func result(img Image, dir, origin string) (Result, error) {
	reference, err := os.ReadFile(filepath.Join(dir, referenceFile))
	if err != nil {
		return Result{}, fmt.Errorf("image %s: %w", img.Name, err)
	}
	return Result{Archive: filepath.Join(dir, archiveFile), Reference: string(reference), Origin: origin}, nil
}

// pull asks the registry for the image. Its layers come when it is written.
func pull(ctx context.Context, reference string) (v1.Image, error) {
	tag, err := name.NewTag(reference)
	if err != nil {
		return nil, fmt.Errorf("image reference: %w", err)
	}
	if err := reachable(ctx, tag); err != nil {
		return nil, err
	}
	image, err := remote.Image(tag, remote.WithContext(ctx), remote.WithPlatform(platform))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", reference, err)
	}
	return image, nil
}

func reachable(ctx context.Context, tag name.Tag) error {
	limited, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	if _, err := remote.Head(tag, remote.WithContext(limited)); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%s: %w: %w", tag, errUnreachable, err)
	}
	return nil
}

// build has Go build the program, for nodes.
func build(ctx context.Context, img Image, dir, out string) error {
	env := gobuild.Env("CGO_ENABLED=0", "GOOS="+platform.OS, "GOARCH="+platform.Architecture, "GOFLAGS=-mod=readonly", "GOWORK=off")
	flags := strings.TrimSpace("-s -w " + img.LinkerFlags)
	_, err := command.Cmd{Dir: dir, Env: env}.Run(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", img.Tags, "-ldflags", flags, "-o", out, img.Package)
	if err != nil {
		return fmt.Errorf("build %s %s: %w", img.Name, img.Version, err)
	}
	return nil
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
