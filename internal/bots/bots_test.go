package bots

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/client/clienttest"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// quick plays a few bots for a moment.
func quick(servers ...*clienttest.Server) Config {
	cfg := Config{PerTarget: 3, Warmup: 100 * time.Millisecond, Duration: 500 * time.Millisecond, Timeout: 200 * time.Millisecond}
	for _, s := range servers {
		cfg.Targets = append(cfg.Targets, Target{Name: "pod-" + s.Address(), Address: s.Address()})
	}
	return cfg
}

func mustPlay(t *testing.T, cfg Config) Result {
	t.Helper()
	r, err := Play(context.Background(), cfg)
	require.NoError(t, err)
	s := r.Total
	require.Equal(t, s.InputsScheduled, s.InputsAcked+s.InputsOvertaken+s.InputsLost+s.InputsBetween, "every input has one fate")
	require.Equal(t, s.InputsScheduled-s.InputsBetween, s.RTT.TotalCount(), "every input that had somebody to answer it is in the histogram")
	require.Equal(t, s.RTT.TotalCount(), s.FromSend.TotalCount())
	require.Equal(t, s.InputsAcked, s.Network.TotalCount())
	return r
}

func TestPlayAgainstAGoodServer(t *testing.T) {
	t.Parallel()
	a, b := clienttest.Start(t, clienttest.Options{}), clienttest.Start(t, clienttest.Options{})
	r := mustPlay(t, quick(a, b))
	require.Len(t, r.Targets, 2)
	for _, target := range r.Targets {
		require.EqualValues(t, 3*60, target.InputsScheduled)
		require.InDelta(t, 120, target.TickRate(), 6)
	}
	s := r.Total
	require.EqualValues(t, 2*3*60, s.InputsScheduled)
	require.Equal(t, s.InputsScheduled, s.InputsSent)
	require.Zero(t, s.InputsLost+s.SendsFailed+s.BadAcks+s.InputsBetween+s.SessionsLost)
	require.Greater(t, s.InputsAcked, s.InputsScheduled*8/10)
	require.Equal(t, s.InputsScheduled, r.Lateness.TotalCount())
	require.LessOrEqual(t, s.Network.ValueAtQuantile(50), s.FromSend.ValueAtQuantile(50))
	require.LessOrEqual(t, s.FromSend.ValueAtQuantile(50), s.RTT.ValueAtQuantile(50))
	require.Positive(t, r.Cores)
	require.Eventually(t, func() bool { return a.Left() == 3 && b.Left() == 3 }, 5*time.Second, time.Millisecond, "bots give their places up")
}

func TestDelayShowsInTheHistogram(t *testing.T) {
	t.Parallel()
	r := mustPlay(t, quick(clienttest.Start(t, clienttest.Options{Delay: 30 * time.Millisecond})))
	require.GreaterOrEqual(t, r.Total.RTT.Min(), int64(30_000))
	require.GreaterOrEqual(t, r.Total.Network.Min(), int64(30_000), "the delay is no wait for the tick")
	require.Less(t, r.Total.RTT.ValueAtQuantile(50), int64(60_000))
	require.InDelta(t, 120, r.Total.TickRate(), 6, "a delay does not slow the ticks down")
}

func TestLostSnapshotsAreCounted(t *testing.T) {
	t.Parallel()
	r := mustPlay(t, quick(clienttest.Start(t, clienttest.Options{DropSnapshot: func(tick uint32) bool { return tick%4 == 0 }})))
	s := r.Total
	require.InDelta(t, 3*60/4, s.SnapshotsLost, 9)
	require.InDelta(t, 3*60*3/4, s.SnapshotsReceived, 9)
	require.GreaterOrEqual(t, s.InputsOvertaken, s.SnapshotsLost/2, "their inputs are answered by the next one")
	require.InDelta(t, 120, s.TickRate(), 6)
}

func TestLostInputsCountAsLate(t *testing.T) {
	t.Parallel()
	// Numbers 31 to 45 of each bot: an eighth of a second, in which the server hears nothing.
	r := mustPlay(t, quick(clienttest.Start(t, clienttest.Options{DropInput: func(seq uint32) bool { return seq > 30 && seq <= 45 }})))
	require.GreaterOrEqual(t, r.Total.InputsOvertaken, int64(3*15))
	require.GreaterOrEqual(t, r.Total.RTT.Max(), int64(15*8333-8333), "the first of them waited for the first that got through")
}

func TestNoAnswerCountsAsTheTimeout(t *testing.T) {
	t.Parallel()
	// From number 43 on everything is lost: of 60 measured inputs of a bot about half.
	r := mustPlay(t, quick(clienttest.Start(t, clienttest.Options{DropInput: func(seq uint32) bool { return seq > 42 }})))
	s := r.Total
	require.InDelta(t, 3*30, s.InputsLost, 3*3)
	require.GreaterOrEqual(t, s.RTT.ValueAtQuantile(60), int64(200_000))
	require.GreaterOrEqual(t, s.FromSend.ValueAtQuantile(60), int64(200_000))
	require.Equal(t, s.InputsScheduled, s.InputsSent)
}

func TestServerThatFallsSilent(t *testing.T) {
	t.Parallel()
	s := clienttest.Start(t, clienttest.Options{})
	time.AfterFunc(400*time.Millisecond, func() { s.Stall(time.Hour) })
	r := mustPlay(t, quick(s))
	require.Positive(t, r.Total.InputsLost)
	require.Less(t, r.Total.TickRate(), 80.0, "silence is time without ticks")
}

// TestSenderStallCountsFromTheSchedule stops the sender for 80 ms in the middle of the measured time: every input that was due
// meanwhile is late by what it was held up, in RTT and in Lateness, though each got a quick answer once it was sent.
func TestSenderStallCountsFromTheSchedule(t *testing.T) {
	t.Parallel()
	const stall = 80 * time.Millisecond
	cfg := quick(clienttest.Start(t, clienttest.Options{})).withDefaults()
	g, err := newGame(context.Background(), cfg)
	require.NoError(t, err)
	require.NoError(t, g.join(context.Background()))
	stalled := false
	g.senders[0].sleep = func(d time.Duration) {
		if !stalled && g.clock.now() > int64(cfg.Warmup+cfg.Duration/2) {
			stalled = true
			d += stall
		}
		sleep(d)
	}
	r, err := g.play(context.Background())
	require.NoError(t, err)
	require.True(t, stalled)
	require.GreaterOrEqual(t, r.Lateness.Max(), stall.Microseconds()*9/10)
	require.GreaterOrEqual(t, r.Total.RTT.Max(), stall.Microseconds()*9/10)
	held := int64(0)
	for _, bar := range r.Total.RTT.Distribution() {
		if bar.From > 20_000 {
			held += bar.Count
		}
	}
	// Three bots, 80 ms: 29 inputs, of which those of the last 20 ms or so waited less.
	require.GreaterOrEqual(t, held, int64(3*6), "not only the one input that was under way")
	require.Less(t, r.Total.FromSend.ValueAtQuantile(99), r.Total.RTT.ValueAtQuantile(99))
}

func TestBattleThatEndsIsNoLoss(t *testing.T) {
	t.Parallel()
	s := clienttest.Start(t, clienttest.Options{})
	time.AfterFunc(400*time.Millisecond, func() {
		s.DropJoins(3) // so that each bot needs some 50 ms to get into its next battle
		s.EndBattle()
	})
	r := mustPlay(t, quick(s))
	require.EqualValues(t, 3, r.Total.BattlesEnded)
	require.Zero(t, r.Total.InputsLost+r.Total.SessionsLost)
	require.GreaterOrEqual(t, r.Total.InputsBetween, int64(3*5))
	require.Less(t, r.Total.InputsBetween, int64(3*30))
	require.InDelta(t, 120, r.Total.TickRate(), 6)
}

func TestGameThatEndsWhileBotsAskForANewPlace(t *testing.T) {
	t.Parallel()
	s := clienttest.Start(t, clienttest.Options{})
	time.AfterFunc(450*time.Millisecond, func() {
		s.DropJoins(1_000_000) // nobody gets into another battle
		s.EndBattle()
	})
	r := mustPlay(t, quick(s))
	require.EqualValues(t, 3, r.Total.BattlesEnded)
	require.Positive(t, r.Total.InputsAcked)
}

func TestServerThatForgetsItsPlayersLosesTheirInputs(t *testing.T) {
	t.Parallel()
	s := clienttest.Start(t, clienttest.Options{})
	time.AfterFunc(450*time.Millisecond, s.Forget)
	r := mustPlay(t, quick(s))
	require.EqualValues(t, 3, r.Total.SessionsLost)
	require.Positive(t, r.Total.InputsLost)
	require.GreaterOrEqual(t, r.Total.RTT.Max(), int64(200_000), "a lost input counts as the time-out at least")
	require.Positive(t, r.Total.InputsAcked)
}

func TestForgedAcksSettleNothing(t *testing.T) {
	t.Parallel()
	r := mustPlay(t, quick(clienttest.Start(t, clienttest.Options{ForgeAcks: true})))
	require.Positive(t, r.Total.BadAcks)
	require.Equal(t, r.Total.InputsScheduled, r.Total.InputsLost)
}

func TestPlayFails(t *testing.T) {
	t.Parallel()
	good := clienttest.Start(t, clienttest.Options{})
	tests := map[string]struct {
		cfg  Config
		want string
	}{
		"no targets":   {quick(), "bots: targets: none given"},
		"negative":     {func() Config { c := quick(good); c.PerTarget, c.Duration = -1, -1; return c }(), "duration: -1ns, want more than zero"},
		"pod is full":  {quick(clienttest.Start(t, clienttest.Options{Refuse: wire.ReasonFull})), "rejected by the server: full"},
		"another rate": {quick(clienttest.Start(t, clienttest.Options{TickRate: 60})), "the server ticks 60 times a second, want 120"},
		"no such host": {Config{Targets: []Target{{Name: "pod-x", Address: "host.invalid:1"}}}, "pod pod-x: reach battle server"},
		"no answer": {func() Config {
			c := quick(clienttest.Start(t, clienttest.Options{DropJoins: 1 << 30}))
			c.JoinTimeout = 200 * time.Millisecond
			return c
		}(), "not all 3 bots have joined within 200ms"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Play(context.Background(), tt.cfg)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestPlayStopsWithItsContext(t *testing.T) {
	t.Parallel()
	s := clienttest.Start(t, clienttest.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	cfg := quick(s)
	cfg.Duration = time.Hour
	_, err := Play(ctx, cfg)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 5*time.Second)
	require.Eventually(t, func() bool { return s.Left() == 3 }, 5*time.Second, time.Millisecond)
}
