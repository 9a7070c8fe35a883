//go:build e2e

package tests

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/battle-wasm/image/aot"
	"github.com/edge-arena/edge-arena/internal/tinygo"
	"github.com/edge-arena/edge-arena/tests/rig/foreign"
)

// No node for arm64 is at hand: what is compiled for it runs in Debian's own WasmEdge for arm64, on an emulated processor.
func TestArm64(t *testing.T) {
	t.Parallel()
	root, err := foreign.Ensure(t.Context(), machine.parts.Machine, machine.ws.Cache, testProgress(t), "wasmedge")
	require.NoError(t, err)

	t.Run("a recorded battle comes to the same state", func(t *testing.T) {
		dir := t.TempDir()
		log, err := os.ReadFile(filepath.Join(machine.ws.Root, "battle-wasm", "sim", "testdata", "battle.log"))
		require.NoError(t, err)
		golden, err := os.ReadFile(filepath.Join(machine.ws.Root, "battle-wasm", "sim", "testdata", "battle.golden"))
		require.NoError(t, err)
		module := filepath.Join(dir, "replay.wasm")
		require.NoError(t, machine.parts.WasmToolchain.Module(t.Context(), tinygo.Program{Source: machine.ws.Root, Package: "./battle-wasm/cmd/replay"}, module))
		compiled, err := image.CompileFor(t.Context(), testProgress(t), machine.ws.Cache, machine.parts.WasmToolchain, module, aot.ARM64)
		require.NoError(t, err)
		path := filepath.Join(dir, "replay.so")
		require.NoError(t, os.WriteFile(path, compiled, 0o600))
		out, told := run(t, root.Command(t.Context(), "usr/bin/wasmedge", path), log)
		require.Equal(t, string(golden), out, told)
	})

	t.Run("the image's server is ready and runs its native code", func(t *testing.T) {
		dir, files := t.TempDir(), imageFiles(t, machine.parts.Battle, "arm64")
		for name, content := range files {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
		}
		metrics := serve(t, root, dir)
		require.Contains(t, metrics, "\nbattle_interpreted 0\n")
	})
}

func run(t *testing.T, cmd *exec.Cmd, stdin []byte) (out, told string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	require.NoError(t, cmd.Run(), stderr.String())
	return stdout.String(), stderr.String()
}

// serve runs the battle server of a folder until it is ready, and returns its metrics.
func serve(t *testing.T, root *foreign.Root, dir string) string {
	t.Helper()
	port := freePort(t)
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := root.Command(ctx, "usr/bin/wasmedge", "--dir", "/:"+dir, "--env", fmt.Sprintf("BATTLE_PORT=%d", port), "--env", "NODE_IP=127.0.0.1",
		"--env", "TICKET_KEYS=1:"+strings.Repeat("ab", 32), filepath.Join(dir, "app.so"))
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	get := func(path string) (string, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/%s", port, path), nil)
		if err != nil {
			return "", err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return strings.TrimSpace(string(body)), err
	}
	var ready string
	for ready != "ok" && ctx.Err() == nil {
		ready, _ = get("readyz")
		time.Sleep(200 * time.Millisecond)
	}
	metrics, err := get("metrics")
	cancel()
	_ = cmd.Wait() // it was killed
	require.NoError(t, err, out.String())
	require.Equal(t, "ok", ready, out.String())
	return metrics
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
