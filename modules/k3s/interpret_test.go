package k3s

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	allFeatures = "flags\t\t: fpu sse4_1 cx16 lahf_lm pni popcnt sse4_2 ssse3"
	oldFeatures = "flags\t\t: fpu cx16 lahf_lm pni ssse3 xsse4_1"
)

// onProcessor runs a script on a node with these lines of /proc/cpuinfo, and with WasmEdge of a version.
func onProcessor(t *testing.T, version, flags, script string) string {
	t.Helper()
	cpuinfo := filepath.Join(t.TempDir(), "cpuinfo")
	require.NoError(t, os.WriteFile(cpuinfo, []byte("processor : 0\n"+flags+"\n"), 0o600))
	out, err := shell(t, "ARENA_NODE=n1 ARENA_ENGINE=crun ARENA_WASMEDGE_VERSION="+version+"\n", `
CPUINFO=`+quote(cpuinfo)+`
uname() { echo x86_64; }
command() { echo /usr/bin/crun; }
`+script)
	require.NoError(t, err, out)
	return out
}

// A node that cannot run the native code interprets, and says so before anything is changed: whoever brings it up sees what that costs.
func TestANodeThatCannotRunNativeCode(t *testing.T) {
	t.Parallel()
	const native, wrapped = `BinaryName = "/usr/bin/crun"`, `BinaryName = "/var/lib/edge-arena/crun"`
	const told = "edge-arena: n1: battle servers are interpreted there, and need many times as much of the processor: "
	const look = "crun_runs_wasm() { :; }; wasmedge_version() { echo $ARENA_WASMEDGE_VERSION; }; check_wasm; die_of_problems; handler; wanted_wrapper"
	tests := map[string]struct{ version, flags, more, handler, told string }{
		"one that can":        {"0.14.1", allFeatures, "", native, ""},
		"an older processor":  {"0.14.1", oldFeatures, "", wrapped, told + "its processor has no popcnt sse4_1 sse4_2, so less than x86-64-v2"},
		"a later WasmEdge":    {"0.15.0", allFeatures, "", wrapped, told + "its WasmEdge is 0.15.0 and not 0.14"},
		"an earlier WasmEdge": {"0.13.5", allFeatures, "", wrapped, told + "its WasmEdge is 0.13.5 and not 0.14"},
		"arm64":               {"0.14.0", "Features\t: fp asimd", "uname() { echo aarch64; }\n", native, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := onProcessor(t, tt.version, tt.flags, tt.more+look)
			require.Contains(t, out, tt.handler)
			if tt.told == "" {
				require.NotContains(t, out, "edge-arena:")
				return
			}
			require.Contains(t, out, tt.told)
		})
	}
}

// The wrapper comes and goes with the need for it.
func TestInstallWrapper(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := "STATE=" + quote(dir) + " WRAPPER=" + quote(dir+"/crun") + "\ninstall_wrapper\n"
	onProcessor(t, "0.14.1", oldFeatures, at+`[ "$(sum_of $WRAPPER)" = "$(wanted_wrapper)" ]`)
	info, err := os.Stat(filepath.Join(dir, "crun"))
	require.NoError(t, err)
	require.EqualValues(t, 0o755, info.Mode().Perm())
	onProcessor(t, "0.14.1", allFeatures, at)
	require.NoFileExists(t, filepath.Join(dir, "crun"))
}

func TestWrapperRunsTheModule(t *testing.T) {
	t.Parallel()
	config := func(program string) string {
		return `{"ociVersion":"1.1.0","process":{"user":{"uid":65532},"args":["` + program + `","-x"],"env":["A=\"args\":[\"/app.so\"]"]}}`
	}
	tests := map[string]struct {
		program, args, want string
	}{
		"a library beside its module": {"/app.so", "--root /run create --bundle BUNDLE --pid-file p id", "/app.wasm"},
		"run, and the short flag":     {"/app.so", "run -b BUNDLE id", "/app.wasm"},
		"the flag in one word":        {"/app.so", "create --bundle=BUNDLE id", "/app.wasm"},
		"nothing is made":             {"/app.so", "start --bundle BUNDLE id", "/app.so"},
		"a module":                    {"/app.wasm", "create --bundle BUNDLE id", "/app.wasm"},
		"a library alone":             {"/other.so", "create --bundle BUNDLE id", "/other.so"},
		"a program":                   {"/pause", "create --bundle BUNDLE id", "/pause"},
		"outside":                     {"/../app.so", "create --bundle BUNDLE id", "/../app.so"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			bundle := filepath.Join(dir, "bundle")
			require.NoError(t, os.MkdirAll(filepath.Join(bundle, "rootfs"), 0o700))
			write := func(name, content string, mode os.FileMode) {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), mode))
			}
			write("bundle/config.json", config(tt.program), 0o600)
			write("bundle/rootfs/app.wasm", "", 0o600)
			write("crun", "#!/bin/sh\nprintf '<%s>' \"$@\"\nexit 7\n", 0o700)
			wrapper, err := shell(t, "ARENA_WASMEDGE_VERSION=0.14.1\n", "command() { echo "+quote(dir+"/crun")+"; }\nwrapper")
			require.NoError(t, err, wrapper)
			write("wrapper", wrapper, 0o700)

			args := strings.Fields(strings.ReplaceAll(tt.args, "BUNDLE", bundle))
			out, err := exec.Command(filepath.Join(dir, "wrapper"), args...).CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.Equal(t, 7, exit.ExitCode(), "crun's status is the wrapper's")
			require.Equal(t, "<"+strings.Join(args, "><")+">", string(out))
			got, err := os.ReadFile(filepath.Join(bundle, "config.json"))
			require.NoError(t, err)
			require.Equal(t, config(tt.want), strings.TrimSuffix(string(got), "\n"))
		})
	}
}
