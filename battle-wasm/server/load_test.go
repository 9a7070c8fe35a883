package server

import (
	"encoding/json"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// A pod whose ticks need too much of their time keeps the battles that it has, takes no others, and tells the lobby; later it does again.
func TestOverloadRefusesRooms(t *testing.T) {
	t.Parallel()
	m, s := start(t, func(c *config.Config) { c.Rooms, c.MaxPlayers = 4, 2 })
	full := func() bool {
		var p report.Presence
		require.NoError(t, json.Unmarshal(s.appendPresence(nil), &p))
		require.Equal(t, 4, p.RoomsLimit)
		return p.Full
	}
	load := func(percent int64) {
		for range 2 * 120 {
			s.observeLoad(percent*second/120/100, second/120)
		}
	}
	load(90)
	require.False(t, full(), "without any battle there is nothing that could be late")
	a := join(t, m, s, addr(1))
	require.True(t, full())
	join(t, m, s, addr(2))
	var r wire.Reject
	require.NoError(t, wire.ParseReject(ask(t, m, s, addr(3), 7, pass(t, m, s, nil)).one(), &r))
	require.Equal(t, wire.ReasonFull, r.Reason)
	require.EqualValues(t, 1, s.metrics.roomsRefused)
	a.send(&wire.Leave{Token: a.w.Token})
	join(t, m, s, addr(4)) // a place in a battle that goes on is no more work than before

	s.presence.changed = false
	load(20)
	require.True(t, s.presence.changed, "the lobby is told at once")
	require.False(t, full())
	require.EqualValues(t, 1, join(t, m, s, addr(5)).w.Room)
}

// What the loop measures is its work, and neither its waiting nor its rest.
func TestLoadIsMeasured(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	join(t, m, l.server, addr(1)).stays()
	m.discard = true
	for range 240 {
		l.Turn()
	}
	require.Equal(t, 20, l.server.load.Share())
	m.cost = 1e6 // each look at the clock takes a millisecond: a handful of them are in a turn
	for range 240 {
		l.Turn()
	}
	require.Greater(t, l.server.load.Share(), 400)
}

// What battles leave behind is collected after a tick that has left time for it, and not before.
func TestGarbageIsCollectedWhenThereIsTime(t *testing.T) {
	m, l := startLoop(t)
	join(t, m, l.server, addr(1)).stays()
	m.discard = true
	l.server.garbage.battles = collectAfter
	m.cost = second / 120 / 8 // looks at the clock use up most of a period
	for range 20 {
		l.Turn()
	}
	require.Equal(t, collectAfter, l.server.garbage.battles)
	m.cost = 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l.Turn()
	l.Turn()
	require.Zero(t, l.server.garbage.battles)
	runtime.ReadMemStats(&after)
	require.Greater(t, after.NumGC, before.NumGC)
}
