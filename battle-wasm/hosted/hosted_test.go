//go:build linux

package hosted_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/hosted"
	"github.com/edge-arena/edge-arena/internal/bots"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/lobby/keyring"
)

// log is what the module says.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// The module as it is must serve HTTP and players here as it does under WasmEdge.
func TestBattlesUnderWazero(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	binary := filepath.Join(t.TempDir(), "app.wasm")
	_, err := command.Cmd{Env: append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")}.Run(context.Background(), "go", "build", "-ldflags=-s -w", "-o", binary, "../cmd/battle")
	require.NoError(t, err)
	module, err := os.ReadFile(binary)
	require.NoError(t, err)
	config, err := os.ReadFile("../image/config.json")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "config.json"), config, 0o600))

	port, out := freePort(t), &log{}
	key := strings.Repeat("ab", 32)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- hosted.Run(ctx, hosted.Config{
			Module: module, Root: root, Log: out,
			Env: []string{fmt.Sprint("BATTLE_PORT=", port), "NODE_IP=127.0.0.1", "POD_NAME=hosted", "TICKET_KEYS=1:" + key, "TICK_RATE=30"},
		})
	}()
	// It is compiled first, which takes a while.
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	require.Eventually(t, func() bool { return status(url+"/readyz") == http.StatusOK }, 2*time.Minute, 50*time.Millisecond, "not ready: %s", out)
	require.Eventually(t, func() bool { return strings.Contains(out.String(), `"pod":"hosted"`) }, time.Minute, 50*time.Millisecond)

	address := fmt.Sprintf("127.0.0.1:%d", port)
	keys, err := keyring.Parse("1:" + key)
	require.NoError(t, err)
	target := bots.Target{Name: "hosted", Address: address, Tickets: bots.NewOffice(keys, address)}
	result, err := bots.Play(ctx, bots.Config{Targets: []bots.Target{target}, PerTarget: 2, TickRate: 30, Warmup: time.Second, Duration: 2 * time.Second})
	require.NoError(t, err, out)
	require.Positive(t, result.Total.InputsAcked, "players are heard")
	page := get(t, url+"/metrics")
	require.Contains(t, page, "battle_build_info{version=\"dev\",runtime=\"wasip1\"} 1")

	cancel()
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(time.Minute):
		t.Fatal("it goes on after its context has ended")
	}
	require.NotEqual(t, http.StatusOK, status(url+"/readyz"), "the port is free again")
}

func TestRunFailsWithoutAModule(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, hosted.RunFile(context.Background(), filepath.Join(t.TempDir(), "none.wasm")), "read the module: ")
	err := hosted.Run(context.Background(), hosted.Config{Module: []byte("no module"), Root: t.TempDir(), Log: io.Discard})
	require.ErrorContains(t, err, "run the module: ")
}

func status(url string) int {
	client := http.Client{Timeout: 2 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(b)
}
