package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// observed is how many times a histogram has counted.
func observed(h *histogram) (n uint64) {
	for _, count := range h.buckets {
		n += count
	}
	return n
}

// checkRested checks that all ticks are counted, as if all had run, and that no more than ran were timed.
func checkRested(t *testing.T, l *Loop, ran int) {
	t.Helper()
	require.EqualValues(t, l.tick-1, l.server.metrics.ticks)
	require.Zero(t, l.server.metrics.ticksSkipped)
	require.EqualValues(t, ran, observed(&l.server.metrics.tickLateness))
	require.EqualValues(t, ran, observed(&l.server.metrics.tickDuration))
	require.Zero(t, l.server.metrics.tickLateness.sum)
}

// startResting returns a loop that has run its first second and rests in its next turn.
func startResting(t *testing.T) (*fakeMachine, *Loop) {
	t.Helper()
	m, l := startLoop(t)
	for range 120 {
		l.Turn()
	}
	require.Zero(t, m.rests)
	require.EqualValues(t, 121, l.tick)
	require.Equal(t, l.start+second, m.now)
	checkRested(t, l, 120)
	return m, l
}

func TestNobodyPlays(t *testing.T) {
	t.Parallel()
	m, l := startResting(t)
	for turn := 1; turn <= 100; turn++ {
		ticks := l.server.metrics.ticks
		l.Turn()
		// The rest ends when a tick is due, and that tick is run.
		require.Equal(t, turn, m.rests)
		require.Equal(t, l.due(l.tick-1), m.now)
		require.EqualValues(t, 60, l.server.metrics.ticks-ticks)
		require.Equal(t, m.now, l.server.lastTick)
		checkRested(t, l, 120+turn)
	}
	require.Equal(t, l.start+51*second, m.now)
}

// Where the machine does not let the loop run for a day, no tick of that day is late or skipped, for nobody played.
func TestARestThatIsTooLong(t *testing.T) {
	t.Parallel()
	m, l := startResting(t)
	m.late = 86400*second + 1e6
	l.Turn()
	require.Equal(t, 1, m.rests)
	require.Equal(t, l.start+second+restTime+86400*second+second/120, m.now)
	checkRested(t, l, 121)
}

func TestAPacketEndsTheRest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after  int64 // when it comes
		played int64 // the tick that follows
	}{
		"at once":                {0, 121},
		"before the next tick":   {1e6, 121},
		"between two ticks":      {101e6, 120 + 12 + 1},
		"just when one is due":   {50e6, 120 + 6},
		"just after one was due": {50e6 + 1, 120 + 6 + 1},
		"just before the end":    {restTime - 1, 120 + 60},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, l := startResting(t)
			j := wire.Join{Nonce: 7, Ticket: pass(t, m, l.server, nil)}
			l.server.secrets.cookie(&j.Cookie, addr(1), j.Nonce, m.now)
			m.inbox = []datagram{{addr: addr(1), b: j.AppendTo(nil), at: m.now + tt.after}}
			l.Turn()
			require.Equal(t, 1, m.rests)
			require.Equal(t, tt.played, l.tick-1)
			require.Equal(t, l.due(tt.played), m.now)
			checkRested(t, l, 121)

			// The player has been let in, and has seen the tick that followed.
			got := m.answers(addr(1))
			require.Len(t, got, 2)
			var w wire.Welcome
			require.NoError(t, wire.ParseWelcome(got[0], &w))
			var s wire.Snapshot
			require.NoError(t, wire.ParseSnapshot(got[1], &s))
			require.Equal(t, w.Tick+1, s.Tick)

			// While it plays every tick runs. It is dropped after 5 s of silence, and the loop rests a second later.
			ran := 121
			for ; m.rests == 1; ran++ {
				l.Turn()
			}
			require.EqualValues(t, 1, l.server.metrics.idle)
			require.InDelta(t, l.start+second+tt.after+5*second+restAfter+restTime, m.now, 1e9/30)
			checkRested(t, l, ran)
		})
	}
}

func TestNoRestBeforeTheFarewells(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	join(t, m, l.server, addr(1)).stays()
	m.discard = true
	for l.server.metrics.battlesEnded[0] == 0 {
		l.Turn()
	}
	for ended := m.now; m.rests == 0; {
		require.Less(t, m.now-ended, 2*second)
		l.Turn()
	}
	require.EqualValues(t, farewellTimes, l.server.metrics.sent[kindIndex(wire.KindEnd)])
	require.Zero(t, l.server.metrics.ticksSkipped)
}

func TestAConnectionEndsTheRest(t *testing.T) {
	t.Parallel()
	m, l := startResting(t)
	came := m.now + 101e6
	m.dials = []int64{came, came}
	l.Turn()
	require.Equal(t, l.due(120+12+1), m.now)
	require.Len(t, m.pages, 2)
	require.Contains(t, m.pages[0], "HTTP/1.1 200 OK\r\n")
	// No tick was waited for, not even that which follows the rest. Then the loop rests again.
	require.Equal(t, []int64{came, came}, m.paged)
	require.Equal(t, 1, m.rests)
	checkRested(t, l, 121)
	l.Turn()
	require.Equal(t, 2, m.rests)
	checkRested(t, l, 122)
}

// Whoever looks after a server that has just begun has an answer before its first tick.
func TestTheFirstAnswer(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	m.dials, m.asks = []int64{m.now + 1e6}, m.now+2e6
	l.Turn()
	require.Len(t, m.pages, 1)
	require.Contains(t, m.pages[0], "HTTP/1.1 200 OK\r\n")
	require.Equal(t, []int64{l.start + 2e6}, m.paged)
	require.Equal(t, l.due(1), m.now)
	require.Zero(t, l.server.metrics.tickLateness.sum)
}

// Where a tick is due soon, or somebody plays, the web has to wait for the tick.
func TestTheWebWaitsForATick(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	m.asks = l.due(1) - slack + 1
	m.dials = []int64{m.asks}
	l.Turn()
	require.Equal(t, []int64{l.due(1)}, m.paged)

	join(t, m, l.server, addr(1)).stays()
	m.discard = true
	m.dials, m.asks = []int64{m.now + 1e6}, 0
	l.Turn()
	require.Equal(t, []int64{l.due(1), l.due(2)}, m.paged)
}

func TestNextIsTheInverseOfDue(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{1, 7, 60, 120, 1000} {
		_, l := startLoop(t)
		l.server.cfg.TickRate = rate
		for _, tick := range []int64{1, 2, 59, 61, 119, 1001, 86400*120 + 7, 1 << 32} {
			due := l.due(tick)
			require.Equal(t, tick, l.next(due), rate)
			require.Equal(t, tick, l.next(due-1), rate)
			require.Equal(t, tick+1, l.next(due+1), rate)
		}
	}
}
