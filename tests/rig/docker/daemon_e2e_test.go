//go:build e2e

package docker

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// TestDaemonOfOurOwn starts a daemon beside whatever Docker the machine has, finds it again, and checks that stopping it leaves the
// network as it was. That is a network namespace of the test's own, for other tests change the machine's meanwhile.
func TestDaemonOfOurOwn(t *testing.T) {
	ctx := context.Background()
	// Never unlocked: the thread ends with the test, and its namespace with it. Programs started from here inherit it.
	runtime.LockOSThread()
	require.NoError(t, syscall.Unshare(syscall.CLONE_NEWNET))
	p := progress.New(io.Discard)
	// Not t.TempDir: a socket's path may have 107 bytes at most.
	dir, err := os.MkdirTemp("", "ea")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	m := Machine{Lib: filepath.Join(dir, "lib"), Run: filepath.Join(dir, "run")}
	require.NoError(t, m.installDocker(ctx, p))
	c := &Client{Host: m.host(), Ours: true}
	// iptables-save prints the tables that were ever used, so they are used once before.
	require.NoError(t, c.OpenFirewall(ctx, "ea-daemontest", "10.213.255.0/30"))
	require.NoError(t, c.CloseFirewall(ctx, "ea-daemontest", "10.213.255.0/30"))
	before := machineState(t)

	t.Cleanup(func() { require.NoError(t, m.Stop(ctx, p)) })
	require.NoError(t, m.locked(ctx, func() error { return m.start(ctx, c) }))
	state, err := m.State()
	require.NoError(t, err)
	require.True(t, state.Daemon.alive())
	require.Equal(t, "1", machineState(t)[forwardFile])

	t.Setenv("DOCKER_HOST", m.host())
	again, err := m.Ensure(ctx, p)
	require.NoError(t, err)
	require.Equal(t, c, again, "a later run finds the daemon of an earlier one")

	_, err = c.Run(ctx, "network", "create", "--subnet", "10.213.255.0/30", "--opt", "com.docker.network.bridge.name=ea-daemontest", "t")
	require.NoError(t, err)
	require.NoError(t, c.OpenFirewall(ctx, "ea-daemontest", "10.213.255.0/30"))
	rules, err := command.Run(ctx, "iptables-save")
	require.NoError(t, err)
	require.Contains(t, rules, "-A FORWARD -i ea-daemontest -j ACCEPT")
	require.Contains(t, rules, "-A POSTROUTING -s 10.213.255.0/30 ! -o ea-daemontest -j MASQUERADE")

	require.NoError(t, m.Stop(ctx, p))
	require.True(t, state.Daemon.alive(), "a daemon that is in use stays")
	require.NoError(t, c.CloseFirewall(ctx, "ea-daemontest", "10.213.255.0/30"))
	_, err = c.Run(ctx, "network", "rm", "t")
	require.NoError(t, err)

	require.NoError(t, m.Stop(ctx, p))
	require.False(t, state.Daemon.alive())
	require.NoDirExists(t, m.Run)
	require.NoDirExists(t, filepath.Join(m.Lib, "docker"))
	require.Equal(t, before, machineState(t))
}

// counters are what changes by itself in what iptables-save prints.
var counters = regexp.MustCompile(`\[\d+:\d+\]|(?m)^#.*$`)

// machineState is what a Docker daemon would change on its machine.
func machineState(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, line := range []string{"iptables-save", "tail -n +3 /proc/net/dev | cut -d: -f1", "cat " + forwardFile} {
		s, err := command.Run(context.Background(), "sh", "-c", line)
		require.NoError(t, err)
		out[strings.TrimPrefix(line, "cat ")] = counters.ReplaceAllString(s, "")
	}
	return out
}
