package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

func TestFloods(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	good := join(t, m, s, addr(1))
	for i := range 10000 {
		s.HandlePacket(addr(2), (&wire.Join{Nonce: uint64(i)}).AppendTo(nil))
	}
	answers := m.answers(addr(2))
	require.InDelta(t, 200, len(answers), 10)
	require.Greater(t, s.metrics.refused[refusedRate], uint64(9000))

	// A player who floods loses its own packets alone.
	flooder := join(t, m, s, addr(3))
	for range 10000 {
		flooder.input(nil)
	}
	require.Greater(t, s.metrics.refused[refusedRate], uint64(18000))
	good.input(nil)
	require.EqualValues(t, 1, good.snapshot().AckSeq)

	// And it recovers.
	m.now += second
	s.HandlePacket(addr(2), (&wire.Join{Nonce: 1}).AppendTo(nil))
	require.NotEmpty(t, m.answers(addr(2)))
}

func TestSilentPlayersAreDropped(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := join(t, m, s, addr(1))
	m.now += 5 * second
	s.Tick()
	_, players := s.occupancy()
	require.Equal(t, 1, players)
	m.now++
	s.Tick()
	rooms, players := s.occupancy()
	require.Equal(t, [2]int{0, 0}, [2]int{rooms, players})
	require.EqualValues(t, 1, s.metrics.idle)

	m.outbox = nil
	a.input(nil)
	var r wire.Reject
	require.NoError(t, wire.ParseReject(a.one(), &r))
	require.Equal(t, wire.ReasonSession, r.Reason)
}

func TestLeaveFreesThePlace(t *testing.T) {
	t.Parallel()
	m, s := start(t, func(c *config.Config) { c.Rooms, c.MaxPlayers = 1, 1 })
	a := join(t, m, s, addr(1))
	a.send(&wire.Leave{Token: a.w.Token})
	b := join(t, m, s, addr(2))
	require.EqualValues(t, 0, b.w.Player)
	require.Empty(t, m.answers(a.addr))
}

func TestEndOfBattle(t *testing.T) {
	t.Parallel()
	m, s := start(t, func(c *config.Config) { c.BattleSeconds = 1 })
	a := join(t, m, s, addr(1))
	b := join(t, m, s, addr(2))
	s.rooms[0].arena.Players[1].Score = 3
	for range 119 {
		a.snapshot()
		m.answers(b.addr)
	}
	for range 30 {
		m.now += second / 120
		s.Tick()
	}
	got := m.answers(b.addr)
	var snap wire.Snapshot
	require.NoError(t, wire.ParseSnapshot(got[0], &snap))
	require.Equal(t, b.w.EndTick, snap.Tick)
	require.Len(t, got[1:], farewellTimes)
	for _, packet := range got[1:] {
		var e wire.End
		require.NoError(t, wire.ParseEnd(packet, &e))
		require.Equal(t, wire.End{
			Token: b.w.Token, Tick: 120, Self: 1, Count: 2, Scores: [wire.MaxPlayers]wire.Score{{ID: 0}, {ID: 1, Points: 3}},
		}, e)
	}
	rooms, players := s.occupancy()
	require.Equal(t, [2]int{0, 0}, [2]int{rooms, players})
	require.EqualValues(t, 1, s.metrics.battlesEnded[0])
}
