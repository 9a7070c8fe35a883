package server

import (
	"github.com/edge-arena/edge-arena/battle-wasm/journal"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// flushJournal writes what has been logged. It is called between two ticks, for nobody knows how long it takes.
func (s *Server) flushJournal(m transport.Machine) {
	if lines := s.journal.Pending(); len(lines) > 0 {
		m.Log(lines)
		s.journal.Clear()
	}
}

// logStart says what runs.
func (s *Server) logStart() {
	b, c := s.metrics.build, &s.cfg
	s.journal.Info(s.clock.Wall(), "started").Text("version", b.Version).Text("runtime", b.Runtime).Text("run", s.runText).Text("address", s.address).
		Number("tickRate", int64(c.TickRate)).Number("maxPlayers", int64(c.MaxPlayers)).Number("roomsLimit", int64(c.Rooms)).End()
	if b.Interpreted {
		s.journal.Warn(s.clock.Wall(), "interpreted: the node cannot run the native code of this module, and ticks need many times as long").End()
	}
}

// logBattle begins a line on a battle. One of bots that measure has no name.
func (s *Server) logBattle(r *room, msg string) journal.Line {
	return s.journal.Info(s.clock.Wall(), msg).Number("room", int64(r.id)).ID("battle", &r.battle)
}

// logPlayer begins a line on a player, who is a pseudonym.
func (s *Server) logPlayer(p *player, msg string) journal.Line {
	return s.logBattle(p.room, msg).ID("player", &p.id)
}

// refuseRoom counts a battle that is not begun. The log says so once a second at most.
func (s *Server) refuseRoom() {
	s.metrics.roomsRefused++
	if !gcra(&s.refusedDue, second, 0, s.now) {
		return
	}
	s.journal.Warn(s.clock.Wall(), "no room for another battle").Number("refused", int64(s.metrics.roomsRefused)).End()
}
