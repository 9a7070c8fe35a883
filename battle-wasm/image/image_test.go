package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/battle-wasm/image/aot"
	"github.com/edge-arena/edge-arena/battle-wasm/image/aot/aottest"
	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/tinygo"
)

// compiled stands for native code: an instruction for each architecture that returns.
var compiled = map[aot.Arch][]byte{
	aot.AMD64: aottest.Compiled(elf.EM_X86_64, "\xc3").Bytes(), aot.ARM64: aottest.Compiled(elf.EM_AARCH64, "\xc0\x03\x5f\xd6").Bytes(),
}

// fakeToolchain makes what the real compilers make, without the compilation.
type fakeToolchain struct {
	libraries map[aot.Arch][]byte
	calls     atomic.Int32
	fail      error
}

func (f *fakeToolchain) Module(_ context.Context, p tinygo.Program, out string) error {
	return os.WriteFile(out, []byte("\x00asm of "+p.Package+" "+p.Version), 0o600)
}

// Native makes a library of the architecture that follows from the library beside the module.
func (f *fakeToolchain) Native(_ context.Context, in, out string) error {
	f.calls.Add(1)
	if f.fail != nil {
		return f.fail
	}
	arch := aot.AMD64
	if _, err := os.Stat(filepath.Join(filepath.Dir(in), "arm64.c")); err == nil {
		arch = aot.ARM64
	}
	return os.WriteFile(out, f.libraries[arch], 0o600)
}

func source(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	require.NoError(t, err)
	return dir
}

func TestBuild(t *testing.T) {
	t.Parallel()
	ctx, p := context.Background(), progress.New(io.Discard)
	toolchain := &fakeToolchain{libraries: compiled}
	opts := image.Options{Source: source(t), Toolchain: toolchain}
	c := cache.At(t.TempDir())
	first, err := image.Build(ctx, p, c, opts)
	require.NoError(t, err)
	require.Equal(t, "registry.example.com/real-time-battle:0.1.0", first.Tag)
	require.Equal(t, "registry.example.com/real-time-battle@"+first.Digest, first.Reference)
	require.Equal(t, int64(max(len(compiled[aot.AMD64]), len(compiled[aot.ARM64]))), first.ProgramBytes)
	require.EqualValues(t, len("\x00asm of ./battle-wasm/cmd/battle 0.1.0"), first.ModuleBytes)
	require.Equal(t, []string{"linux/amd64", "linux/arm64"}, platforms(t, first))

	again, err := image.Build(ctx, p, c, opts)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.EqualValues(t, 2, toolchain.calls.Load(), "once for each architecture")

	// Another configuration is another image of the same module.
	opts.Config = []byte("{}")
	other, err := image.Build(ctx, p, c, opts)
	require.NoError(t, err)
	require.NotEqual(t, first.Digest, other.Digest)
	require.EqualValues(t, 2, toolchain.calls.Load())

	// Elsewhere the same comes out.
	opts.Config = nil
	elsewhere, err := image.Build(ctx, p, cache.At(t.TempDir()), opts)
	require.NoError(t, err)
	require.Equal(t, first.Digest, elsewhere.Digest)
	require.EqualValues(t, 4, toolchain.calls.Load())
}

func TestBuildRefusesNativeCodeForOthers(t *testing.T) {
	t.Parallel()
	c := cache.At(t.TempDir())
	toolchain := &fakeToolchain{libraries: map[aot.Arch][]byte{aot.AMD64: compiled[aot.AMD64], aot.ARM64: compiled[aot.AMD64]}}
	opts := image.Options{Source: source(t), Toolchain: toolchain}
	_, err := image.Build(context.Background(), progress.New(io.Discard), c, opts)
	require.EqualError(t, err, "build battle image: module compiled for arm64: native code: is ET_DYN for EM_X86_64, want a shared library for EM_AARCH64")

	boom := errors.New("boom")
	toolchain.fail = boom
	_, err = image.Build(context.Background(), progress.New(io.Discard), c, opts)
	require.ErrorIs(t, err, boom)

	toolchain.fail, toolchain.libraries = nil, compiled
	_, err = image.Build(context.Background(), progress.New(io.Discard), c, opts)
	require.NoError(t, err, "a failed build must leave nothing behind")

	opts.Toolchain = nil
	_, err = image.Build(context.Background(), progress.New(io.Discard), cache.At(t.TempDir()), opts)
	require.EqualError(t, err, "build battle image: toolchain: required")

	opts.Source = ""
	_, err = image.Build(context.Background(), progress.New(io.Discard), c, opts)
	require.EqualError(t, err, "build battle image: source: required")
}

func TestBuildNative(t *testing.T) {
	t.Parallel()
	img, err := image.BuildNative(context.Background(), progress.New(io.Discard), cache.At(t.TempDir()), image.Options{Source: source(t), Version: "2"})
	require.NoError(t, err)
	require.Equal(t, "registry.example.com/real-time-battle-native:2", img.Tag)
	require.Zero(t, img.ModuleBytes)
	require.Less(t, img.Bytes, img.ProgramBytes)
}

func TestBuildHosted(t *testing.T) {
	t.Parallel()
	img, err := image.BuildHosted(context.Background(), progress.New(io.Discard), cache.At(t.TempDir()), image.Options{Source: source(t), Toolchain: &fakeToolchain{}})
	require.NoError(t, err)
	require.Equal(t, "registry.example.com/real-time-battle-wazero:0.1.0", img.Tag)
	require.Greater(t, img.ProgramBytes, img.ModuleBytes)
	require.Less(t, img.Bytes, img.ProgramBytes+img.ModuleBytes)
}

// What these packages bring in costs hundreds of kilobytes, of which each pod has a copy, and start-up time.
func TestModuleLinksNothingHeavy(t *testing.T) {
	t.Parallel()
	cmd := command.Cmd{Dir: source(t), Env: append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")}
	out, err := cmd.Run(context.Background(), "go", "list", "-deps", "./battle-wasm/cmd/battle")
	require.NoError(t, err)
	deps := strings.Fields(out)
	require.Contains(t, deps, "github.com/edge-arena/edge-arena/battle-wasm/server")
	for _, heavy := range []string{"fmt", "os", "net", "net/netip", "time", "encoding/json", "crypto/sha256", "runtime/debug", "regexp", "sort"} {
		require.NotContains(t, deps, heavy)
	}
}

// platforms are those of an image's index, after a look whether what is there for each is what it says.
func platforms(t *testing.T, img image.Image) (platforms []string) {
	t.Helper()
	files := files(t, img.Archive)
	blob := func(digest string, to any) {
		content, ok := files["blobs/"+strings.Replace(digest, ":", "/", 1)]
		require.True(t, ok, digest)
		require.NoError(t, json.Unmarshal(content, to))
	}
	var index v1.IndexManifest
	blob(img.Digest, &index)
	for _, m := range index.Manifests {
		var manifest v1.Manifest
		blob(m.Digest.String(), &manifest)
		var config v1.ConfigFile
		blob(manifest.Config.Digest.String(), &config)
		require.Equal(t, m.Platform.String(), config.Platform().String())
		layer, err := gzip.NewReader(bytes.NewReader(files["blobs/"+strings.Replace(manifest.Layers[0].Digest.String(), ":", "/", 1)]))
		require.NoError(t, err)
		content := unpack(t, layer)
		require.NoError(t, aot.CheckPortable(content["app.so"], aot.Arch(config.Architecture)))
		require.True(t, bytes.HasPrefix(content["app.wasm"], []byte("\x00asm")))
		require.Equal(t, []string{"/app.so"}, config.Config.Entrypoint)
		platforms = append(platforms, m.Platform.String())
	}
	return platforms
}

func files(t *testing.T, archive string) map[string][]byte {
	t.Helper()
	f, err := os.Open(archive)
	require.NoError(t, err)
	defer f.Close()
	return unpack(t, f)
}

func unpack(t *testing.T, from io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	r := tar.NewReader(from)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		files[h.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
}
