package server

import (
	"errors"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

func (s *Server) handleJoin(from transport.Addr, b []byte) {
	j, t := &s.join, &s.ticket
	if err := wire.ParseJoin(b, j); err != nil {
		s.metrics.refuse(refusalOf(err))
		return
	}
	if !s.joins.allow(from, s.now) {
		s.metrics.refuse(refusedRate)
		if s.rejects.allow(from, s.now) {
			s.reject(from, j.Nonce, wire.ReasonRate)
		}
		return
	}
	p := s.byAddr[from]
	if p != nil && p.nonce == j.Nonce {
		s.welcome(p) // it has a place: the first welcome was lost
		return
	}
	if !s.secrets.validCookie(&j.Cookie, from, j.Nonce, s.now) {
		if j.Cookie != [wire.CookieSize]byte{} {
			s.metrics.refuse(refusedCookie)
		}
		c := wire.Challenge{Nonce: j.Nonce}
		s.secrets.cookie(&c.Cookie, from, j.Nonce, s.now)
		s.out = c.AppendTo(s.out[:0])
		s.send(wire.KindChallenge, s.out, from)
		return
	}
	err := s.inspect(j.Ticket[:], t)
	if err == nil {
		p, err = s.seat(from, t)
	}
	switch {
	case errors.Is(err, errFull):
		s.metrics.refuse(refusedFull)
		s.reject(from, j.Nonce, wire.ReasonFull)
	case err != nil:
		s.metrics.refuse(refusedTicket)
		s.reject(from, j.Nonce, wire.ReasonTicket)
	default:
		s.serials.take(t.Serial, t.Expires)
		s.admit(p, from, j.Nonce, t)
		s.welcome(p)
	}
}

// The reasons for which a ticket gives no place.
var (
	errFull     = errors.New("no place is free")
	errOtherPod = errors.New("ticket is for another pod, or another run of this one")
	errExpired  = errors.New("ticket has expired")
	errUsed     = errors.New("ticket has been used")
	errOver     = errors.New("the ticket's battle is over, or not that of its room")
)

// inspect opens a ticket, and finds whether it is good here, now, and for the first time.
func (s *Server) inspect(sealed []byte, t *ticket.Ticket) error {
	if err := s.cfg.Tickets.Open(sealed, t); err != nil {
		return err
	}
	switch now := s.clock.Wall(); {
	case t.Pod != s.run:
		return errOtherPod
	case t.Expires <= now:
		return errExpired
	case s.serials.taken(t.Serial, now):
		return errUsed
	}
	return nil
}

// seat finds the place that a ticket is for. A player who comes back has its own, as it left it; one who went elsewhere gives up the old.
func (s *Server) seat(from transport.Addr, t *ticket.Ticket) (*player, error) {
	old := s.byAddr[from] // who was behind this address begins anew
	if t.Room == ticket.AnyRoom {
		if old != nil {
			s.leave(old, "moved")
		}
		return s.measuringPlace()
	}
	if int(t.Room) >= len(s.rooms) {
		return nil, errOver
	}
	r := s.room(int(t.Room))
	if mine := s.byPlayer[t.Player]; mine != nil {
		if mine.room == r && r.battle == t.Battle {
			if old != nil && old != mine {
				s.leave(old, "moved")
			}
			return mine, nil
		}
		s.leave(mine, "moved")
		old = s.byAddr[from]
	}
	if old != nil {
		s.leave(old, "moved")
	}
	switch {
	case r.count == 0 && s.ended.has(t.Battle):
		return nil, errOver
	case r.count == 0 && (s.drain.on || s.overloaded()):
		s.refuseRoom()
		return nil, errFull
	case r.count == 0:
		s.startBattle(r, t.Battle)
	case r.battle != t.Battle:
		return nil, errOver
	case r.count >= s.cfg.MaxPlayers:
		return nil, errFull
	}
	return r.freePlace(), nil
}

// measuringPlace gives a place to a bot that measures: in the first of such rooms that has one, else in a room of its own.
func (s *Server) measuringPlace() (*player, error) {
	free := -1
	for i, r := range s.rooms {
		switch {
		case r == nil || r.count == 0:
			if free < 0 {
				free = i
			}
		case r.count < s.cfg.MaxPlayers && r.measures():
			return r.freePlace(), nil
		}
	}
	if free < 0 || s.drain.on || s.overloaded() {
		s.refuseRoom()
		return nil, errFull
	}
	r := s.room(free)
	s.startBattle(r, ticket.ID{})
	return r.freePlace(), nil
}

// admit gives a place to who has a ticket for it.
func (s *Server) admit(p *player, from transport.Addr, nonce uint64, t *ticket.Ticket) {
	back := p.present() // the player has come back: its body is there still
	if back {
		delete(s.byToken, p.token)
		delete(s.byAddr, p.addr)
	}
	*p = player{
		room: p.room, place: p.place, id: t.Player, token: s.secrets.token(), nonce: nonce, addr: from, lastSeen: s.now, ackTick: p.room.arena.Tick, network: -1, credit: firstGrant * second / int64(s.cfg.TickRate), granted: s.now,
		rate: newPace(second / int64(2*s.cfg.TickRate)),
	}
	s.byToken[p.token] = p
	s.byAddr[from] = p
	if !p.room.measures() {
		s.byPlayer[p.id] = p
	}
	if back {
		s.logPlayer(p, "player came back").End()
		return
	}
	s.logPlayer(p, "player joined").End()
	p.room.count++
	p.room.arena.Join(p.place)
	p.room.roster.enter(p.id, p.place)
	s.presence.changed = true
}

// drop frees a place.
func (s *Server) drop(p *player) {
	delete(s.byToken, p.token)
	delete(s.byAddr, p.addr)
	if s.byPlayer[p.id] == p {
		delete(s.byPlayer, p.id)
	}
	p.room.arena.Leave(p.place)
	p.room.count--
	*p = player{room: p.room, place: p.place}
	s.presence.changed = true
}

// leave frees the place of a player who is gone before the end. With the last one the battle is over.
func (s *Server) leave(p *player, why string) {
	r := p.room
	s.logPlayer(p, "player left").Text("reason", why).End()
	r.roster.leave(p.place, r.arena.Players[p.place].Score)
	s.drop(p)
	if r.count == 0 {
		s.conclude(r, report.Abandoned)
	}
}

// serials remembers which tickets have been used, until they would be worth nothing anyway.
type serials map[uint64]int64

// sweepAt is from how many on those that have expired are forgotten. A pod has 480 places, and a ticket lives for some seconds.
const sweepAt = 1024

func (s serials) taken(serial uint64, now int64) bool {
	if len(s) >= sweepAt {
		for old, expires := range s {
			if expires <= now {
				delete(s, old)
			}
		}
	}
	_, ok := s[serial]
	return ok
}

func (s serials) take(serial uint64, expires int64) { s[serial] = expires }
