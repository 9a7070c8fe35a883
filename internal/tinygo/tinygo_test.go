package tinygo

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

func project(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	return root
}

func TestKeyIsOfWhatIsPinned(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	pin := filepath.Join(source, "tools", "tinygo")
	_, err := Key(source)
	require.ErrorContains(t, err, "hash "+pin)
	require.NoError(t, os.MkdirAll(pin, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(pin, "go.mod"), []byte("module a"), 0o600))
	first, err := Key(source)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(source, "go.mod"), []byte("module b"), 0o600))
	same, err := Key(source)
	require.NoError(t, err)
	require.Equal(t, first, same, "another module of the project is not the compiler's")
	require.NoError(t, os.WriteFile(filepath.Join(pin, "go.mod"), []byte("module b"), 0o600))
	other, err := Key(source)
	require.NoError(t, err)
	require.NotEqual(t, first, other)
}

// The flags that a module is compiled with, which make it what it is, and what the container may see and change.
func TestCompileInAContainer(t *testing.T) {
	dir := t.TempDir()
	said := filepath.Join(dir, "said")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\nprintf '%s\\n' \"$@\" >"+said+"\n"), 0o700))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	source, ctx := project(t), context.Background()
	c := cache.At(t.TempDir())
	key, err := Key(source)
	require.NoError(t, err)
	folder, err := c.Get(ctx, "tinygo", key, func(context.Context, string) error { return nil })
	require.NoError(t, err)

	compiler := Compiler{Docker: &docker.Client{}, Image: "node:1", Cache: c, Progress: progress.New(io.Discard)}
	require.NoError(t, compiler.Compile(ctx, Program{Source: source, Package: "./battle-wasm/cmd/battle", Version: "1.2"}, "/made/here/module.wasm"))
	text, err := os.ReadFile(said)
	require.NoError(t, err)
	args := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Subset(t, args, []string{
		"--network=none", "--mount=type=bind,source=" + folder + "/root,target=/root,readonly", "--mount=type=bind,source=" + source + ",target=/root/src,readonly",
		"--mount=type=bind,source=/made/here,target=/root/out", "--env=GOFLAGS=-mod=readonly -modfile=/src/battle-wasm/tinygo.mod", "--env=GOPROXY=off",
	})
	require.True(t, strings.HasSuffix(strings.Join(args, " "), " node:1 chroot /root tinygo build -C /src -target edge-arena -opt 2 -no-debug -panic print "+
		"-ldflags -X main.version=1.2 -o /out/module.wasm ./battle-wasm/cmd/battle"), args)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\necho 'undefined: x' >&2; exit 1\n"), 0o700))
	err = compiler.Compile(ctx, Program{Source: source, Package: "./battle-wasm/cmd/replay"}, "/made/here/module.wasm")
	require.ErrorContains(t, err, "compile ./battle-wasm/cmd/replay with TinyGo: ")
	require.ErrorContains(t, err, "undefined: x")

	err = compiler.Compile(ctx, Program{Source: source, Package: "./battle-wasm/cmd/none"}, "/made/here/module.wasm")
	require.ErrorContains(t, err, "cmd/none", "what is not there is said before anything runs")
}

// TinyGo compiles with a module file of its own, which must have what the packages import: in the version of the project where its Go is new enough for that.
func TestTheModuleFileHasWhatTheServerImports(t *testing.T) {
	t.Parallel()
	out, err := command.Cmd{
		Dir: project(t), Env: append(os.Environ(), "GOFLAGS=", "GOOS=wasip1", "GOARCH=wasm"),
	}.Run(context.Background(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./battle-wasm/cmd/battle", "./battle-wasm/cmd/replay", "./battle-wasm/cmd/tickbench")
	require.NoError(t, err)
	pinned, err := os.ReadFile(filepath.Join(project(t), filepath.FromSlash(requirements)))
	require.NoError(t, err)
	for _, path := range strings.Fields(out) {
		require.Contains(t, string(pinned), path)
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	var spec map[string]any
	require.NoError(t, json.Unmarshal([]byte(target), &spec))
	require.Equal(t, "none", spec["scheduler"], "a goroutine would be refused, not left out")
	require.Equal(t, "wasip1", spec["goos"])
}
