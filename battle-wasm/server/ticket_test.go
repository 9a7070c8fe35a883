package server

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// battle is a battle that the lobby has begun, alice, bob and carol its players.
var (
	battle            = ticket.ID{0xba, 15: 1}
	alice, bob, carol = ticket.ID{15: 0xa}, ticket.ID{15: 0xb}, ticket.ID{15: 0xc}
)

// invite seals a ticket of a player for a room.
func invite(t testing.TB, m *fakeMachine, s *Server, player ticket.ID, room uint16, battle ticket.ID) [ticket.Size]byte {
	t.Helper()
	return pass(t, m, s, func(tk *ticket.Ticket) { tk.Player, tk.Room, tk.Battle = player, room, battle })
}

func (b *bot) rejected() wire.Reason {
	b.t.Helper()
	var r wire.Reject
	require.NoError(b.t, wire.ParseReject(b.one(), &r))
	return r.Reason
}

func TestNobodyGetsInWithoutAGoodTicket(t *testing.T) {
	t.Parallel()
	const ten = 10 * time.Second
	tests := map[string]struct {
		change func(*ticket.Ticket)
		spoil  func(b []byte)
		wait   time.Duration
		want   wire.Reason // 0 for a welcome
	}{
		"good":                     {},
		"just before it expires":   {wait: ten - time.Millisecond},
		"expired":                  {wait: ten, want: wire.ReasonTicket},
		"of another run":           {change: func(tk *ticket.Ticket) { tk.Pod++ }, want: wire.ReasonTicket},
		"for a room there is not":  {change: func(tk *ticket.Ticket) { tk.Room, tk.Battle = 2, battle }, want: wire.ReasonTicket},
		"no ticket":                {spoil: func(b []byte) { clear(b) }, want: wire.ReasonTicket},
		"under a key there is not": {spoil: func(b []byte) { b[1]++ }, want: wire.ReasonTicket},
		"with another room":        {spoil: func(b []byte) { b[10] ^= 1 }, want: wire.ReasonTicket},
		"with another player":      {spoil: func(b []byte) { b[30] ^= 1 }, want: wire.ReasonTicket},
		"with a later end":         {spoil: func(b []byte) { b[54]++ }, want: wire.ReasonTicket},
		"with another serial":      {spoil: func(b []byte) { b[44]++ }, want: wire.ReasonTicket},
		"with another MAC":         {spoil: func(b []byte) { b[ticket.Size-1] ^= 0x80 }, want: wire.ReasonTicket},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, s := start(t, nil)
			sealed := pass(t, m, s, tt.change)
			if tt.spoil != nil {
				tt.spoil(sealed[:])
			}
			m.now += int64(tt.wait)
			b := ask(t, m, s, addr(1), 7, sealed)
			_, players := s.occupancy()
			if tt.want == 0 {
				require.NoError(t, wire.ParseWelcome(b.one(), &b.w))
				require.Equal(t, 1, players)
				return
			}
			require.Equal(t, tt.want, b.rejected())
			require.Zero(t, players)
			require.EqualValues(t, 1, b.refused(refusedTicket))
		})
	}
}

func TestATicketIsTakenOnce(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	sealed := invite(t, m, s, alice, 0, battle)
	a := joinWith(t, m, s, addr(1), sealed)

	// Its first bearer may ask again, for the welcome may have been lost.
	a.send(&wire.Join{Nonce: 7, Ticket: sealed})
	var again wire.Welcome
	require.NoError(t, wire.ParseWelcome(a.one(), &again))
	require.Equal(t, a.w, again)

	// Stolen or replayed it is worth nothing, also when its bearer is gone.
	require.Equal(t, wire.ReasonTicket, ask(t, m, s, addr(2), 7, sealed).rejected())
	require.Equal(t, wire.ReasonTicket, ask(t, m, s, addr(1), 8, sealed).rejected())
	a.input(nil)
	require.EqualValues(t, 1, a.snapshot().AckSeq, "the player plays on")
	a.send(&wire.Leave{Token: a.w.Token})
	require.Equal(t, wire.ReasonTicket, ask(t, m, s, addr(1), 9, sealed).rejected())
}

func TestUsedTicketsAreForgottenWhenTheyHaveExpired(t *testing.T) {
	t.Parallel()
	s := serials{}
	for i := range uint64(10 * sweepAt) {
		require.False(t, s.taken(i, int64(i)))
		s.take(i, int64(i)+100)
		require.True(t, s.taken(i, int64(i)))
	}
	require.LessOrEqual(t, len(s), sweepAt)
}

func TestATicketNamesTheRoom(t *testing.T) {
	t.Parallel()
	m, s := start(t, func(c *config.Config) { c.MaxPlayers = 2 })
	a := joinWith(t, m, s, addr(1), invite(t, m, s, alice, 1, battle))
	require.EqualValues(t, 1, a.w.Room)
	require.Equal(t, wire.ReasonTicket, ask(t, m, s, addr(2), 7, invite(t, m, s, bob, 1, ticket.ID{1})).rejected(), "another battle has the room")
	b := joinWith(t, m, s, addr(2), invite(t, m, s, bob, 1, battle))
	require.EqualValues(t, 1, b.w.Room)
	require.Equal(t, wire.ReasonFull, ask(t, m, s, addr(3), 7, invite(t, m, s, carol, 1, battle)).rejected())
	require.EqualValues(t, 0, join(t, m, s, addr(4)).w.Room, "bots that measure keep out of players' battles")
}

func TestAPlayerComesBackToItsOwnPlace(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := joinWith(t, m, s, addr(1), invite(t, m, s, alice, 0, battle))
	b := joinWith(t, m, s, addr(2), invite(t, m, s, bob, 0, battle))
	s.rooms[0].arena.Players[a.w.Player].Score = 5

	// From another address, as after a change of networks.
	back := joinWith(t, m, s, addr(9), invite(t, m, s, alice, 0, battle))
	require.Equal(t, a.w.Player, back.w.Player)
	require.NotEqual(t, a.w.Token, back.w.Token)
	require.EqualValues(t, 5, s.rooms[0].arena.Players[a.w.Player].Score)
	_, players := s.occupancy()
	require.Equal(t, 2, players)
	a.input(nil)
	require.EqualValues(t, 1, s.metrics.refused[refusedSession], "the old session is over")

	// To another battle: then the old place is free.
	elsewhere := ask(t, m, s, addr(9), 8, invite(t, m, s, alice, 1, ticket.ID{2}))
	require.NoError(t, wire.ParseWelcome(elsewhere.one(), &elsewhere.w))
	require.Equal(t, 1, s.rooms[0].count)
	require.Equal(t, 1, s.rooms[1].count)
	b.stays()
}

func TestABattleThatIsOverDoesNotBeginAnew(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	late := invite(t, m, s, bob, 0, battle)
	a := joinWith(t, m, s, addr(1), invite(t, m, s, alice, 0, battle))
	a.send(&wire.Leave{Token: a.w.Token})
	require.Equal(t, wire.ReasonTicket, ask(t, m, s, addr(2), 7, late).rejected())
	require.EqualValues(t, 1, s.metrics.battlesStarted)
}

func TestSnapshotsCarryTheSessionsTag(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := join(t, m, s, addr(1))
	s.Tick()
	var snap wire.Snapshot
	require.NoError(t, wire.ParseSnapshot(a.one(), &snap))
	require.Equal(t, uint32(a.w.Token), snap.Tag)
}
