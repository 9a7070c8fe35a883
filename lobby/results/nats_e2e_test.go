//go:build e2e

package results

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/lobby/ledger"
)

// natsServer is a real NATS server that can be killed and started again, with its files or without.
type natsServer struct {
	t       *testing.T
	program string
	dir     string
	port    int
	cmd     *exec.Cmd
}

// newNATS builds the server that the rig pins.
func newNATS(t *testing.T) *natsServer {
	dir := t.TempDir()
	program := filepath.Join(dir, "nats-server")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/nats-io/nats-server/v2")
	build.Dir = filepath.Join("..", "..", "tests", "rig", "nats")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &natsServer{t: t, program: program, dir: dir, port: free.Addr().(*net.TCPAddr).Port}
	require.NoError(t, free.Close())
	// The rights are no wider than a city's lobby and pods have.
	require.NoError(t, os.WriteFile(s.config(), fmt.Appendf(nil, `
		listen: "127.0.0.1:%d"
		jetstream { store_dir: %q, sync_interval: always }
		accounts { CITY { jetstream: enabled, users: [
			{ user: lobby, password: l, permissions: {
				publish: [
					"$JS.API.STREAM.INFO.BATTLE_RESULTS", "$JS.API.STREAM.CREATE.BATTLE_RESULTS", "$JS.API.STREAM.UPDATE.BATTLE_RESULTS"
					"$JS.API.CONSUMER.CREATE.BATTLE_RESULTS.>", "$JS.API.CONSUMER.MSG.NEXT.BATTLE_RESULTS.*", "$JS.API.CONSUMER.DELETE.BATTLE_RESULTS.*"
				]
				subscribe: ["_INBOX.lobby.>"] } }
			{ user: operator, password: o }
			{ user: battle, password: b, permissions: { publish: ["battle.results.*"], subscribe: ["_INBOX.battle.>"] } }
		] } }`, s.port, filepath.Join(dir, "js")), 0o600))
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *natsServer) config() string { return filepath.Join(s.dir, "nats.conf") }

func (s *natsServer) start() {
	s.cmd = exec.Command(s.program, "-c", s.config())
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(s.t, err)
	defer func() { _ = log.Close() }()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	require.NoError(s.t, s.cmd.Start())
}

func (s *natsServer) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// forget kills the server and removes its files.
func (s *natsServer) forget() {
	s.kill()
	require.NoError(s.t, os.RemoveAll(filepath.Join(s.dir, "js")))
}

func (s *natsServer) connect(user, password string) *nats.Conn {
	nc, err := nats.Connect(fmt.Sprintf("nats://127.0.0.1:%d", s.port), nats.UserInfo(user, password), nats.CustomInboxPrefix("_INBOX."+user),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	require.NoError(s.t, err)
	s.t.Cleanup(nc.Close)
	return nc
}

// publish sends battles as a pod does: each until it is acknowledged.
func (s *natsServer) publish(ctx context.Context, nc *nats.Conn, first, last int) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	k := keys(s.t)
	for n := first; n <= last; n++ {
		m := nats.NewMsg(report.ResultSubject + "pod-1")
		m.Data = payload(s.t, sample(n))
		m.Header.Set(report.HeaderMessageID, id(n))
		m.Header.Set(report.HeaderMAC, string(k.Sign(nil, m.Data)))
		for {
			try, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			_, err := js.PublishMsg(try, m)
			cancel()
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

func TestNATS(t *testing.T) {
	s := newNATS(t)
	path := filepath.Join(t.TempDir(), "ledger.db")
	lobby := func() (*running, *ledger.Ledger) {
		l, err := ledger.Open(t.Context(), path)
		require.NoError(t, err)
		source, err := NATS(s.connect("lobby", "l"))
		require.NoError(t, err)
		return run(t, source, l), l
	}
	r, l := lobby()
	holds := func(n int) {
		t.Helper()
		require.Eventually(t, func() bool { c, err := l.Count(t.Context()); return err == nil && c == n }, 60*time.Second, 10*time.Millisecond)
	}
	pod := s.connect("battle", "b")

	require.NoError(t, s.publish(t.Context(), pod, 1, 50))
	holds(50)
	require.NoError(t, s.publish(t.Context(), pod, 50, 51)) // one again
	holds(51)
	require.Eventually(t, func() bool { return r.Stats().Lag == 0 }, 10*time.Second, time.Millisecond)

	// The server is killed again and again under load.
	sent := make(chan error, 1)
	go func() { sent <- s.publish(t.Context(), pod, 52, 600) }()
	for range 4 {
		time.Sleep(400 * time.Millisecond)
		s.kill()
		s.start()
	}
	require.NoError(t, <-sent)
	holds(600)
	require.Positive(t, r.Stats().Restarts)
	require.NotContains(t, r.logged(), "made anew")

	// The lobby is away meanwhile.
	r.end()
	require.NoError(t, l.Close())
	require.NoError(t, s.publish(t.Context(), pod, 601, 650))
	r, l = lobby()
	holds(650)
	require.Equal(t, uint64(50), r.Stats().Messages, r.logged())

	require.NotContains(t, r.logged(), "made anew")

	// The stream's settings were changed by hand, and are put right.
	operator, err := jetstream.New(s.connect("operator", "o"))
	require.NoError(t, err)
	other := StreamConfig()
	other.MaxAge = time.Hour
	_, err = operator.UpdateStream(t.Context(), other)
	require.NoError(t, err)
	s.kill()
	s.start()
	require.NoError(t, s.publish(t.Context(), pod, 650, 651))
	holds(651)
	stream, err := operator.Stream(t.Context(), StreamName)
	require.NoError(t, err)
	require.True(t, isAs(stream.CachedInfo().Config, StreamConfig()))

	// The stream's files are lost: the lobby makes a new one, and pods that wait for that go on.
	s.forget()
	s.start()
	require.NoError(t, s.publish(t.Context(), pod, 640, 700))
	holds(700)
	require.Contains(t, r.logged(), "made anew")

	// The stream is made anew while the server runs.
	require.NoError(t, operator.DeleteStream(t.Context(), StreamName))
	require.NoError(t, s.publish(t.Context(), pod, 701, 710))
	holds(710)

	stream, err = operator.Stream(t.Context(), StreamName)
	require.NoError(t, err)
	names := stream.ConsumerNames(t.Context())
	consumers := 0
	for range names.Name() {
		consumers++
	}
	require.Equal(t, 1, consumers)

	// Nothing was recorded twice, and each as it was sent.
	for n := 1; n <= 710; n++ {
		got, err := l.Battle(t.Context(), [16]byte{14: byte(n >> 8), 15: byte(n)})
		require.NoError(t, err)
		require.Equal(t, sample(n), got)
	}
	r.end()
	require.NoError(t, l.Close())
}
