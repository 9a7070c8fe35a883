package k3s

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/ociimage"
	"github.com/edge-arena/edge-arena/modules/config"
)

func TestQuoteMakesOneWord(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "plain", "--flag=a,b", "two words", "it's", `back\slash`, "$HOME", "`id`", "a;b", "new\nline", "*"} {
		out, err := exec.Command("sh", "-c", "printf '<%s>' "+quote(s)).Output()
		require.NoError(t, err)
		require.Equal(t, "<"+s+">", string(out))
	}
	require.Equal(t, "sh -s -- server --disable traefik --tls-san 192.0.2.1", commandLine("server", "--disable", "traefik", "--tls-san", "192.0.2.1"))
}

func TestScriptsParse(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{"installer": installer(), "image": imageScript} {
		for _, text := range []string{script, asRoot(script)} {
			cmd := exec.Command("sh", "-n")
			cmd.Stdin = strings.NewReader(text)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s: %s", name, out)
		}
		require.NotContains(t, script, "EDGE_ARENA_END", "the word that ends the text must not be in it")
	}
}

// The settings come before the functions, as they do on a node.
func shell(t *testing.T, settings, call string) (string, error) {
	t.Helper()
	cmd := exec.Command("sh", "-eu")
	cmd.Stdin = strings.NewReader(settings + libScript + checkScript + interpretScript + wasmScript + lightScript + driftScript + nodeScript + call)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestChecksAreReportedTogether(t *testing.T) {
	t.Parallel()
	out, err := shell(t, "ARENA_NODE=n1 ARENA_ENGINE=crun\n", `
uname() { case $1 in -s) echo Linux ;; *) echo riscv64 ;; esac; }
service_manager() { :; }
has() { [ "$1" != curl ] && [ "$1" != wget ]; }
free_mib() { echo 10; }
check_host
check_space
die_of_problems`)
	require.Error(t, err)
	for _, want := range []string{
		"n1 is not fit for K3s; nothing was changed:",
		"- its architecture is riscv64",
		"- neither systemd nor OpenRC",
		"- it has neither curl nor wget",
		"- /var/lib/rancher has 10 MiB free, ",
		"- /usr/local has 10 MiB free, 200 MiB are needed",
	} {
		require.Contains(t, out, want)
	}
}

func TestWasmChecks(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ host, want string }{
		"the right one": {`crun_runs_wasm() { :; }; wasmedge_version() { echo 0.14.1; }`, ""},
		"another WasmEdge": {`crun_runs_wasm() { :; }; wasmedge_version() { echo 0.13.5; }`,
			"its WasmEdge is 0.13.5, not 0.14.1: install that version, or ask for this one as wasm.version"},
		"a crun without Wasm": {`has() { :; }; crun() { echo +YAJL; }; wasmedge_version() { :; }`,
			"its crun is built without WasmEdge (+YAJL): install one with +WASM:wasmedge, or set wasm.engine: shim"},
		"no apt": {`has() { false; }`, "no apt to install one: set wasm.engine: shim"},
		"a distribution with another": {`has() { [ "$1" = apt-get ]; }; apt_candidate() { echo 0.13.5-1; }`,
			"its distribution offers WasmEdge 0.13.5-1, not 0.14.1: set wasm.engine: shim"},
		"a distribution with the right one": {`has() { [ "$1" = apt-get ]; }; apt_candidate() { echo 0.14.1+dfsg-1; }`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := shell(t, "ARENA_NODE=n1 ARENA_ENGINE=crun ARENA_WASMEDGE_VERSION=0.14.1\n", tt.host+"\ncheck_wasm\ndie_of_problems")
			if tt.want == "" {
				require.NoError(t, err, out)
				return
			}
			require.Error(t, err)
			require.Contains(t, out, tt.want)
		})
	}
}

func TestFetchPinnedUsesNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "k3s"), []byte("k3s"), 0o600))
	const sum = "7ba9e4ab01ba2f7ab8b5e2f4a2f38d1b7c4b2ba1b0a1b1cf6b1b1c6d1f5e0a3c"
	fetch := "ARENA_NODE=n1\n"
	local := `fetch() { cp "$1" "$2"; }; cd ` + quote(dir) + "\n"

	out, err := shell(t, fetch, local+`fetch_pinned k3s staged `+sum)
	require.Error(t, err)
	require.Contains(t, out, "not "+sum+": it was not used")
	require.NoFileExists(t, filepath.Join(dir, "staged"))

	out, err = shell(t, fetch, local+`fetch_pinned k3s staged "$(sum_of k3s)"`)
	require.NoError(t, err, out)
	require.FileExists(t, filepath.Join(dir, "staged"))

	out, err = shell(t, fetch, local+`printf '%s  other\n' `+sum+` >sums; fetch_pinned k3s second "" sums k3s`)
	require.Error(t, err)
	require.Contains(t, out, "sums has no checksum of k3s")
}

func TestHandler(t *testing.T) {
	t.Parallel()
	out, err := shell(t, "ARENA_ENGINE=shim\n", "handler")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(out, "{{ template \"base\" . }}\n"), out)
	require.Contains(t, out, `runtime_type = "io.containerd.wasmedge.v1"`)
	out, err = shell(t, "ARENA_ENGINE=crun ARENA_WASMEDGE_VERSION=0.14.1\n", "command() { echo /usr/bin/crun; }; uname() { echo aarch64; }; handler")
	require.NoError(t, err)
	require.Contains(t, out, "\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.\"wasmedge\".options]\n  BinaryName = \"/usr/bin/crun\"\n")
}

// The crun that starts without LLVM is taken where it works with the WasmEdge that is installed, and nowhere else.
func TestLightCrun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	light := filepath.Join(dir, "crun")
	require.NoError(t, os.WriteFile(light, []byte("#!/bin/sh\necho crun version 1.21\necho +SYSTEMD +WASM:wasmedge\n"), 0o700))
	const wasmedge = `wasmedge() { [ "$LD_LIBRARY_PATH $LD_BIND_NOW" = "$LIGHT 1" ] && echo wasmedge version `
	tests := map[string]struct{ host, want string }{
		"it works":                       {"LIGHT=" + dir + "; " + wasmedge + "0.14.1; }", light},
		"it is not there":                {"LIGHT=/nowhere; " + wasmedge + "0.14.1; }", "/usr/bin/crun"},
		"it lacks what WasmEdge asks of": {"LIGHT=" + dir + "; wasmedge() { echo undefined symbol >&2; return 127; }", "/usr/bin/crun"},
		"WasmEdge is another one":        {"LIGHT=" + dir + "; " + wasmedge + "0.14.0; }", "/usr/bin/crun"},
		"its crun does not start":        {"LIGHT=" + t.TempDir() + "; echo no | put $LIGHT/crun 0755; " + wasmedge + "0.14.1; }", "/usr/bin/crun"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := shell(t, "ARENA_NODE=n1 ARENA_WASMEDGE_VERSION=0.14.1\n", "command() { echo /usr/bin/crun; }\n"+tt.host+"\nlight_crun; tell_light")
			require.NoError(t, err, out)
			crun, said, _ := strings.Cut(out, "\n")
			require.Equal(t, tt.want, crun)
			require.Equal(t, tt.want != light, strings.Contains(said, "n1: each battle pod links LLVM as it starts"), said)
		})
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	r := newRelease("v1.30.4+k3s1", config.Mirror{})
	require.Equal(t, "https://github.com/k3s-io/k3s/releases/download/v1.30.4%2Bk3s1/k3s", r.binary)
	require.Equal(t, "https://github.com/k3s-io/k3s/releases/download/v1.30.4%2Bk3s1/sha256sum-amd64.txt", r.sums)
	require.Equal(t, "https://raw.githubusercontent.com/k3s-io/k3s/98262b5dee29fe5ac849a0cef90b5d50292b020b/install.sh", r.installer)
	require.Empty(t, r.airgap, "nodes with internet pull what they need")

	r = newRelease("v1.30.4+k3s1", config.Mirror{
		URL: "http://192.0.2.3/", Checksums: map[string]string{"k3s": "a", "install.sh": "b", airgapImages: "c"},
	})
	require.Equal(t, release{
		binary: "http://192.0.2.3/v1.30.4%2Bk3s1/k3s", binarySHA256: "a",
		installer: "http://192.0.2.3/v1.30.4%2Bk3s1/install.sh", installerSHA256: "b",
		airgap: "http://192.0.2.3/v1.30.4%2Bk3s1/" + airgapImages, airgapSHA256: "c",
	}, r)
}

func TestOpenArchive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "image.tar")
	digest, err := ociimage.Write(path, ociimage.Spec{
		Reference: "registry.example.com/image:1", Files: map[string]ociimage.File{"/x": {}}, Entrypoint: []string{"/x"},
	})
	require.NoError(t, err)
	a, err := OpenArchive(path)
	require.NoError(t, err)
	require.Equal(t, "registry.example.com/image@"+digest, a.Reference)
	require.ElementsMatch(t, []string{"registry.example.com/image:1", a.Reference}, a.References)

	require.NoError(t, os.WriteFile(path, []byte("not a tar file, whatever its name says"), 0o600))
	_, err = OpenArchive(path)
	require.ErrorContains(t, err, "not an OCI archive")
	_, err = OpenArchive(path + ".gone")
	require.ErrorContains(t, err, "image archive: open")
}
