package server

import (
	"errors"

	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// At tells the server what time it is for the packets that follow. One look at the clock is enough for a batch.
func (s *Server) At(now int64) { s.now = now }

// HandlePacket takes in one datagram.
func (s *Server) HandlePacket(from transport.Addr, b []byte) {
	s.metrics.bytesReceived += uint64(len(b))
	kind, err := wire.PeekKind(b)
	if err != nil {
		s.refuseHeader(from, b, kind, err)
		return
	}
	s.metrics.receive(kind)
	switch kind {
	case wire.KindJoin:
		s.handleJoin(from, b)
	case wire.KindInput:
		s.handleInput(from, b)
	case wire.KindLeave:
		s.handleLeave(from, b)
	default:
		s.metrics.refuse(refusedKind)
	}
}

// refuseHeader drops a packet that is not of this protocol, or of another version of it. Who asks to join in another version is told so.
func (s *Server) refuseHeader(from transport.Addr, b []byte, kind wire.Kind, err error) {
	s.metrics.receive(0)
	s.metrics.refuse(refusalOf(err))
	if errors.Is(err, wire.ErrVersion) && kind == wire.KindJoin && len(b) >= wire.RejectSize && s.joins.allow(from, s.now) {
		s.reject(from, 0, wire.ReasonVersion)
	}
}

func (s *Server) welcome(p *player) {
	w := wire.Welcome{
		Nonce: p.nonce, Token: p.token, Room: p.room.id, Player: uint8(p.place), TickRate: uint16(s.cfg.TickRate),
		Tick: p.room.arena.Tick, EndTick: p.room.arena.EndTick(),
		Width: uint16(s.cfg.Arena.Width * 16), Height: uint16(s.cfg.Arena.Height * 16),
	}
	s.out = w.AppendTo(s.out[:0])
	s.send(wire.KindWelcome, s.out, p.addr)
}

func (s *Server) reject(to transport.Addr, nonce uint64, reason wire.Reason) {
	r := wire.Reject{Nonce: nonce, Reason: reason}
	s.out = r.AppendTo(s.out[:0])
	s.send(wire.KindReject, s.out, to)
}

// session finds the player that a packet with this token comes from. A token from another address is taken for stolen or guessed.
func (s *Server) session(from transport.Addr, token uint64) *player {
	p := s.known.find(token)
	if p == nil {
		if p = s.byToken[token]; p != nil {
			s.known.note(p)
		}
	}
	switch {
	case p == nil:
		s.metrics.refuse(refusedSession)
		return nil
	case p.addr != from:
		s.metrics.refuse(refusedAddress)
		return nil
	}
	return p
}

func (s *Server) handleInput(from transport.Addr, b []byte) {
	in := &s.input
	if err := wire.ParseInput(b, in); err != nil {
		s.metrics.refuse(refusalOf(err))
		return
	}
	p := s.session(from, in.Token)
	if p == nil {
		// Who plays on after the end, or after a restart of the server, must learn of it. The answer is smaller than the question.
		if s.byAddr[from] == nil && s.joins.allow(from, s.now) {
			s.reject(from, 0, wire.ReasonSession)
		}
		return
	}
	switch {
	case !p.rate.allow(s.now):
		s.metrics.refuse(refusedRate)
		return
	case in.Seq <= p.seq:
		s.metrics.refuse(refusedStale)
		return
	case in.AckTick > p.room.arena.Tick:
		s.metrics.refuse(refusedValue)
		return
	}
	p.measure(in, s.now)
	s.metrics.inputsLost += p.hear(in, s.now)
	p.lastSeen = s.now
}

func (s *Server) handleLeave(from transport.Addr, b []byte) {
	var l wire.Leave
	if err := wire.ParseLeave(b, &l); err != nil {
		s.metrics.refuse(refusalOf(err))
		return
	}
	if p := s.session(from, l.Token); p != nil {
		s.leave(p, "left")
	}
}
