//go:build e2e

package tests

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/internal/bench/ticks"
	"github.com/edge-arena/edge-arena/internal/bots"
	"github.com/edge-arena/edge-arena/internal/nodehost"
	"github.com/edge-arena/edge-arena/lobby/keyring"
)

// What the server allocates while players play is collected in the midst of a tick sooner or later, and makes it late. Natively the server's own tests see to it
// that there is nothing; the compiler of the module puts other things on the heap than Go's own does, and what reaches WasmEdge is in the module alone.
func TestTheModuleAllocatesNothingForPackets(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	host, err := nodehost.Open(ctx, machine.parts.Machine, machine.ws.Cache, testProgress(t))
	require.NoError(t, err)
	dir, mounts := t.TempDir(), map[string]string{}
	for name, content := range imageFiles(t, machine.parts.Battle, "amd64") {
		mounts["/"+name] = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(mounts["/"+name], content, 0o600))
	}
	keys, port := "1:"+strings.Repeat("ab", 32), freePort(t)
	server, err := host.Start(ctx, nodehost.Program{Files: mounts, Args: []string{
		"wasmedge", "--dir", "/:/", "--env", fmt.Sprintf("BATTLE_PORT=%d", port), "--env", "NODE_IP=127.0.0.1", "--env", "TICKET_KEYS=" + keys, "/app.so",
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.WithoutCancel(ctx))) })
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	require.Eventually(t, func() bool { _, err := client.Run(ctx, address); return err == nil }, 30*time.Second, 50*time.Millisecond, "%s", server.Log(ctx))

	ring, err := keyring.Parse(keys)
	require.NoError(t, err)
	var pages [2]ticks.Ticks
	looked := make(chan error, 1)
	result, err := bots.Play(ctx, bots.Config{
		Targets: []bots.Target{{Name: "server", Address: address, Tickets: bots.NewOffice(ring, address)}}, PerTarget: 10, Warmup: time.Second, Duration: 5 * time.Second,
		Joined: func() {
			go func() {
				for i := range pages {
					time.Sleep(2 * time.Second)
					var err error
					if pages[i], err = ticks.Read(ctx, ticks.Pod{Name: "server", Address: address}); err != nil {
						looked <- err
						return
					}
				}
				looked <- nil
			}()
		},
	})
	require.NoError(t, err, server.Log(ctx))
	require.NoError(t, <-looked)
	require.Positive(t, result.Total.InputsAcked)
	between, err := pages[1].Since(pages[0])
	require.NoError(t, err)
	require.Greater(t, between.Lateness.Count(), 100.0, "it ticked")
	// A page of metrics takes some twenty. One for each packet would be thousands.
	require.Less(t, between.Allocations, 100.0)
}
