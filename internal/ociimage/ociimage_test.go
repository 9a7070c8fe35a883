package ociimage_test

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/ociimage"
)

func spec() ociimage.Spec {
	return ociimage.Spec{
		Reference:  "registry.example.com/thing:1.0",
		Files:      map[string]ociimage.File{"/usr/bin/thing": {Content: []byte("run"), Mode: 0o755}, "/config.json": {Content: []byte("{}")}},
		Entrypoint: []string{"/usr/bin/thing"},
		Cmd:        []string{"-v"},
		Env:        []string{"A=b"},
		User:       "65532:65532",
		Labels:     map[string]string{"l": "m"},
	}
}

func TestWriteMakesAnArchiveThatOthersRead(t *testing.T) {
	t.Parallel()
	archive := filepath.Join(t.TempDir(), "thing.tar")
	digest, err := ociimage.Write(archive, spec())
	require.NoError(t, err)
	dir := extract(t, archive)

	index, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
	require.NoError(t, validate.Index(index))
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	var names []string
	for _, d := range manifest.Manifests {
		require.Equal(t, digest, d.Digest.String())
		names = append(names, d.Annotations["io.containerd.image.name"])
	}
	require.Equal(t, []string{"registry.example.com/thing:1.0", "registry.example.com/thing@" + digest}, names)

	img, err := index.Image(manifest.Manifests[0].Digest)
	require.NoError(t, err)
	config, err := img.ConfigFile()
	require.NoError(t, err)
	require.Equal(t, "linux/amd64", config.OS+"/"+config.Architecture)
	require.Equal(t, v1.Config{
		Entrypoint: []string{"/usr/bin/thing"}, Cmd: []string{"-v"}, Env: []string{"A=b"}, User: "65532:65532", Labels: map[string]string{"l": "m"},
	}, config.Config)
	layers, err := img.Layers()
	require.NoError(t, err)
	require.Len(t, layers, 1)
	content, err := layers[0].Uncompressed()
	require.NoError(t, err)
	require.Equal(t, []string{"usr/ 755", "usr/bin/ 755", "config.json 644", "usr/bin/thing 755"}, list(t, content))
}

// Each platform has its image under the one name, and what two of them share is there once.
func TestWriteIndex(t *testing.T) {
	t.Parallel()
	var images []v1.Image
	for _, arch := range []string{"amd64", "arm64"} {
		s := spec()
		s.Architecture = arch
		img, err := ociimage.New(s)
		require.NoError(t, err)
		images = append(images, img)
	}
	path := filepath.Join(t.TempDir(), "thing.tar")
	digest, err := ociimage.WriteIndex(path, spec().Reference, images...)
	require.NoError(t, err)
	dir := extract(t, path)
	top, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
	require.NoError(t, validate.Index(top))
	manifest, err := top.IndexManifest()
	require.NoError(t, err)
	var names []string
	for _, d := range manifest.Manifests {
		require.Equal(t, digest, d.Digest.String())
		require.Equal(t, types.OCIImageIndex, d.MediaType)
		names = append(names, d.Annotations["io.containerd.image.name"])
	}
	require.Equal(t, []string{"registry.example.com/thing:1.0", "registry.example.com/thing@" + digest}, names)
	index, err := top.ImageIndex(manifest.Manifests[0].Digest)
	require.NoError(t, err)
	found, err := partial.FindImages(index, match.Platforms(v1.Platform{OS: "linux", Architecture: "arm64"}))
	require.NoError(t, err)
	require.Len(t, found, 1)
	config, err := found[0].ConfigFile()
	require.NoError(t, err)
	require.Equal(t, "arm64", config.Architecture)
	blobs, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	require.NoError(t, err)
	require.Len(t, blobs, 1+2+2+1, "the index, and for each its manifest and configuration; one layer")

	_, err = ociimage.WriteIndex(path, spec().Reference, images[0], images[0])
	require.EqualError(t, err, "image registry.example.com/thing:1.0: index: two images are for linux/amd64")
}

func TestWriteIsReproducible(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	first, err := ociimage.Write(a, spec())
	require.NoError(t, err)
	second, err := ociimage.Write(b, spec())
	require.NoError(t, err)
	require.Equal(t, first, second)
	ab, err := os.ReadFile(a)
	require.NoError(t, err)
	bb, err := os.ReadFile(b)
	require.NoError(t, err)
	require.Equal(t, ab, bb)

	other := spec()
	other.Files["/config.json"] = ociimage.File{Content: []byte("[]")}
	third, err := ociimage.Write(a, other)
	require.NoError(t, err)
	require.NotEqual(t, first, third)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 2)
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*ociimage.Spec)
		want   string
	}{
		"a relative path": {func(s *ociimage.Spec) { s.Files["a"] = ociimage.File{} }, `files["a"]: must be a clean absolute path`},
		"a path with ..":  {func(s *ociimage.Spec) { s.Files["/../a"] = ociimage.File{} }, `files["/../a"]: must be a clean absolute path`},
		"no files":        {func(s *ociimage.Spec) { s.Files = nil }, "files: at least one is required"},
		"no entrypoint":   {func(s *ociimage.Spec) { s.Entrypoint = nil }, "entrypoint: required"},
		"a bad reference": {func(s *ociimage.Spec) { s.Reference = "Bad Name" }, "image reference: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spec()
			tt.change(&s)
			archive := filepath.Join(t.TempDir(), "a")
			_, err := ociimage.Write(archive, s)
			require.ErrorContains(t, err, tt.want)
			require.NoFileExists(t, archive)
		})
	}
}

func extract(t *testing.T, archive string) string {
	t.Helper()
	f, err := os.Open(archive)
	require.NoError(t, err)
	defer f.Close()
	dir := t.TempDir()
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		path := filepath.Join(dir, h.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, b, 0o600))
		require.True(t, filepath.Ext(path) != ".json" || json.Valid(b), h.Name)
	}
}

func list(t *testing.T, layer io.ReadCloser) []string {
	t.Helper()
	defer layer.Close()
	var names []string
	r := tar.NewReader(layer)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		require.NoError(t, err)
		require.True(t, h.ModTime.Unix() == 0 && h.Uid == 0 && h.Gid == 0, h.Name)
		names = append(names, h.Name+" "+strconv.FormatInt(h.Mode, 8))
	}
}
