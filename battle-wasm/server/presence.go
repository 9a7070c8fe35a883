package server

import (
	"github.com/edge-arena/edge-arena/battle-wasm/nats"
	"github.com/edge-arena/edge-arena/battle-wasm/report"
)

// How often the pod says that it is there, in ns: at least, and at most when something has changed.
const (
	presenceEvery    = second / 2
	presenceAtMostIn = second / 20
)

// presence is when it was said last that the pod is there.
type presence struct {
	changed  bool
	at       int64
	sequence uint64
}

// announce says that the pod is there, when it is time to.
func (s *Server) announce() {
	p := &s.presence
	since := s.now - p.at
	if p.sequence > 0 && since < presenceAtMostIn || !p.changed && p.sequence > 0 && since < presenceEvery {
		return
	}
	p.sequence++
	s.message = s.appendPresence(s.message[:0])
	s.headers[0] = nats.Header{Name: report.HeaderMAC, Value: s.cfg.Tickets.Sign(s.mac[:0], s.message)}
	s.bus.Publish(s.subjects.presence, "", s.headers[:1], s.message) // where it is not taken, the next one is
	p.at, p.changed = s.now, false
}

// appendPresence writes a [report.Presence]. No value needs quoting: the configuration sees to that.
func (s *Server) appendPresence(b []byte) []byte {
	e := exposition(append(b, `{"pod":"`...))
	e.text(s.cfg.Pod, `","run":"`, s.runText, `","address":"`, s.address, `"`)
	e.field("sequence", s.presence.sequence)
	e.field("tickRate", uint64(s.cfg.TickRate))
	e.field("maxPlayers", uint64(s.cfg.MaxPlayers))
	e.field("roomsLimit", uint64(s.cfg.Rooms))
	e.text(`,"draining":`, boolean(s.drain.on))
	if s.overloaded() {
		e.text(`,"full":true`)
	}
	e.text(`,"rooms":[`)
	first := true
	for i, r := range s.rooms {
		if r == nil || r.count == 0 {
			continue
		}
		if !first {
			e.text(",")
		}
		first = false
		e.text(`{"room":`)
		e.number(uint64(i))
		if !r.measures() {
			e.text(`,"battle":"`)
			e = r.battle.Append(e)
			e.text(`"`)
		}
		e.field("endsIn", uint64((r.arena.EndTick()-r.arena.Tick)/uint32(s.cfg.TickRate)))
		e.text(`,"players":[`)
		comma := ""
		for j := range r.players {
			if p := &r.players[j]; p.present() {
				e.text(comma, `"`)
				e = p.id.Append(e)
				e.text(`"`)
				comma = ","
			}
		}
		e.text("]}")
	}
	e.text("]}")
	return e
}

// field writes a number of an object, not its first.
func (e *exposition) field(name string, n uint64) {
	e.text(`,"`, name, `":`)
	e.number(n)
}

func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
