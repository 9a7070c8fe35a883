package server

import (
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/peer"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
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
	rests   int   // those that are longer than a tick
	late    int64 // how much later a rest ends than it should
	seed    byte

	dials []int64  // when connections come that ask for /readyz
	asks  int64    // when what they ask for comes
	pages []string // what they are answered
	paged []int64  // when

	page   string // what the connections ask for instead
	remote bool   // they come from another machine
	log    []byte
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

// epoch is when a fake machine's time began, in ms since 1970.
const epoch = int64(1.7e12)

func (m *fakeMachine) Wall() int64 { return epoch + m.now/1e6 }

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

func (m *fakeMachine) Rest(deadline int64, conns []transport.Conn) {
	late := int64(0)
	if deadline-m.now > second/100 {
		m.rests++
		late = m.late
	}
	if len(m.dials) > 0 {
		deadline = min(deadline, m.dials[0])
	}
	if len(conns) > 0 {
		deadline = min(deadline, m.asks)
	}
	m.Wait(deadline)
	m.now += late
}

func (m *fakeMachine) Accept() (transport.Conn, error) {
	if len(m.dials) == 0 || m.dials[0] > m.now {
		return 0, transport.ErrAgain
	}
	m.dials = m.dials[1:]
	return 0, nil
}

func (m *fakeMachine) Read(_ transport.Conn, b []byte) (int, error) {
	if m.asks > m.now {
		return 0, transport.ErrAgain
	}
	page := "/readyz"
	if m.page != "" {
		page = m.page
	}
	return copy(b, "GET "+page+" HTTP/1.1\r\n\r\n"), nil
}

func (m *fakeMachine) Write(_ transport.Conn, b []byte) (int, error) {
	m.pages, m.paged = append(m.pages, string(b)), append(m.paged, m.now)
	return len(b), nil
}

func (m *fakeMachine) Close(transport.Conn) {}

func (m *fakeMachine) Dial(transport.Addr) (transport.Conn, error) { return 0, transport.ErrAgain }

func (m *fakeMachine) Local(transport.Conn) bool { return !m.remote }

func (m *fakeMachine) Log(lines []byte) {
	if !m.discard {
		m.log = append(m.log, lines...)
	}
}

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
	cfg.Rooms, cfg.Pod, cfg.Tickets = 2, "pod-1", keys(t)
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
	tick [ticket.Size]byte // its ticket
	w    wire.Welcome
	seq  uint32
	c    *peer.Session
}

func addr(n byte) transport.Addr { return transport.Addr{IP: [4]byte{10, 0, 0, n}, Port: 4000} }

// secret is a city's ticket key.
const secret = "7:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

func keys(t testing.TB) *ticket.Keys {
	t.Helper()
	k, err := ticket.ParseKeys(secret)
	require.NoError(t, err)
	return k
}

// lobby seals tickets.
type lobby struct {
	t      testing.TB
	serial uint64
}

var lobbies sync.Map // by server: serials must differ

// pass seals a ticket that is good for ten seconds, with what change makes of it.
func pass(t testing.TB, m *fakeMachine, s *Server, change func(*ticket.Ticket)) [ticket.Size]byte {
	t.Helper()
	l, _ := lobbies.LoadOrStore(s, &lobby{t: t})
	issuer := l.(*lobby)
	issuer.serial++
	tk := ticket.Ticket{Pod: s.run, Room: ticket.AnyRoom, Player: ticket.ID{15: byte(issuer.serial)}, Serial: issuer.serial, Expires: m.Wall() + 10000}
	if change != nil {
		change(&tk)
	}
	return [ticket.Size]byte(keys(t).Seal(nil, &tk))
}

// join takes a bot that measures through challenge and welcome.
func join(t testing.TB, m *fakeMachine, s *Server, from transport.Addr) *bot {
	t.Helper()
	return joinWith(t, m, s, from, pass(t, m, s, nil))
}

// joinWith takes a player with a ticket through challenge and welcome.
func joinWith(t testing.TB, m *fakeMachine, s *Server, from transport.Addr, sealed [ticket.Size]byte) *bot {
	t.Helper()
	b := ask(t, m, s, from, 7, sealed)
	b.welcomed()
	return b
}

// ask asks for a place and leaves the answer to be looked at.
func ask(t testing.TB, m *fakeMachine, s *Server, from transport.Addr, nonce uint64, sealed [ticket.Size]byte) *bot {
	t.Helper()
	b := &bot{t: t, m: m, s: s, addr: from, tick: sealed}
	b.send(&wire.Join{Nonce: nonce, Ticket: b.tick})
	var c wire.Challenge
	require.NoError(t, wire.ParseChallenge(b.one(), &c))
	b.send(&wire.Join{Nonce: nonce, Cookie: c.Cookie, Ticket: b.tick})
	return b
}

func (b *bot) send(p interface{ AppendTo([]byte) []byte }) {
	b.s.At(b.m.now)
	b.s.HandlePacket(b.addr, p.AppendTo(nil))
}

// welcomed takes the welcome.
func (b *bot) welcomed() {
	b.t.Helper()
	require.NoError(b.t, wire.ParseWelcome(b.one(), &b.w))
	b.c = peer.New(&b.w)
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
	in := wire.Input{Seq: b.seq}
	b.c.Repeat = 0
	b.c.Fill(&in, b.m.now/1000)
	in.AckTick = 0
	if change != nil {
		change(&in)
	}
	b.send(&in)
}

// snapshot runs a tick, a period later, and takes what the player gets.
func (b *bot) snapshot() peer.Snapshot {
	b.t.Helper()
	b.m.now += second / 120
	b.s.Tick()
	return b.read(b.one())
}

// read reads a snapshot.
func (b *bot) read(packet []byte) peer.Snapshot {
	b.t.Helper()
	var s peer.Snapshot
	require.True(b.t, b.c.Take(packet, b.m.now/1000, &s))
	return s
}

func (b *bot) refused(why refusal) uint64 { return b.s.metrics.refused[why] }
