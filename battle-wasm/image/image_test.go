package image_test

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// compiled stands for native code: a custom section of the name that WasmEdge gives it, with one instruction that returns.
const compiled = "\x00\x16\x08wasmedge" + "\x01\x01\x01" + "\x00\x00" + "\x00" + "\x00" + "\x01" + "\x01\x00\x01\x01\xc3"

// fakeCompiler adds the section that the real compiler adds, without the compilation.
func fakeCompiler(calls *atomic.Int32, section string) image.Compiler {
	return func(_ context.Context, in, out string) error {
		calls.Add(1)
		b, err := os.ReadFile(in)
		if err != nil {
			return err
		}
		return os.WriteFile(out, append(b, section...), 0o600)
	}
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
	var calls atomic.Int32
	opts := image.Options{Source: source(t), Compile: fakeCompiler(&calls, compiled)}
	c := cache.At(t.TempDir())
	first, err := image.Build(ctx, p, c, opts)
	require.NoError(t, err)
	require.Equal(t, "registry.example.com/real-time-battle:0.1.0", first.Tag)
	require.Equal(t, "registry.example.com/real-time-battle@"+first.Digest, first.Reference)
	require.Equal(t, int64(len(compiled)), first.ProgramBytes-first.ModuleBytes)
	require.Less(t, first.ModuleBytes, int64(2500000), "the module has grown: see what it links")
	require.Less(t, first.Bytes, first.ProgramBytes)
	require.Contains(t, names(t, first.Archive), "blobs/"+strings.Replace(first.Digest, ":", "/", 1))

	again, err := image.Build(ctx, p, c, opts)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.EqualValues(t, 1, calls.Load())

	// Another configuration is another image of the same module.
	opts.Config = []byte("{}")
	other, err := image.Build(ctx, p, c, opts)
	require.NoError(t, err)
	require.NotEqual(t, first.Digest, other.Digest)
	require.EqualValues(t, 1, calls.Load())

	// Elsewhere the same comes out.
	opts.Config = nil
	elsewhere, err := image.Build(ctx, p, cache.At(t.TempDir()), opts)
	require.NoError(t, err)
	require.Equal(t, first.Digest, elsewhere.Digest)
	require.EqualValues(t, 2, calls.Load())
}

func TestBuildRefusesAModuleWithoutNativeCode(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := cache.At(t.TempDir())
	opts := image.Options{Source: source(t), Compile: fakeCompiler(&calls, "")}
	_, err := image.Build(context.Background(), progress.New(io.Discard), c, opts)
	require.EqualError(t, err, "build battle image: compiled module: has no native code in it")

	boom := errors.New("boom")
	opts.Compile = func(context.Context, string, string) error { return boom }
	_, err = image.Build(context.Background(), progress.New(io.Discard), c, opts)
	require.ErrorIs(t, err, boom)

	opts.Compile = fakeCompiler(&calls, compiled)
	_, err = image.Build(context.Background(), progress.New(io.Discard), c, opts)
	require.NoError(t, err, "a failed build must leave nothing behind")

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
	img, err := image.BuildHosted(context.Background(), progress.New(io.Discard), cache.At(t.TempDir()), image.Options{Source: source(t)})
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

func names(t *testing.T, archive string) []string {
	t.Helper()
	f, err := os.Open(archive)
	require.NoError(t, err)
	defer f.Close()
	var names []string
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return names
		}
		require.NoError(t, err)
		names = append(names, h.Name)
	}
}
