package bots

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/client/clienttest"
	"github.com/edge-arena/edge-arena/battle-wasm/config"
)

func mustHerd(t *testing.T, cfg Config) Result {
	t.Helper()
	r, err := Herd(context.Background(), cfg)
	require.NoError(t, err)
	s := r.Total
	require.Equal(t, s.InputsScheduled, s.InputsAcked+s.InputsOvertaken+s.InputsLost, "every input has one fate")
	require.Equal(t, s.InputsScheduled, s.RTT.TotalCount())
	require.Equal(t, s.InputsAcked, s.Network.TotalCount())
	return r
}

func TestHerdAgainstAGoodServer(t *testing.T) {
	t.Parallel()
	a, b := clienttest.Start(t, clienttest.Options{}), clienttest.Start(t, clienttest.Options{})
	r := mustHerd(t, quick(a, b))
	require.Len(t, r.Targets, 2)
	for _, target := range r.Targets {
		require.EqualValues(t, 3*60, target.InputsScheduled)
		require.InDelta(t, 120, target.TickRate(), 6)
	}
	s := r.Total
	require.Equal(t, s.InputsScheduled, s.InputsSent)
	require.Zero(t, s.InputsLost+s.SendsFailed+s.BadAcks)
	require.Equal(t, s.InputsScheduled, r.Lateness.TotalCount())
	require.LessOrEqual(t, s.FromSend.ValueAtQuantile(50), s.RTT.ValueAtQuantile(50))
	require.Positive(t, r.Cores)
	require.Eventually(t, func() bool { return a.Left() == 3 && b.Left() == 3 }, 5*time.Second, time.Millisecond, "players give their places up")
}

func TestHerdCountsWhatIsLateAndLost(t *testing.T) {
	t.Parallel()
	late := mustHerd(t, quick(clienttest.Start(t, clienttest.Options{Delay: 30 * time.Millisecond})))
	require.GreaterOrEqual(t, late.Total.RTT.Min(), int64(30_000))
	require.Less(t, late.Total.RTT.ValueAtQuantile(50), int64(60_000))

	gone := mustHerd(t, quick(clienttest.Start(t, clienttest.Options{DropInput: func(seq uint32) bool { return seq > 40 }})))
	require.InDelta(t, 3*32, gone.Total.InputsLost, 3, "of 72 inputs the first 40 are answered")
	require.GreaterOrEqual(t, gone.Total.RTT.Max(), int64(200_000), "what nobody answers counts with the time-out")
}

func TestHerdRefusesABattleThatEnds(t *testing.T) {
	t.Parallel()
	s := clienttest.Start(t, clienttest.Options{})
	cfg := quick(s)
	cfg.Duration = 5 * time.Second
	time.AfterFunc(time.Second, s.EndBattle)
	_, err := Herd(context.Background(), cfg)
	require.ErrorContains(t, err, "the battle has ended under the players")

	_, err = Herd(context.Background(), Config{})
	require.ErrorContains(t, err, "targets: none given")
}

// The real server takes a herd for what it is told that it is: players whose every input counts.
func TestHerdAgainstTheBattleServer(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Tickets, cfg.JoinsPerSecond = keys(t), 100000
	address := startBattleServer(t, cfg)
	r := mustHerd(t, Config{
		Targets:   []Target{{Name: "battle", Address: address, Tickets: office(t, address)}},
		PerTarget: 40, Warmup: 200 * time.Millisecond, Duration: 1500 * time.Millisecond,
	})
	s := r.Total
	require.Zero(t, s.BadAcks+s.SendsFailed)
	require.Less(t, s.InputsLost, s.InputsScheduled/10)
	require.Greater(t, s.InputsAcked, s.InputsScheduled/4)
	require.InDelta(t, 120, s.TickRate(), 12)
	require.Less(t, s.Network.ValueAtQuantile(50), s.FromSend.ValueAtQuantile(50), "the wait for the tick is told")
}
