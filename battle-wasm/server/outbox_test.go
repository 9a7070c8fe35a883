package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/httpd"
	"github.com/edge-arena/edge-arena/battle-wasm/nats"
	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// fakeBus is a connection to NATS that a test cuts, fills and looks at.
type fakeBus struct {
	down      bool
	full      bool
	forgetful bool // it only counts
	connects  uint64
	count     int
	sent      []sent
}

type sent struct {
	subject, reply string
	headers        map[string]string
	payload        []byte
}

func (f *fakeBus) Ready() bool         { return !f.down }
func (f *fakeBus) Counts() nats.Counts { return nats.Counts{Connects: f.connects} }
func (f *fakeBus) Pump(int64)          {}

func (f *fakeBus) Publish(subject, reply string, headers []nats.Header, payload []byte) bool {
	if f.full {
		return false
	}
	f.count++
	if f.forgetful {
		return true
	}
	m := sent{subject: subject, reply: reply, headers: map[string]string{}, payload: append([]byte(nil), payload...)}
	for _, h := range headers {
		m.headers[h.Name] = string(h.Value)
	}
	f.sent = append(f.sent, m)
	return true
}

// take takes what was sent to subjects that begin so.
func (f *fakeBus) take(prefix string) []sent {
	var got, rest []sent
	for _, m := range f.sent {
		if strings.HasPrefix(m.subject, prefix) {
			got = append(got, m)
		} else {
			rest = append(rest, m)
		}
	}
	f.sent = rest
	return got
}

// onBus is a server that publishes.
func onBus(t *testing.T, change func(*config.Config)) (*fakeMachine, *Server, *fakeBus) {
	t.Helper()
	m, s := start(t, change)
	bus := &fakeBus{}
	s.bus = bus
	return m, s, bus
}

func ticks(m *fakeMachine, s *Server, n int) {
	for range n {
		m.now += second / 120
		s.Tick()
	}
}

// results decodes results, and holds their heads to what they must be.
func results(t *testing.T, got []sent) []report.Result {
	t.Helper()
	var all []report.Result
	for _, m := range got {
		var r report.Result
		require.NoError(t, json.Unmarshal(m.payload, &r))
		require.Equal(t, report.ResultSubject+"pod-1", m.subject)
		require.Equal(t, r.Battle, m.headers[report.HeaderMessageID])
		require.True(t, keys(t).Verify(m.headers[report.HeaderMAC], m.payload))
		require.NotEmpty(t, m.reply)
		all = append(all, r)
	}
	return all
}

func ends(t *testing.T, b *bot) []wire.Record {
	t.Helper()
	var got []wire.Record
	for _, packet := range b.m.answers(b.addr) {
		var e wire.End
		if wire.ParseEnd(packet, &e) == nil {
			require.Equal(t, b.w.Token, e.Token)
			got = append(got, e.Record)
		}
	}
	return got
}

func TestAResultIsSentUntilItIsRecorded(t *testing.T) {
	t.Parallel()
	m, s, bus := onBus(t, func(c *config.Config) { c.BattleSeconds = 1 })
	a := joinWith(t, m, s, addr(1), invite(t, m, s, alice, 0, battle))
	b := joinWith(t, m, s, addr(2), invite(t, m, s, bob, 0, battle))
	s.rooms[0].arena.Players[0].Score = 3
	s.rooms[0].arena.Players[1].Score = 2
	b.send(&wire.Leave{Token: b.w.Token})
	began := m.Wall()
	ticks(m, s, 120)

	got := bus.take(report.ResultSubject)
	require.Equal(t, []report.Result{{
		Battle: battle.String(), Pod: "pod-1", Run: s.runText, Room: 0, Outcome: report.Finished,
		StartedAt: began, EndedAt: began + 999, Ticks: 120, TickRate: 120,
		Players: []report.Score{{Player: alice.String(), Points: 3}, {Player: bob.String(), Points: 2, Left: true}},
	}}, results(t, got))
	ticks(m, s, 100)
	require.Equal(t, []wire.Record{wire.RecordPending, wire.RecordPending, wire.RecordPending}, ends(t, a))
	require.Empty(t, bus.take(report.ResultSubject), "it has two seconds to be acknowledged")

	ticks(m, s, 150)
	again := bus.take(report.ResultSubject)
	require.Len(t, again, 1)
	require.Equal(t, got[0].payload, again[0].payload)

	// An error, and an answer that nobody listens, are no acknowledgement.
	for _, answer := range []string{``, `{"error":{"code":503},"seq":0}`} {
		s.acknowledged([]byte(again[0].reply), []byte(answer))
		ticks(m, s, 121)
		require.Len(t, bus.take(report.ResultSubject), 1, answer)
	}
	s.acknowledged([]byte("77"), []byte(`{"stream":"BATTLE_RESULTS","seq":1}`))
	require.Len(t, s.outbox.entries, 1, "another's acknowledgement")

	s.acknowledged([]byte(again[0].reply), []byte(`{"stream":"BATTLE_RESULTS","seq":1,"duplicate":true}`))
	require.Empty(t, s.outbox.entries)
	ticks(m, s, 300)
	require.Empty(t, bus.take(report.ResultSubject))
	require.Equal(t, []wire.Record{wire.RecordDone, wire.RecordDone, wire.RecordDone}, ends(t, a))
}

func TestResultsWaitForNATSWithinABound(t *testing.T) {
	t.Parallel()
	m, s, bus := onBus(t, nil)
	bus.down = true
	for i := range outboxSize + 3 {
		p := joinWith(t, m, s, addr(1), invite(t, m, s, alice, 0, ticket.ID{0: 1, 14: byte(i >> 8), 15: byte(i)}))
		p.send(&wire.Leave{Token: p.w.Token})
		m.now += second / 100
	}
	ticks(m, s, 1)
	require.Len(t, s.outbox.entries, outboxSize)
	require.EqualValues(t, 3, s.metrics.resultsLost)

	// It plays on meanwhile, and sends all when NATS is there.
	a := joinWith(t, m, s, addr(1), invite(t, m, s, alice, 0, battle))
	a.input(nil)
	require.EqualValues(t, 1, a.snapshot().AckSeq)
	bus.down, bus.full = false, true
	ticks(m, s, 1)
	require.Empty(t, bus.sent)
	bus.full = false
	ticks(m, s, 1)
	got := results(t, bus.take(report.ResultSubject))
	require.Len(t, got, outboxSize)
	for _, r := range got {
		require.Equal(t, report.Abandoned, r.Outcome)
		require.Equal(t, []report.Score{{Player: alice.String(), Left: true}}, r.Players)
	}

	// A connection that was lost may have taken them with it: a new one is sent them at once.
	bus.connects++
	ticks(m, s, 1)
	require.Len(t, bus.take(report.ResultSubject), outboxSize)
}

func TestBotsThatMeasureLeaveNoResult(t *testing.T) {
	t.Parallel()
	m, s, bus := onBus(t, func(c *config.Config) { c.BattleSeconds = 1 })
	a := join(t, m, s, addr(1))
	a.stays()
	ticks(m, s, 150)
	require.Empty(t, bus.take(report.ResultSubject))
	require.Equal(t, []wire.Record{wire.RecordNone, wire.RecordNone, wire.RecordNone}, ends(t, a))
}

func TestPresence(t *testing.T) {
	t.Parallel()
	m, s, bus := onBus(t, nil)
	ticks(m, s, 120*10)
	got := bus.take(report.PresenceSubject)
	require.InDelta(t, 20, len(got), 1, "twice a second")

	a := joinWith(t, m, s, addr(1), invite(t, m, s, alice, 1, battle))
	a.stays()
	ticks(m, s, 7)
	got = bus.take(report.PresenceSubject)
	require.Len(t, got, 1, "at once when something has changed")
	require.Equal(t, report.PresenceSubject+"pod-1", got[0].subject)
	require.Empty(t, got[0].reply)
	require.True(t, keys(t).Verify(got[0].headers[report.HeaderMAC], got[0].payload))
	var p report.Presence
	require.NoError(t, json.Unmarshal(got[0].payload, &p))
	require.Equal(t, report.Presence{
		Pod: "pod-1", Run: s.runText, Address: "127.0.0.1:20000", Sequence: p.Sequence, TickRate: 120, MaxPlayers: 10, RoomsLimit: 2,
		Rooms: []report.Room{{Room: 1, Battle: battle.String(), EndsIn: 299, Players: []string{alice.String()}}},
	}, p)
	join(t, m, s, addr(2)).stays()
	s.startDrain()
	s.drain.by, s.drain.empty = 1<<62, 0
	s.drain.on = true
	ticks(m, s, 1)
	require.NoError(t, json.Unmarshal(s.appendPresence(nil), &p))
	require.True(t, p.Draining)
}

func TestDrain(t *testing.T) {
	t.Parallel()
	m, s, bus := onBus(t, func(c *config.Config) { c.DrainSeconds = 60 })
	a := joinWith(t, m, s, addr(1), invite(t, m, s, alice, 0, battle))
	a.stays()
	s.startDrain()
	ticks(m, s, 120)
	require.False(t, s.drained())
	require.Equal(t, wire.ReasonFull, ask(t, m, s, addr(2), 7, invite(t, m, s, bob, 1, ticket.ID{3})).rejected(), "no new battle")
	require.Equal(t, wire.ReasonFull, ask(t, m, s, addr(2), 8, pass(t, m, s, nil)).rejected(), "nor one to measure")
	joinWith(t, m, s, addr(2), invite(t, m, s, bob, 0, battle)).stays()

	m.now += 60 * second
	s.startDrain() // asking again does not move the deadline
	ticks(m, s, 1)
	got := bus.take(report.ResultSubject)
	require.Equal(t, report.Drained, results(t, got)[0].Outcome)
	require.False(t, s.drained(), "the result is not recorded")
	s.acknowledged([]byte(got[0].reply), []byte(`{"seq":1}`))
	ticks(m, s, 60)
	require.True(t, s.drained())
	require.Equal(t, wire.RecordDone, ends(t, a)[3])
}

func TestDrainDoesNotWaitForNATSForEver(t *testing.T) {
	t.Parallel()
	m, s, bus := onBus(t, nil)
	bus.down = true
	a := joinWith(t, m, s, addr(1), invite(t, m, s, alice, 0, battle))
	s.startDrain()
	ticks(m, s, 1)
	a.send(&wire.Leave{Token: a.w.Token})
	ticks(m, s, 120*9)
	require.False(t, s.drained())
	ticks(m, s, 120*2)
	require.True(t, s.drained())
}

func TestDrainIsAskedForOverLoopback(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	l.Turn()
	m.remote = true
	r := httpd.Response{Status: 200}
	l.handle(httpd.Request{Path: []byte("/drain")}, &r)
	require.Equal(t, "403 only from this machine\n", fmt.Sprint(r.Status, " ", string(r.Body)))
	require.False(t, l.server.drain.on)

	m.remote = false
	m.page, m.dials = "/drain", []int64{m.now}
	l.Run() // returns because it has drained
	require.Len(t, m.pages, 1)
	require.Contains(t, m.pages[0], "HTTP/1.1 200 OK\r\n")
	require.True(t, strings.HasSuffix(m.pages[0], "drained\n"))
}

func TestRosterForgetsOnlyThoseWhoLeft(t *testing.T) {
	t.Parallel()
	var r roster
	r.enter(alice, 0)
	for i := range 2 * report.MaxPlayers {
		r.enter(ticket.ID{1: 1, 15: byte(i)}, 1)
		r.leave(1, uint32(i))
	}
	require.Equal(t, report.MaxPlayers, r.count)
	require.Equal(t, member{id: alice}, r.members[0])
	require.Equal(t, member{id: ticket.ID{1: 1, 15: 2*report.MaxPlayers - 1}, place: -1, points: 2*report.MaxPlayers - 1}, r.members[r.count-1])
	r.enter(ticket.ID{1: 1, 15: 2*report.MaxPlayers - 1}, 4)
	r.leave(4, 10)
	require.EqualValues(t, 2*report.MaxPlayers+9, r.members[r.count-1].points)
}
