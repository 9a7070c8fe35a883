package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

var sample = Image{
	Name: "sample", Reference: "docker.io/library/sample:1.2.3-alpine", Version: "v1.2.3", Package: ".", Program: "/usr/local/bin/sample", User: "65532:65532",
}

// sandbox is an ensurer with a folder of sources, whose registry is out of reach and whose compiler writes the sources' content.
func sandbox(t *testing.T) (e ensurer, builds *int) {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, sample.Name), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, sample.Name, "main.go"), []byte("package main"), 0o600))
	packer := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(packer, "pack.go"), []byte("package pack"), 0o600))
	builds = new(int)
	return ensurer{
		packer:   packer,
		progress: progress.New(io.Discard), cache: cache.At(t.TempDir()), sources: root,
		pull: func(context.Context, string) (v1.Image, error) { return nil, errUnreachable },
		build: func(_ context.Context, _ Image, dir, out string) error {
			*builds++
			content, err := os.ReadFile(filepath.Join(dir, "main.go"))
			return errors.Join(err, os.WriteFile(out, content, 0o600))
		},
	}, builds
}

func TestTheStandInHasTheImagesName(t *testing.T) {
	t.Parallel()
	e, builds := sandbox(t)
	got, err := e.ensure(t.Context(), sample)
	require.NoError(t, err)
	require.Equal(t, OriginStandIn, got.Origin)
	archive, err := k3s.OpenArchive(got.Archive)
	require.NoError(t, err)
	require.Contains(t, archive.References, "docker.io/library/sample:1.2.3-alpine", "as containerd spells it")
	require.Equal(t, archive.Reference, got.Reference)
	require.True(t, strings.HasPrefix(got.Reference, "docker.io/library/sample@sha256:"), got.Reference)
	content, err := os.ReadFile(got.Archive)
	require.NoError(t, err)
	require.True(t, bytes.Contains(content, []byte(`"Labels":{"edge-arena.stand-in":"true"}`)), "the image says what it is")
	require.True(t, bytes.Contains(content, []byte(`"Entrypoint":["/usr/local/bin/sample"]`)))
	require.True(t, bytes.Contains(content, []byte(`"User":"65532:65532"`)))
	require.NoFileExists(t, filepath.Join(filepath.Dir(got.Archive), "program"))

	again, err := e.ensure(t.Context(), sample)
	require.NoError(t, err)
	require.Equal(t, got, again)
	require.Equal(t, 1, *builds, "it is in the cache")

	require.NoError(t, os.WriteFile(filepath.Join(e.sources, sample.Name, "main.go"), []byte("package main // changed"), 0o600))
	changed, err := e.ensure(t.Context(), sample)
	require.NoError(t, err)
	require.NotEqual(t, got.Reference, changed.Reference)
	require.Equal(t, 2, *builds)

	require.NoError(t, os.WriteFile(filepath.Join(e.packer, "pack.go"), []byte("package pack // changed"), 0o600))
	_, err = e.ensure(t.Context(), sample)
	require.NoError(t, err)
	require.Equal(t, 3, *builds, "it is packed in another way")
}

func TestTheRegistrysImageComesFirstAndStays(t *testing.T) {
	t.Parallel()
	for kind, media := range map[string]types.MediaType{"oci": types.OCIManifestSchema1, "docker": types.DockerManifestSchema2} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			e, builds := sandbox(t)
			e.pull = pull
			server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
			t.Cleanup(server.Close)
			img := sample
			img.Reference = strings.TrimPrefix(server.URL, "http://") + "/sample:1"
			tag, err := name.NewTag(img.Reference)
			require.NoError(t, err)
			pushed, err := random.Image(1024, 2)
			require.NoError(t, err)
			pushed = mutate.MediaType(pushed, media)
			digest, err := pushed.Digest()
			require.NoError(t, err)
			require.NoError(t, remote.Write(tag, pushed))

			got, err := e.ensure(t.Context(), img)
			require.NoError(t, err)
			require.Equal(t, Result{Archive: got.Archive, Reference: tag.Context().Name() + "@" + digest.String(), Origin: OriginUpstream}, got)
			archive, err := k3s.OpenArchive(got.Archive)
			require.NoError(t, err)
			require.Equal(t, got.Reference, archive.Reference)

			server.Close()
			again, err := e.ensure(t.Context(), img)
			require.NoError(t, err)
			require.Equal(t, got, again, "it is remembered")
			require.Zero(t, *builds)
		})
	}
}

func TestARegistryWithoutTheImageIsOutOfReach(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	_, err := pull(t.Context(), strings.TrimPrefix(server.URL, "http://")+"/sample:1")
	require.ErrorIs(t, err, errUnreachable)
	server.Close()
	_, err = pull(t.Context(), strings.TrimPrefix(server.URL, "http://")+"/sample:1")
	require.ErrorIs(t, err, errUnreachable)
}

func TestWhatFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*ensurer)
		want   string
	}{
		"a pull that breaks off is no reason to take another program": {
			func(e *ensurer) {
				e.pull = func(context.Context, string) (v1.Image, error) { return nil, errors.New("reset by peer") }
			},
			"image sample: pull: reset by peer",
		},
		"a build": {
			func(e *ensurer) {
				e.build = func(context.Context, Image, string, string) error { return errors.New("no space left") }
			},
			"image sample: no space left",
		},
		"no sources": {func(e *ensurer) { e.sources = "/nowhere" }, "image sample: hash /nowhere/sample"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _ := sandbox(t)
			test.change(&e)
			_, err := e.ensure(t.Context(), sample)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// The known images are built from modules that are there, at the version that the image is named by.
func TestKnownImages(t *testing.T) {
	t.Parallel()
	for _, img := range []Image{Gatekeeper, NATS} {
		module, err := os.ReadFile(filepath.Join("..", img.Name, "go.mod"))
		require.NoError(t, err)
		require.Contains(t, string(module), " "+img.Version, img.Name)
		require.Contains(t, img.Reference, strings.TrimPrefix(img.Version, "v"))
	}
}
