package server

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// fakeMachine is a machine whose time a test moves, and whose packets it sends and reads.
type fakeMachine struct {
	now     int64
	cost    int64 // what each look at the clock takes
	inbox   []datagram
	outbox  []datagram
	discard bool // nobody reads the outbox
	waits   int
	rests   int
	late    int64 // how much later a rest ends than it should
	seed    byte

	dials []int64  // when connections come that ask for /readyz
	pages []string // what they are answered
}

type datagram struct {
	addr transport.Addr
	b    []byte
	at   int64 // an inbound one is there from then on
}

func (m *fakeMachine) Now() int64 {
	m.now += m.cost
	return m.now
}

func (m *fakeMachine) Entropy(b []byte) error {
	for i := range b {
		m.seed = m.seed*5 + 17
		b[i] = m.seed
	}
	return nil
}

func (m *fakeMachine) Receive(b []byte) (int, transport.Addr, error) {
	if len(m.inbox) == 0 || m.inbox[0].at > m.now {
		return 0, transport.Addr{}, transport.ErrAgain
	}
	d := m.inbox[0]
	m.inbox = m.inbox[1:]
	if len(d.b) > len(b) {
		return len(b), d.addr, transport.ErrTruncated
	}
	return copy(b, d.b), d.addr, nil
}

func (m *fakeMachine) Send(b []byte, to transport.Addr) error {
	if !m.discard {
		m.outbox = append(m.outbox, datagram{addr: to, b: append([]byte(nil), b...)})
	}
	return nil
}

func (m *fakeMachine) Wait(deadline int64) {
	m.waits++
	if len(m.inbox) > 0 && m.inbox[0].at < deadline {
		m.now = max(m.now, m.inbox[0].at)
		return
	}
	m.now = max(m.now, deadline)
}

func (m *fakeMachine) Rest(deadline int64) {
	m.rests++
	if len(m.dials) > 0 {
		deadline = min(deadline, m.dials[0])
	}
	m.Wait(deadline)
	m.now += m.late
}

func (m *fakeMachine) Accept() (transport.Conn, error) {
	if len(m.dials) == 0 || m.dials[0] > m.now {
		return 0, transport.ErrAgain
	}
	m.dials = m.dials[1:]
	return 0, nil
}

func (m *fakeMachine) Read(_ transport.Conn, b []byte) (int, error) {
	return copy(b, "GET /readyz HTTP/1.1\r\n\r\n"), nil
}

func (m *fakeMachine) Write(_ transport.Conn, b []byte) (int, error) {
	m.pages = append(m.pages, string(b))
	return len(b), nil
}

func (m *fakeMachine) Close(transport.Conn) {}

// answers takes the outbox's datagrams to an address.
func (m *fakeMachine) answers(to transport.Addr) [][]byte {
	var got [][]byte
	rest := m.outbox[:0]
	for _, d := range m.outbox {
		if d.addr == to {
			got = append(got, d.b)
		} else {
			rest = append(rest, d)
		}
	}
	m.outbox = rest
	return got
}

// start returns a server on a fake machine.
func start(t testing.TB, change func(*config.Config)) (*fakeMachine, *Server) {
	t.Helper()
	m := &fakeMachine{now: 1000 * second}
	cfg := config.Default()
	cfg.Rooms = 2
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg, m, Build{Version: "test", Runtime: "fake"})
	require.NoError(t, err)
	return m, s
}

// bot is a player of a test.
type bot struct {
	t    testing.TB
	m    *fakeMachine
	s    *Server
	addr transport.Addr
	w    wire.Welcome
	seq  uint32
}

func addr(n byte) transport.Addr { return transport.Addr{IP: [4]byte{10, 0, 0, n}, Port: 4000} }

// join takes a player through challenge and welcome.
func join(t testing.TB, m *fakeMachine, s *Server, from transport.Addr) *bot {
	t.Helper()
	b := &bot{t: t, m: m, s: s, addr: from}
	b.send(&wire.Join{Nonce: 7})
	var c wire.Challenge
	require.NoError(t, wire.ParseChallenge(b.one(), &c))
	b.send(&wire.Join{Nonce: 7, Cookie: c.Cookie})
	require.NoError(t, wire.ParseWelcome(b.one(), &b.w))
	return b
}

func (b *bot) send(p interface{ AppendTo([]byte) []byte }) {
	b.s.At(b.m.now)
	b.s.HandlePacket(b.addr, p.AppendTo(nil))
}

// stays makes this a player who is not dropped, however silent.
func (b *bot) stays() { b.s.byToken[b.w.Token].lastSeen = math.MaxInt64 }

// one takes the one answer that there is.
func (b *bot) one() []byte {
	b.t.Helper()
	got := b.m.answers(b.addr)
	require.Len(b.t, got, 1)
	return got[0]
}

func (b *bot) input(change func(*wire.Input)) {
	b.seq++
	in := wire.Input{Token: b.w.Token, Seq: b.seq}
	if change != nil {
		change(&in)
	}
	b.send(&in)
}

// snapshot runs a tick, a period later, and takes what the player gets.
func (b *bot) snapshot() wire.Snapshot {
	b.t.Helper()
	b.m.now += second / 120
	b.s.Tick()
	var s wire.Snapshot
	require.NoError(b.t, wire.ParseSnapshot(b.one(), &s))
	return s
}

func (b *bot) refused(why refusal) uint64 { return b.s.metrics.refused[why] }
