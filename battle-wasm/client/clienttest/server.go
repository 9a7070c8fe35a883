// Package clienttest has a battle server for tests of players: it speaks the wire format, simulates nothing, and misbehaves on demand.
package clienttest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// Options say how the server behaves. The zero value behaves well, at 120 ticks a second.
type Options struct {
	// TickRate is the number of ticks a second. Default is 120.
	TickRate int
	// Delay holds every snapshot back.
	Delay time.Duration
	// DropJoins is how many of the first Joins get lost.
	DropJoins int
	// DropInput says whether the input with this number gets lost. Default is none.
	DropInput func(seq uint32) bool
	// DropSnapshot says whether the snapshot of this tick gets lost. Default is none.
	DropSnapshot func(tick uint32) bool
	// Refuse is the answer to every Join with a cookie, unless it is 0.
	Refuse wire.Reason
	// ForgeAcks makes every snapshot acknowledge an input that has not been sent.
	ForgeAcks bool
}

// Server is a running server.
type Server struct {
	opts Options
	conn *net.UDPConn

	mu       sync.Mutex
	sessions map[netip.AddrPort]*session
	joins    int
	left     int
	inputs   []wire.Input
	stalled  time.Time
	next     uint64
}

type session struct {
	nonce, token uint64
	seq          uint32
	receivedAt   time.Time
	tick         uint32
}

// empty is the state of a battle that nobody takes part in: a bit for each player.
var empty = make([]byte, (wire.MaxPlayers+7)/8)

// cookie is what every player must bring back.
var cookie = [wire.CookieSize]byte{0: 1, 15: 2}

// Start runs a server on a port of the system's choice until the test ends.
func Start(t testing.TB, opts Options) *Server {
	t.Helper()
	if opts.TickRate == 0 {
		opts.TickRate = 120
	}
	web, conn := listen(t)
	s := &Server{opts: opts, conn: conn, sessions: map[netip.AddrPort]*session{}}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(s.read)
	running.Go(func() { _ = http.Serve(web, http.HandlerFunc(address)) }) //nolint:gosec // A test is its only client.
	running.Go(func() { s.run(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(conn.Close(), web.Close()); err != nil {
			t.Error(err)
		}
		running.Wait()
	})
	return s
}

// listen takes the UDP and the TCP port of one number, as a battle server does.
func listen(t testing.TB) (net.Listener, *net.UDPConn) {
	t.Helper()
	for range 20 {
		web, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: web.Addr().(*net.TCPAddr).Port})
		if err == nil {
			return web, conn
		}
		// Another has the UDP port of that number.
		if err := web.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("no number is free for UDP and TCP")
	return nil, nil
}

// address answers /v1/address as far as tickets need it.
func address(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"run":"0000000000000001"}`)
}

// Address is where players reach the server.
func (s *Server) Address() string { return s.conn.LocalAddr().String() }

// Players is the number of sessions.
func (s *Server) Players() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.sessions) }

// Left is the number of players who have given their place up.
func (s *Server) Left() int { s.mu.Lock(); defer s.mu.Unlock(); return s.left }

// Inputs are all inputs that have come and were not dropped.
func (s *Server) Inputs() []wire.Input {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]wire.Input(nil), s.inputs...)
}

// Stall stops the ticks for a while, as a pod does that gets no processor.
func (s *Server) Stall(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled = time.Now().Add(d)
}

// EndBattle ends all sessions and tells the players so.
func (s *Server) EndBattle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for addr, p := range s.sessions {
		end := wire.End{Token: p.token, Tick: p.tick}
		s.send(addr, end.AppendTo(nil))
		delete(s.sessions, addr)
	}
}

// DropJoins lets the next n Joins get lost.
func (s *Server) DropJoins(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.DropJoins = s.joins + n
}

// Forget drops all sessions in silence, as a restart does.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

// send ignores errors: to lose a datagram is any network's right.
func (s *Server) send(to netip.AddrPort, b []byte) { _, _ = s.conn.WriteToUDPAddrPort(b, to) }

func (s *Server) read() {
	buf := make([]byte, 2*wire.MaxPacketSize)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // closed
		}
		s.mu.Lock()
		s.handle(from, buf[:n])
		s.mu.Unlock()
	}
}

func (s *Server) handle(from netip.AddrPort, b []byte) {
	var join wire.Join
	var in wire.Input
	var leave wire.Leave
	switch {
	case wire.ParseJoin(b, &join) == nil:
		s.join(from, &join)
	case wire.ParseInput(b, &in) == nil:
		s.input(from, &in)
	case wire.ParseLeave(b, &leave) == nil:
		if p := s.sessions[from]; p != nil && p.token == leave.Token {
			delete(s.sessions, from)
			s.left++
		}
	}
}

func (s *Server) join(from netip.AddrPort, j *wire.Join) {
	s.joins++
	switch {
	case s.joins <= s.opts.DropJoins:
	case j.Cookie != cookie:
		s.send(from, (&wire.Challenge{Nonce: j.Nonce, Cookie: cookie}).AppendTo(nil))
	case s.opts.Refuse != 0:
		s.send(from, (&wire.Reject{Nonce: j.Nonce, Reason: s.opts.Refuse}).AppendTo(nil))
	default:
		p := s.sessions[from]
		if p == nil || p.nonce != j.Nonce {
			s.next++
			p = &session{nonce: j.Nonce, token: s.next}
			s.sessions[from] = p
		}
		w := wire.Welcome{Nonce: j.Nonce, Token: p.token, TickRate: uint16(s.opts.TickRate), Tick: p.tick, EndTick: 1 << 30}
		s.send(from, w.AppendTo(nil))
	}
}

func (s *Server) input(from netip.AddrPort, in *wire.Input) {
	p := s.sessions[from]
	switch {
	case p == nil || p.token != in.Token:
		s.send(from, (&wire.Reject{Reason: wire.ReasonSession}).AppendTo(nil))
	case s.opts.DropInput != nil && s.opts.DropInput(in.Seq):
	case in.Seq > p.seq && in.AckTick <= p.tick:
		p.seq, p.receivedAt = in.Seq, time.Now()
		s.inputs = append(s.inputs, *in)
	}
}

// run ticks from a fixed start, so that delays do not add up.
func (s *Server) run(ctx context.Context) {
	start := time.Now()
	for n := time.Duration(1); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(start.Add(n * time.Second / time.Duration(s.opts.TickRate)))):
			s.tick()
		}
	}
}

func (s *Server) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.stalled) {
		return
	}
	for addr, p := range s.sessions {
		p.tick++
		snap := wire.Snapshot{Tag: uint32(p.token), Tick: p.tick, AckSeq: p.seq, State: empty}
		if p.seq > 0 {
			snap.AckWait = uint16(min(time.Since(p.receivedAt).Microseconds(), 65535))
		}
		if s.opts.ForgeAcks {
			snap.AckSeq += 1000
		}
		if s.opts.DropSnapshot != nil && s.opts.DropSnapshot(p.tick) {
			continue
		}
		b := snap.AppendTo(nil)
		if s.opts.Delay == 0 {
			s.send(addr, b)
			continue
		}
		time.AfterFunc(s.opts.Delay, func() { s.send(addr, b) })
	}
}

// Noise sends packets that no player should take for anything: malformed ones, and well-formed ones of somebody else's session.
func (s *Server) Noise() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for addr := range s.sessions {
		for _, b := range [][]byte{
			{}, {wire.Magic}, binary.LittleEndian.AppendUint64(nil, 1), (&wire.Leave{Token: 1}).AppendTo(nil),
			(&wire.End{Token: 1 << 60}).AppendTo(nil), (&wire.Reject{Nonce: 1, Reason: wire.ReasonFull}).AppendTo(nil),
			(&wire.Snapshot{Tick: 1 << 31, State: empty}).AppendTo(nil)[:10], (&wire.Snapshot{Tag: 1 << 30, Tick: 1 << 31, State: empty}).AppendTo(nil),
		} {
			s.send(addr, b)
		}
	}
}
