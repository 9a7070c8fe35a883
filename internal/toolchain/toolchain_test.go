package toolchain

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// checkout makes a root whose tools/ are as the real ones, but tiny: the modules that they pin are replaced by ones that print.
func checkout(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	tool(t, root, "pulumi", cliModule, "v3.200.0", "cmd/pulumi")
	tool(t, root, hostName, hostModule, "v3.0.0-20241120174701-c93e5535978b", ".")
	tool(t, root, "pulumi-resource-kubernetes", plugins[0].module, "v4.18.1", "pkg")
	write(t, filepath.Join(root, "tools/pulumi-resource-kubernetes/main.go"), program("built kubernetes"), 0o600)
	write(t, filepath.Join(root, "tools/pulumi-resource-command/go.mod"), "module example.com/command\n\ngo 1.24\n", 0o600)
	write(t, filepath.Join(root, "tools/pulumi-resource-command/main.go"), program("built command"), 0o600)
	return root
}

func tool(t *testing.T, root, name, module, version, pkg string) {
	t.Helper()
	dir := filepath.Join(root, "tools", name)
	write(t, filepath.Join(dir, "go.mod"),
		fmt.Sprintf("module example.com/tool\n\ngo 1.24\n\nrequire %[1]s %[2]s\n\nreplace %[1]s => ./fake\n\ntool %[3]s\n",
			module, version, path.Join(module, pkg)), 0o600)
	write(t, filepath.Join(dir, "fake/go.mod"), "module "+module+"\n\ngo 1.24\n", 0o600)
	write(t, filepath.Join(dir, "fake", pkg, "main.go"), program("built "+name), 0o600)
}

func program(says string) string {
	return fmt.Sprintf("package main\n\nfunc main() { println(%q) }\n", says)
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), mode))
}

// onPath puts a pulumi of that version, which can install plugins if it is told to, and its language host first on PATH.
func onPath(t *testing.T, version string, withHost bool, install string) string {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf(`#!/bin/sh
case "$1" in
version) echo %s ;;
plugin) d="$PULUMI_HOME/plugins/resource-$4-$5"; %s ;;
esac
`, version, install)
	write(t, filepath.Join(dir, "pulumi"), script, 0o755)
	if withHost {
		write(t, filepath.Join(dir, hostName), "#!/bin/sh\n", 0o755)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

const installs = `mkdir -p "$d" && echo downloaded > "$d/pulumi-resource-$4"`

// server stands for that of the releases.
func server(t *testing.T, status int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead || !strings.HasSuffix(r.URL.Path, "-"+platform()+".tar.gz") {
			status = http.StatusBadRequest
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func newMaker(t *testing.T, root, releases string) (*maker, *strings.Builder) {
	t.Helper()
	out := &strings.Builder{}
	// The fake modules embed nothing: the overlay has a test of its own.
	list := []plugin{plugins[0], plugins[1]}
	list[0].embeds = nil
	return &maker{
		progress: progress.New(out), cache: cache.At(t.TempDir()), root: root, releases: releases, plugins: list, minFree: 1,
	}, out
}

func origins(tc *Toolchain) map[string]string {
	m := map[string]string{}
	for _, p := range tc.Parts {
		m[p.Name] = p.Origin
	}
	return m
}

func TestEnsureUsesWhatIsThere(t *testing.T) {
	dir := onPath(t, "v3.205.1", true, installs)
	root := checkout(t)
	m, out := newMaker(t, root, server(t, http.StatusOK))
	tc, err := m.ensure(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"pulumi": "PATH", hostName: "PATH", "pulumi-resource-kubernetes": "downloaded", "pulumi-resource-command": "downloaded",
	}, origins(tc))
	require.Equal(t, filepath.Join(dir, "pulumi"), tc.Pulumi())
	require.NotContains(t, out.String(), "Build")
	for _, p := range m.plugins {
		linked := filepath.Join(root, ".arena/pulumi/home/plugins", p.dir(), p.file())
		content, err := os.ReadFile(linked)
		require.NoError(t, err)
		require.Equal(t, "downloaded\n", string(content))
		info, err := os.Lstat(filepath.Dir(linked))
		require.NoError(t, err)
		require.True(t, info.IsDir(), "the engine passes over a plugin folder that is a link")
	}
	info, err := os.Stat(filepath.Join(root, ".arena/pulumi/state"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	// What has been downloaded is there without a network, too.
	m.releases = "http://127.0.0.1:1"
	again, err := m.ensure(t.Context())
	require.NoError(t, err)
	require.Equal(t, tc, again)
}

func TestEnsureBuildsWhatIsMissing(t *testing.T) {
	onPath(t, "v3.199.9", true, installs)
	root := checkout(t)
	m, out := newMaker(t, root, "http://127.0.0.1:1")
	tc, err := m.ensure(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"pulumi":                     "built from " + cliModule + "@v3.200.0",
		hostName:                     "built from " + hostModule + "@v3.0.0-20241120174701-c93e5535978b",
		"pulumi-resource-kubernetes": "built from " + plugins[0].module + "@v4.18.1",
		"pulumi-resource-command":    "a stand-in built from tools/pulumi-resource-command",
	}, origins(tc))
	require.True(t, tc.Parts[3].StandIn)
	require.False(t, tc.Parts[2].StandIn)
	require.Equal(t, filepath.Dir(tc.Parts[0].Path), filepath.Dir(tc.Parts[1].Path), "the CLI looks for its host beside itself")
	require.Contains(t, out.String(), "is v3.199.9, older than v3.200.0")
	require.Contains(t, out.String(), "Build the Pulumi CLI v3.200.0")
	require.Contains(t, out.String(), "connection refused")

	before := out.Len()
	again, err := m.ensure(t.Context())
	require.NoError(t, err)
	require.Equal(t, tc, again)
	require.Equal(t, before, out.Len(), "what is built is not built, nor asked for, again")

	t.Run("with its own environment", func(t *testing.T) {
		t.Setenv("PATH", filepath.Dir(tc.Pulumi())+":"+os.Getenv("PATH"))
		again, err := m.ensure(t.Context())
		require.NoError(t, err)
		require.Equal(t, tc, again, "what was built is not taken for the user's own")
	})

	// A changed source is another plugin, and the link follows.
	write(t, filepath.Join(root, "tools/pulumi-resource-command/main.go"), program("changed"), 0o600)
	_, err = m.ensure(t.Context())
	require.NoError(t, err)
	target, err := os.Readlink(filepath.Join(root, ".arena/pulumi/home/plugins/resource-command-v1.1.0/pulumi-resource-command"))
	require.NoError(t, err)
	require.NotEqual(t, tc.Parts[3].Path, target)
	require.FileExists(t, target)
}

func TestEnsureBuildsWhereADownloadFails(t *testing.T) {
	onPath(t, "v3.200.0", true, "echo rate limited >&2; exit 1")
	m, out := newMaker(t, checkout(t), server(t, http.StatusOK))
	tc, err := m.ensure(t.Context())
	require.NoError(t, err)
	require.True(t, tc.Parts[3].StandIn)
	require.Contains(t, out.String(), "rate limited")
}

func TestEnsureErrors(t *testing.T) {
	tests := map[string]struct {
		spoil func(t *testing.T, m *maker)
		want  string
	}{
		"a full disk": {func(_ *testing.T, m *maker) { m.minFree = 1 << 62 }, "GiB of free disk"},
		"a Go too old": {func(t *testing.T, m *maker) {
			t.Setenv("GOTOOLCHAIN", "local")
			write(t, filepath.Join(m.root, "tools/pulumi/go.mod"), "module example.com/tool\n\ngo 1.999\n\nrequire "+cliModule+" v3.200.0\n", 0o600)
		}, "tools/pulumi needs go1.999 or newer"},
		"a build that fails": {func(t *testing.T, m *maker) {
			write(t, filepath.Join(m.root, "tools/pulumi-resource-command/main.go"), "package main\n\nfunc main() { nonsense }\n", 0o600)
		}, "undefined: nonsense"},
		"a module that pins nothing": {func(t *testing.T, m *maker) {
			write(t, filepath.Join(m.root, "tools/pulumi/go.mod"), "module example.com/tool\n\ngo 1.24\n", 0o600)
		}, "does not require it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			onPath(t, "v2.0.0", true, installs)
			m, _ := newMaker(t, checkout(t), server(t, http.StatusNotFound))
			tt.spoil(t, m)
			_, err := m.ensure(t.Context())
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestCLIOnPath(t *testing.T) {
	tests := map[string]struct {
		version string
		host    bool
		why     string
	}{
		"the oldest that will do": {"v3.200.0", true, ""},
		"newer":                   {"v3.999.1", true, ""},
		"older":                   {"v3.199.0", true, "is v3.199.0, older than v3.200.0"},
		"not released":            {"v3.200.0-alpha.1", true, "older than v3.200.0"},
		"another major version":   {"v4.0.0", true, "not older than v4.0.0"},
		"no version":              {"dev", true, "which is no version"},
		"no language host":        {"v3.200.0", false, "has no pulumi-language-go beside it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			onPath(t, tt.version, tt.host, "")
			m, _ := newMaker(t, t.TempDir(), "")
			parts, why := m.cliOnPath(t.Context())
			if tt.why == "" {
				require.Empty(t, why)
				require.Len(t, parts, 2)
				return
			}
			require.Contains(t, why, tt.why)
		})
	}

	t.Run("a link to it", func(t *testing.T) {
		origin := onPath(t, "v3.200.0", true, "")
		dir := t.TempDir()
		require.NoError(t, os.Symlink(filepath.Join(origin, "pulumi"), filepath.Join(dir, "pulumi")))
		t.Setenv("PATH", dir+":/usr/bin:/bin")
		m, _ := newMaker(t, t.TempDir(), "")
		parts, why := m.cliOnPath(t.Context())
		require.Empty(t, why)
		require.Equal(t, filepath.Join(origin, hostName), parts[1].Path)
	})
	t.Run("none", func(t *testing.T) {
		t.Setenv("PATH", "/usr/bin:/bin")
		m, _ := newMaker(t, t.TempDir(), "")
		_, why := m.cliOnPath(t.Context())
		require.Equal(t, "there is no pulumi on PATH", why)
	})
}

// TestOverlay builds a program that embeds a file which is in another module.
func TestOverlay(t *testing.T) {
	const other = "github.com/stretchr/testify"
	// This module requires it, so it is on this machine.
	version, err := module{"../..", ".."}.version(other)
	require.NoError(t, err)
	root := t.TempDir()
	dir := filepath.Join(root, "tools", "embedder")
	write(t, filepath.Join(dir, "go.mod"), "module example.com/embedder\n\ngo 1.24\n\nrequire "+other+" "+version+"\n", 0o600)
	write(t, filepath.Join(dir, "main.go"),
		"package main\n\nimport _ \"embed\"\n\n//go:embed text\nvar text string\n\nfunc main() { print(text) }\n", 0o600)
	m, _ := newMaker(t, root, "")
	target := filepath.Join(t.TempDir(), "program")
	err = m.buildPlugin(t.Context(), module{root, "embedder"}, plugin{module: other, embeds: map[string]string{"text": "LICENSE"}}, target)
	require.NoError(t, err)
	content, err := os.ReadFile(target)
	require.NoError(t, err)
	require.Contains(t, string(content), "Permission is hereby granted, free of charge")
}
