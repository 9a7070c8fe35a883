package bots

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/native"
	"github.com/edge-arena/edge-arena/battle-wasm/server"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/keyring"
)

// startBattleServer runs the real battle server, as a part of this process, until the test ends.
func startBattleServer(t *testing.T, cfg config.Config) string {
	t.Helper()
	// The server wants to be told its port: one that was free a moment ago.
	probe, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	address := probe.LocalAddr().(*net.UDPAddr)
	require.NoError(t, probe.Close())
	cfg.Port = address.Port

	started := make(chan error)
	var stop atomic.Bool
	var running sync.WaitGroup
	running.Go(func() {
		machine, err := native.Open(cfg.Port)
		if err != nil {
			started <- err
			return
		}
		loop, err := server.NewLoop(cfg, machine, server.Build{Version: "test"})
		started <- err
		for err == nil && !stop.Load() {
			loop.Turn()
		}
		if err := machine.Shut(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop.Store(true); running.Wait() })
	require.NoError(t, <-started)
	return address.String()
}

var keysText = "1:" + strings.Repeat("ab", 32)

func keys(t *testing.T) *ticket.Keys {
	t.Helper()
	k, err := ticket.ParseKeys(keysText)
	require.NoError(t, err)
	return k
}

// office gives the tickets of a server that takes those of [keys].
func office(t *testing.T, address string) *Office {
	t.Helper()
	ring, err := keyring.Parse(keysText)
	require.NoError(t, err)
	return NewOffice(ring, address)
}

// TestPlayAgainstTheBattleServer plays over the end of a battle and on into the next.
func TestPlayAgainstTheBattleServer(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.BattleSeconds, cfg.Tickets = 1, keys(t)
	address := startBattleServer(t, cfg)
	r := mustPlay(t, Config{
		Targets:   []Target{{Name: "battle", Address: address, Tickets: office(t, address)}},
		PerTarget: 5, Warmup: 200 * time.Millisecond, Duration: 1500 * time.Millisecond,
	})
	s := r.Total
	require.GreaterOrEqual(t, s.BattlesEnded, int64(5))
	require.Zero(t, s.SessionsLost+s.BadAcks+s.SendsFailed)
	require.Less(t, s.InputsLost, s.InputsScheduled/10)
	require.Greater(t, s.InputsAcked, s.InputsScheduled/2)
	require.InDelta(t, 120, s.TickRate(), 12)
	require.Greater(t, s.PredictionsChecked, s.InputsScheduled/5, "all the time that a bot is not waiting to come back")
	t.Logf("%d predictions checked, %d wrong", s.PredictionsChecked, s.PredictionsWrong)
	require.Less(t, s.PredictionsWrong, s.PredictionsChecked/20, "the server does what the bots reckon with")
	require.Less(t, s.Network.ValueAtQuantile(50), s.FromSend.ValueAtQuantile(50), "the wait for the tick is told")
}
