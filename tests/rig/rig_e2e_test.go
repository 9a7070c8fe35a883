//go:build e2e

package rig_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/tests/rig"
)

// TestRig starts two nodes for real, does to them whatever a rig can do, and removes them.
func TestRig(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	p := progress.New(testWriter{t})
	spec := rig.Spec{
		// A process id keeps runs side by side apart.
		Name:    fmt.Sprintf("rigtest-%d", os.Getpid()),
		Nodes:   []string{"a", "b"},
		Dir:     filepath.Join(t.TempDir(), "a rig"),
		Release: release(t),
	}
	r, err := rig.Start(ctx, spec, p)
	if r != nil {
		t.Cleanup(func() { require.NoError(t, r.Remove(context.WithoutCancel(ctx))) })
	}
	require.NoError(t, err)
	a, err := r.Node("a")
	require.NoError(t, err)

	// ssh runs a command on a node as OpenSSH's users would.
	ssh := func(args ...string) (string, error) {
		return command.Run(ctx, "ssh", append([]string{"-F", r.SSHConfig(), "-o", "ConnectTimeout=3"}, args...)...)
	}
	must := func(out string, err error) string {
		t.Helper()
		require.NoError(t, err)
		return out
	}

	t.Run("a node is a host", func(t *testing.T) {
		require.Equal(t, "running", must(ssh("a", "systemctl is-system-running --wait")))
		require.Equal(t, "a", must(ssh("a", "hostname")))
		require.Contains(t, must(ssh("a", "journalctl --no-pager --unit ssh")), "Server listening on 0.0.0.0 port 22")
		require.Contains(t, must(ssh("a", "wasmedge --version")), "0.14.1")
		require.Contains(t, must(ssh("a", "crun --version")), "+WASM:wasmedge")
		require.Equal(t, a.Address, must(ssh("b", "getent hosts a | cut -d' ' -f1")))
	})
	t.Run("accounts and keys", func(t *testing.T) {
		require.Contains(t, must(ssh("-l", "edge", "a", "sudo -n id")), "uid=0(root)")
		_, err := ssh("-l", "ops", "a", "sudo -n id")
		require.ErrorContains(t, err, "a password is required")
		_, err = ssh("-l", "nobody-here", "a", "true")
		require.ErrorContains(t, err, "Permission denied (publickey)")
		known, err := os.ReadFile(filepath.Join(r.Dir(), "known_hosts"))
		require.NoError(t, err)
		b, err := r.Node("b")
		require.NoError(t, err)
		other := filepath.Join(t.TempDir(), "known_hosts")
		swapped := strings.NewReplacer(a.Address+" ", b.Address+" ", b.Address+" ", a.Address+" ").Replace(string(known))
		require.NoError(t, os.WriteFile(other, []byte(swapped), 0o600))
		_, err = ssh("-o", "UserKnownHostsFile="+other, "a", "true")
		require.ErrorContains(t, err, "Host key verification failed")
	})
	t.Run("the mirror serves the release under both spellings of the plus sign", func(t *testing.T) {
		require.Equal(t, rig.OriginStandIn, r.Mirror().Origin)
		for _, version := range []string{rig.K3sVersion, strings.ReplaceAll(rig.K3sVersion, "+", "%2B")} {
			require.Equal(t, "content of k3s", must(ssh("a", "curl -sf "+r.Mirror().URL+"/"+version+"/k3s")))
		}
		require.FileExists(t, filepath.Join(r.ReleaseDir(), "sha256sum-amd64.txt"))
	})
	t.Run("a second start finds everything", func(t *testing.T) {
		uptime := must(r.Exec(ctx, "a", "stat", "--format", "%Z", "/proc/1"))
		again, err := rig.Start(ctx, spec, p)
		require.NoError(t, err)
		require.Equal(t, r.Nodes(), again.Nodes())
		require.Equal(t, uptime, must(r.Exec(ctx, "a", "stat", "--format", "%Z", "/proc/1")))
		opened, err := rig.Open(spec.Dir)
		require.NoError(t, err)
		require.Equal(t, r.Nodes(), opened.Nodes())
	})
	t.Run("stop, start, kill and restart", func(t *testing.T) {
		must(ssh("a", "echo kept > /root/kept; echo lost > /run/lost"))
		require.NoError(t, r.Stop(ctx, "a"))
		states, err := r.States(ctx)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"a": "exited", "b": "running"}, states)
		require.Error(t, dial(a))
		require.NoError(t, r.Start(ctx, "a"))
		require.Equal(t, "kept", must(ssh("a", "cat /root/kept; test ! -e /run/lost")))
		require.NoError(t, r.Kill(ctx, "a"))
		_, err = rig.Start(ctx, spec, p)
		require.NoError(t, err, "a start boots what is stopped")
		require.NoError(t, r.Restart(ctx, "a"))
		require.Equal(t, "running", must(ssh("a", "systemctl is-system-running --wait")))
	})
	t.Run("pause", func(t *testing.T) {
		require.NoError(t, r.Pause(ctx, "a"))
		_, err := ssh("a", "true")
		require.ErrorContains(t, err, "timed out")
		require.NoError(t, r.Unpause(ctx, "a"))
		must(ssh("a", "true"))
	})
	t.Run("cut off", func(t *testing.T) {
		routes := must(r.Exec(ctx, "a", "ip", "route"))
		require.NoError(t, r.CutOff(ctx, "a"))
		require.NoError(t, r.CutOff(ctx, "a"), "twice is once")
		require.Error(t, dial(a))
		_, err := ssh("b", "curl -s -m 1 telnet://a:22")
		require.ErrorContains(t, err, "exit status 28")
		require.Equal(t, routes, must(r.Exec(ctx, "a", "ip", "route")))
		require.NoError(t, r.Reconnect(ctx, "a"))
		must(ssh("a", "true"))
		require.NotContains(t, must(r.Exec(ctx, "a", "iptables-save")), "DROP")
	})
	t.Run("snapshot", func(t *testing.T) {
		before, err := r.Snapshot(ctx, "a")
		require.NoError(t, err)
		must(ssh("a", `ip link add probe0 type bridge; ip addr add 10.99.0.1/24 dev probe0; ip link set probe0 up
			mkdir -p /opt/probe; echo x > /opt/probe/file; mount -t tmpfs probe /opt/probe; iptables -A INPUT -s 10.9.9.9 -j DROP
			iptables -t nat -N PROBE; systemd-run --unit probe sleep 1000; sysctl -q net.ipv4.conf.all.log_martians=1; touch /run/probe`))
		after, err := r.Snapshot(ctx, "a")
		require.NoError(t, err)
		// The kernel of the machine is everybody's.
		d := before.Diff(after).Without("machine-sysctls")
		for section, line := range map[string]string{
			"interfaces": "probe0", "addresses": "probe0 inet 10.99.0.1/24", "mounts": "/opt/probe tmpfs",
			"files": "/opt/probe 1777", "processes": "/usr/bin/sleep 1000", "units": "probe.service active", "run": "/run/probe f",
			"iptables": "iptables-save filter -A INPUT -s 10.9.9.9/32 -j DROP", "sysctls": "net.ipv4.conf.all.log_martians = 1",
		} {
			require.Contains(t, d[section].Added, line, "%s", d)
		}
		require.Contains(t, d["iptables"].Added, "iptables-save nat :PROBE -")
		must(ssh("a", `systemctl stop probe; umount /opt/probe; rm -r /opt/probe /run/probe; iptables -D INPUT -s 10.9.9.9 -j DROP
			iptables -t nat -X PROBE; ip link del probe0; sysctl -q net.ipv4.conf.all.log_martians=0`))
		restored, err := r.Snapshot(ctx, "a")
		require.NoError(t, err)
		require.Empty(t, before.Diff(restored).Without("machine-sysctls").String())
	})
	t.Run("a node made again is a fresh host at the same address", func(t *testing.T) {
		require.NoError(t, r.RemoveNode(ctx, "a"))
		require.NoError(t, r.AddNode(ctx, "a", p))
		fresh, err := r.Node("a")
		require.NoError(t, err)
		require.Equal(t, a.Address, fresh.Address)
		require.NotEqual(t, a.HostKey, fresh.HostKey)
		require.Equal(t, "fresh", must(ssh("a", "test -e /root/kept || echo fresh")))
	})
	t.Run("remove leaves nothing", func(t *testing.T) {
		docker := r.Docker()
		format := "{{range .Mounts}}{{if .Name}}{{println .Name}}{{end}}{{end}}"
		volumes := strings.Fields(must(docker.Run(ctx, "inspect", "--format", format, r.Nodes()[0].Container)))
		require.Len(t, volumes, 3)
		require.NoError(t, r.Remove(ctx))
		filter := "label=edge-arena.rig=" + spec.Name
		require.Empty(t, must(docker.Run(ctx, "ps", "--all", "--quiet", "--filter", filter)))
		require.Empty(t, must(docker.Run(ctx, "network", "ls", "--quiet", "--filter", filter)))
		left := strings.Fields(must(docker.Run(ctx, "volume", "ls", "--quiet")))
		for _, volume := range volumes {
			require.NotContains(t, left, volume)
		}
		require.NoDirExists(t, spec.Dir)
		require.False(t, rig.Exists(spec.Dir))
		require.NoError(t, r.Remove(ctx), "twice is once")
	})
}

// TestNodeThatDoesNotAnswer checks that the error tells what the node said.
func TestNodeThatDoesNotAnswer(t *testing.T) {
	ctx := context.Background()
	p := progress.New(testWriter{t})
	spec := rig.Spec{Name: fmt.Sprintf("rigmute-%d", os.Getpid()), Nodes: []string{"a"}, Dir: t.TempDir()}
	r, err := rig.Start(ctx, spec, p)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Remove(ctx)) })
	_, err = r.Exec(ctx, "a", "systemctl", "mask", "--now", "ssh.service")
	require.NoError(t, err)
	spec.ReadyTimeout = time.Second
	_, err = rig.Start(ctx, spec, p)
	require.ErrorContains(t, err, "doesn't answer over SSH after 1s")
	require.ErrorContains(t, err, "container: running")
	require.ErrorContains(t, err, "Stopped ssh.service")
}

// release is a release as small as can be.
func release(t *testing.T) rig.ReleaseFunc {
	dir := t.TempDir()
	for _, name := range []string{"k3s", "install.sh", "k3s-airgap-images-amd64.tar", "sha256sum-amd64.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("content of "+name), 0o644))
	}
	return func(context.Context, string) (string, string, error) { return dir, rig.OriginStandIn, nil }
}

// dial tries the node's SSH port.
func dial(n rig.Node) error {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(n.Address, "22"), time.Second)
	if err != nil {
		return err
	}
	return c.Close()
}

// testWriter sends progress to the test's log.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}
