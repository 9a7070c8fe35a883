// Package ociimage makes container images of a few files, without a container engine.
//
// An image is `FROM scratch` with one layer. The same [Spec] gives the same digest, whenever and wherever it is made: there are no times, no
// owners, and no order in it but that of the names. It is written as an OCI archive that containerd imports.
package ociimage

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// File is a file of an image.
type File struct {
	// Content is what is in it.
	Content []byte
	// Mode is its permission bits. Default is 0o644.
	Mode int64
}

// Spec is what an image is made from.
type Spec struct {
	// Reference is the image's name and tag, `registry.example.com/name:tag`. Required.
	Reference string
	// Files are the image's files by absolute path. Required.
	Files map[string]File
	// Entrypoint is the program and its fixed arguments. Required.
	Entrypoint []string
	// Cmd is the default of the further arguments. Default is none.
	Cmd []string
	// Env is the default environment, `NAME=value`. Default is none.
	Env []string
	// User is who runs it, `uid:gid`. Default is root.
	User string
	// Labels are the image's labels. Default is none.
	Labels map[string]string
	// OS and Architecture are the platform. Defaults are linux and amd64.
	OS, Architecture string
}

func (s Spec) withDefaults() Spec {
	if s.OS == "" {
		s.OS = "linux"
	}
	if s.Architecture == "" {
		s.Architecture = "amd64"
	}
	return s
}

func (s Spec) validate() error {
	var errs []error
	if len(s.Files) == 0 {
		errs = append(errs, errors.New("files: at least one is required"))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		if !path.IsAbs(name) || path.Clean(name) != name || name == "/" {
			errs = append(errs, fmt.Errorf("files[%q]: must be a clean absolute path", name))
		}
	}
	if len(s.Entrypoint) == 0 {
		errs = append(errs, errors.New("entrypoint: required"))
	}
	return errors.Join(errs...)
}

// New makes the image.
func New(spec Spec) (v1.Image, error) {
	spec = spec.withDefaults()
	if err := spec.validate(); err != nil {
		return nil, fmt.Errorf("image %s: %w", spec.Reference, err)
	}
	layer, err := newLayer(spec.Files)
	if err != nil {
		return nil, fmt.Errorf("image %s: layer: %w", spec.Reference, err)
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.AppendLayers(base, layer)
	if err != nil {
		return nil, fmt.Errorf("image %s: append layer: %w", spec.Reference, err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("image %s: config: %w", spec.Reference, err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = spec.OS, spec.Architecture
	config.Config = v1.Config{Entrypoint: spec.Entrypoint, Cmd: spec.Cmd, Env: spec.Env, User: spec.User, Labels: spec.Labels}
	img, err = mutate.ConfigFile(img, config)
	if err != nil {
		return nil, fmt.Errorf("image %s: set config: %w", spec.Reference, err)
	}
	return img, nil
}

// newLayer packs the files, and the folders that they are in, by name.
func newLayer(files map[string]File) (v1.Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, dir := range folders(files) {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, Format: tar.FormatUSTAR}); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		if f.Mode == 0 {
			f.Mode = 0o644
		}
		h := &tar.Header{
			Typeflag: tar.TypeReg, Name: strings.TrimPrefix(name, "/"), Mode: f.Mode, Size: int64(len(f.Content)), Format: tar.FormatUSTAR,
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.Content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestCompression),
	)
}

// folders gives every folder above the files, parents first.
func folders(files map[string]File) []string {
	set := map[string]bool{}
	for name := range files {
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			set[strings.TrimPrefix(dir, "/")] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}
