package server

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
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
	require.Equal(t, [2]uint32{0, 0}, [2]uint32{before.AckSeq, before.AckWait})
	m.answers(b.addr)

	a.input(func(in *wire.Input) { in.MoveX, in.Aim = 127, 100 })
	m.now += 3e6
	after := a.snapshot()
	require.EqualValues(t, before.Tick+1, after.Tick)
	require.EqualValues(t, 1, after.AckSeq)
	require.EqualValues(t, 3000+8333, after.AckWait)
	require.EqualValues(t, 0, after.Self)
	require.EqualValues(t, 2, after.Count)
	require.EqualValues(t, 100, after.Players[0].Aim)
	require.Equal(t, min(before.Players[0].X+32, 16000-16*16), after.Players[0].X)

	var other wire.Snapshot
	require.NoError(t, wire.ParseSnapshot(b.one(), &other))
	require.EqualValues(t, 1, other.Self)
	require.Zero(t, other.AckSeq)
	require.Equal(t, after.Players, other.Players)
}

func TestLastInputHoldsForAWhile(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := join(t, m, s, addr(1))
	s.rooms[0].arena.Players[0].X, s.rooms[0].arena.Players[0].Y = 500*256, 300*256
	a.input(func(in *wire.Input) { in.MoveX = 1 })
	x := a.snapshot().Players[0].X
	for range 28 {
		a.snapshot()
	}
	held := a.snapshot().Players[0].X
	require.Greater(t, held, x)
	for range 10 {
		a.snapshot()
	}
	require.Equal(t, a.snapshot().Players[0].X, a.snapshot().Players[0].X)
	require.EqualValues(t, 1, a.snapshot().AckSeq)
}

func TestATriggerPulledBetweenTicksIsNotLost(t *testing.T) {
	t.Parallel()
	m, s := start(t, nil)
	a := join(t, m, s, addr(1))
	a.input(func(in *wire.Input) { in.Buttons = wire.ButtonFire })
	a.input(nil)
	require.NotZero(t, a.snapshot().Players[0].Flags&wire.FlagFired)
	for range 60 {
		require.Zero(t, a.snapshot().Players[0].Flags&wire.FlagFired)
	}
	_ = m
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
