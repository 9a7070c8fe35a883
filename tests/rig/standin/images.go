package standin

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/ociimage"
)

// The images that K3s v1.30.4+k3s1 starts by these names.
const (
	pauseImage   = "docker.io/rancher/mirrored-pause:3.6"
	coreDNSImage = "docker.io/rancher/mirrored-coredns-coredns:1.10.1"
)

// standInLabel tells whoever inspects an image what it is.
const standInLabel = "edge-arena.stand-in"

// images builds the programs of the images, and writes the images to one archive.
func (b builder) images(ctx context.Context, out string) error {
	work, err := os.MkdirTemp("", "k3s-stand-in-images-")
	if err != nil {
		return fmt.Errorf("make a folder to build images in: %w", err)
	}
	defer os.RemoveAll(work) //nolint:errcheck // A folder for temporary files.
	pause, coreDNS := filepath.Join(work, "pause"), filepath.Join(work, "coredns")
	if _, err := command.Run(ctx, "gcc", "-Os", "-Wall", "-Wextra", "-Werror", "-static", "-s", "-o", pause, b.path("pause", "pause.c")); err != nil {
		return fmt.Errorf("build pause: %w", err)
	}
	if err := b.goBuild(ctx, "coredns", "CGO_ENABLED=0", "-trimpath", "-ldflags", "-s -w", "-o", coreDNS, "."); err != nil {
		return err
	}
	all := map[name.Tag]v1.Image{}
	for reference, program := range map[string]string{pauseImage: pause, coreDNSImage: coreDNS} {
		if err := addImage(all, reference, program); err != nil {
			return err
		}
	}
	if err := tarball.MultiWriteToFile(out, all); err != nil {
		return fmt.Errorf("write image archive: %w", err)
	}
	return nil
}

// addImage adds an image that holds nothing but the program.
func addImage(all map[name.Tag]v1.Image, reference, program string) error {
	tag, err := name.NewTag(reference)
	if err != nil {
		return fmt.Errorf("image reference: %w", err)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("image %s: %w", reference, err)
	}
	path := "/" + filepath.Base(program)
	image, err := ociimage.New(ociimage.Spec{
		Reference:  reference,
		Files:      map[string]ociimage.File{path: {Content: content, Mode: 0o755}},
		Entrypoint: []string{path},
		Labels:     map[string]string{standInLabel: "true"},
	})
	if err != nil {
		return err
	}
	all[tag] = image
	return nil
}
