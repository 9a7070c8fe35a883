package server

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/peer"
	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

func TestJoin(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := join(t, m, s, addr(1))
	b := join(t, m, s, addr(2))
	require.NotEqual(t, a.w.Token, b.w.Token)
	require.NotZero(t, a.w.Token)
	require.Equal(t, wire.Welcome{
		Nonce: 7, Token: b.w.Token, Room: 0, Player: 1, TickRate: 120, EndTick: 300 * 120, Width: 16000, Height: 9600,
	}, b.w)
	rooms, players := s.occupancy()
	require.Equal(t, [2]int{1, 2}, [2]int{rooms, players})
}

func TestJoinAgainGetsTheSamePlace(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := join(t, m, s, addr(1))
	a.send(&wire.Join{Nonce: 7})
	var again wire.Welcome
	require.NoError(t, wire.ParseWelcome(a.one(), &again))
	require.Equal(t, a.w, again)
	_, players := s.occupancy()
	require.Equal(t, 1, players)
}

func TestJoinWithAnotherNonceReplacesTheSession(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	old := join(t, m, s, addr(1))
	a := &bot{t: t, m: m, s: s, addr: addr(1)}
	a.tick = pass(t, m, s, nil)
	a.send(&wire.Join{Nonce: 8, Ticket: a.tick})
	var c wire.Challenge
	require.NoError(t, wire.ParseChallenge(a.one(), &c))
	old.input(nil)
	require.Zero(t, a.refused(refusedSession), "a join without a cookie may be forged: it ends nothing")
	a.send(&wire.Join{Nonce: 8, Cookie: c.Cookie, Ticket: a.tick})
	require.NoError(t, wire.ParseWelcome(a.one(), &a.w))
	require.NotEqual(t, old.w.Token, a.w.Token)
	_, players := s.occupancy()
	require.Equal(t, 1, players)
	old.input(nil)
	require.EqualValues(t, 1, a.refused(refusedSession))
}

func TestCookies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*transport.Addr, *wire.Join)
		wait   time.Duration
		ok     bool
	}{
		"at once":         {ok: true},
		"ten seconds on":  {wait: 10 * time.Second, ok: true},
		"too late":        {wait: 20 * time.Second},
		"another nonce":   {change: func(_ *transport.Addr, j *wire.Join) { j.Nonce++ }},
		"another port":    {change: func(a *transport.Addr, _ *wire.Join) { a.Port++ }},
		"another address": {change: func(a *transport.Addr, _ *wire.Join) { a.IP[3]++ }},
		"one bit flipped": {change: func(_ *transport.Addr, j *wire.Join) { j.Cookie[15] ^= 1 }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, s := start(t, nil)
			b := &bot{t: t, m: m, s: s, addr: addr(1)}
			b.send(&wire.Join{Nonce: 7})
			var c wire.Challenge
			require.NoError(t, wire.ParseChallenge(b.one(), &c))
			j := wire.Join{Nonce: 7, Cookie: c.Cookie, Ticket: pass(t, m, s, func(tk *ticket.Ticket) { tk.Expires += 60000 })}
			if tt.change != nil {
				tt.change(&b.addr, &j)
			}
			m.now += int64(tt.wait)
			b.send(&j)
			answer := b.one()
			if tt.ok {
				require.NoError(t, wire.ParseWelcome(answer, &b.w))
				return
			}
			require.NoError(t, wire.ParseChallenge(answer, &c))
			require.EqualValues(t, 1, b.refused(refusedCookie))
			_, players := s.occupancy()
			require.Zero(t, players)
		})
	}
}

func TestRoomsFillUp(t *testing.T) {
	t.Parallel()
	m, s := start(t, func(c *config.Config) { c.Rooms, c.MaxPlayers = 2, 3 })
	var rooms []uint16
	for i := range byte(6) {
		rooms = append(rooms, join(t, m, s, addr(i)).w.Room)
	}
	require.Equal(t, []uint16{0, 0, 0, 1, 1, 1}, rooms)
	late := ask(t, m, s, addr(100), 9, pass(t, m, s, nil))
	var r wire.Reject
	require.NoError(t, wire.ParseReject(late.one(), &r))
	require.Equal(t, wire.Reject{Nonce: 9, Reason: wire.ReasonFull}, r)
	require.EqualValues(t, 1, late.refused(refusedFull))
}

func TestInputsAreAnsweredAtTheNextTick(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := join(t, m, s, addr(1))
	b := join(t, m, s, addr(2))
	before := a.snapshot()
	require.Equal(t, [2]uint32{0, 0}, [2]uint32{before.AckSeq, uint32(before.AckWait)})
	b.read(b.one())

	a.input(func(in *wire.Input) { in.MoveX, in.Aim = 127, 100 })
	m.now += 3e6
	after := a.snapshot()
	require.EqualValues(t, before.Tick+1, after.Tick)
	require.EqualValues(t, 1, after.AckSeq)
	require.EqualValues(t, 3000+8333, after.AckWait)
	require.True(t, after.State.Players[0].Present && after.State.Players[1].Present && !after.State.Players[2].Present)
	require.EqualValues(t, 100, after.State.Players[0].Aim)
	require.Equal(t, min(before.State.Players[0].X+2*sim.Unit, (1000-16)*sim.Unit), after.State.Players[0].X)

	other := b.read(b.one())
	require.Zero(t, other.AckSeq)
	require.Equal(t, after.State, other.State)
}

// All inputs count, in order: those that come in one tick, and those that come late, because another packet repeats them.
func TestEveryInputCounts(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := join(t, m, s, addr(1))
	a.snapshot()
	p := &s.rooms[0].arena.Players[0]
	p.X, p.Y = 500*sim.Unit, 300*sim.Unit
	right := wire.Command{MoveX: 127}
	// 1 comes, 2 to 4 are lost, 5 repeats them, then comes 4, which was only late.
	m.now += second / 120
	a.input(func(in *wire.Input) { in.Command = right })
	require.EqualValues(t, 502*sim.Unit, a.snapshot().State.Players[0].X)
	require.EqualValues(t, 502*sim.Unit, a.snapshot().State.Players[0].X, "nothing has come")
	a.input(func(in *wire.Input) {
		in.Seq, in.Command, in.Repeated, in.Earlier = 5, right, 4, [wire.MaxEarlier]wire.Command{right, right, right, {MoveX: -127}}
	})
	a.input(func(in *wire.Input) { in.Seq, in.Command = 4, right })
	after := a.snapshot()
	require.EqualValues(t, 510*sim.Unit, after.State.Players[0].X, "2 to 5, and the first not again")
	require.EqualValues(t, 5, after.AckSeq)
	require.EqualValues(t, 1, a.refused(refusedStale))
	require.Zero(t, s.metrics.inputsLost)

	// What nobody repeats is lost.
	m.now += second
	a.input(func(in *wire.Input) { in.Seq, in.Command, in.Repeated = 10, right, 1; in.Earlier[0] = right })
	require.EqualValues(t, 514*sim.Unit, a.snapshot().State.Players[0].X)
	require.EqualValues(t, 3, s.metrics.inputsLost)
	require.EqualValues(t, 10, a.snapshot().AckSeq)
}

// Whoever sends more inputs than there are ticks does not get further than the others.
func TestNobodyIsFasterThanTime(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := join(t, m, s, addr(1))
	p := &s.rooms[0].arena.Players[0]
	p.X, p.Y = 16*sim.Unit, 300*sim.Unit
	const ticks = 120
	for range ticks {
		m.now += second / ticks
		for range 2 {
			a.input(func(in *wire.Input) { in.MoveX = 127 })
		}
		s.Tick()
	}
	way := int(p.X-16*sim.Unit) / (2 * sim.Unit)
	require.InDelta(t, ticks*grantOf/grantIn, way, 1+firstGrant)
	require.NotZero(t, s.metrics.inputsLost, "the rest has no place to wait in")
	m.outbox = nil
}

// When the server had no processor for a quarter of a second, what players sent meanwhile counts at once, and nobody's inputs wait longer from then on.
func TestAfterAStallInputsDoNotWait(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := join(t, m, s, addr(1))
	s.rooms[0].arena.Players[0].X, s.rooms[0].arena.Players[0].Y = 16*sim.Unit, 300*sim.Unit
	right := func(in *wire.Input) { in.MoveX = 127 }
	for range 10 {
		a.input(right)
		a.snapshot()
	}
	m.now += second / 4
	for range 30 {
		a.input(right)
	}
	for range 30 / sim.MaxInputs {
		a.snapshot()
	}
	for range 100 {
		a.input(right)
		require.Equal(t, a.seq, a.snapshot().AckSeq)
	}
	require.Zero(t, s.metrics.inputsLost)
	require.EqualValues(t, (16+2*140)*sim.Unit, s.rooms[0].arena.Players[0].X)
}

func TestATriggerPulledBetweenTicksIsNotLost(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := join(t, m, s, addr(1))
	a.input(func(in *wire.Input) { in.Buttons = wire.ButtonFire })
	a.input(nil)
	require.True(t, a.snapshot().State.Players[0].Fired)
	for range 60 {
		require.False(t, a.snapshot().State.Players[0].Fired)
	}
	_ = m
}

// A player gets only what has changed since the snapshot that it has, and the whole state where it has none, or one that is too old.
func TestSnapshotsAreWrittenAgainstWhatThePlayerHas(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	var bots []*bot
	for i := range byte(10) {
		bots = append(bots, join(t, m, s, addr(i)))
	}
	a := bots[0]
	next := func(ack uint32) (wire.Snapshot, peer.Snapshot) {
		a.input(func(in *wire.Input) { in.AckTick = ack })
		m.now += second / 120
		s.Tick()
		b := a.one()
		var p wire.Snapshot
		require.NoError(t, wire.ParseSnapshot(b, &p))
		return p, a.read(b)
	}
	whole, first := next(0)
	require.Zero(t, whole.Back)
	again, _ := next(0)
	require.Zero(t, again.Back, "it has not said that it has any")
	changes, second := next(first.Tick)
	require.EqualValues(t, 2, changes.Back)
	require.Less(t, len(changes.State), len(whole.State)/5)
	for i := range second.State.Players {
		require.Equal(t, first.State.Players[i].Predict(peer.Motion(&a.w), 2), second.State.Players[i])
	}
	for range wire.MaxBack {
		next(second.Tick)
	}
	old, _ := next(second.Tick)
	require.Zero(t, old.Back, "the server does not remember that one")
}

// Who comes back into a battle that goes on gets the whole state first, and plays on with the body that it had.
func TestComeBackIntoABattle(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	seat := func(tk *ticket.Ticket) { tk.Room, tk.Battle, tk.Player = 1, ticket.ID{0xB1}, ticket.ID{1} }
	a := joinWith(t, m, s, addr(1), pass(t, m, s, seat))
	before := a.snapshot()
	a.input(func(in *wire.Input) { in.AckTick = before.Tick })
	a.snapshot()
	back := joinWith(t, m, s, addr(2), pass(t, m, s, seat))
	require.Equal(t, a.w.Player, back.w.Player)
	require.NotEqual(t, a.w.Token, back.w.Token)
	m.now += second / 120
	s.Tick()
	b := back.one()
	var p wire.Snapshot
	require.NoError(t, wire.ParseSnapshot(b, &p))
	require.Zero(t, p.Back)
	after := back.read(b)
	require.Equal(t, before.Tick+2, after.Tick)
	require.Equal(t, before.State.Players[a.w.Player].X, after.State.Players[a.w.Player].X)
	require.Empty(t, m.answers(addr(1)))
	back.input(func(in *wire.Input) { in.AckTick = after.Tick })
	require.EqualValues(t, 1, back.snapshot().AckSeq)
}

func TestRefusedPackets(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		send func(*bot)
		why  refusal
	}{
		"a stale input": {func(b *bot) { b.input(func(in *wire.Input) { in.Seq = 1 }) }, refusedStale},
		"an acknowledged tick that has not been": {func(b *bot) {
			b.input(func(in *wire.Input) { in.AckTick = 1000 })
		}, refusedValue},
		"a token from another address": {func(b *bot) {
			thief := *b
			thief.addr = addr(66)
			thief.input(nil)
		}, refusedAddress},
		"a leave from another address": {func(b *bot) {
			thief := *b
			thief.addr = addr(66)
			thief.send(&wire.Leave{Token: b.w.Token})
		}, refusedAddress},
		"a guessed token":       {func(b *bot) { b.input(func(in *wire.Input) { in.Token++ }) }, refusedSession},
		"an answer as question": {func(b *bot) { b.send(&wire.Challenge{}) }, refusedKind},
		"another protocol":      {func(b *bot) { b.s.HandlePacket(b.addr, []byte("GET / HTTP/1.1")) }, refusedMagic},
		"nothing":               {func(b *bot) { b.s.HandlePacket(b.addr, nil) }, refusedShort},
		"a cut input":           {func(b *bot) { b.s.HandlePacket(b.addr, (&wire.Input{Seq: 9}).AppendTo(nil)[:9]) }, refusedLength},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, s := start(t, nil)
			b := join(t, m, s, addr(1))
			b.input(nil)
			want := b.snapshot()
			tt.send(b)
			require.EqualValues(t, 1, b.refused(tt.why))
			m.outbox = nil
			got := b.snapshot()
			require.Equal(t, want.AckSeq, got.AckSeq)
			_, players := s.occupancy()
			require.Equal(t, 1, players)
		})
	}
}

func TestAnotherVersionIsTold(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	b := (&wire.Join{}).AppendTo(nil)
	b[1] = wire.Version + 1
	s.HandlePacket(addr(1), b)
	var r wire.Reject
	require.NoError(t, wire.ParseReject(m.answers(addr(1))[0], &r))
	require.Equal(t, wire.ReasonVersion, r.Reason)
}
