package server

import (
	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// flushLimit is how long, in ns, the last results may take to be recorded when all battles have ended.
const flushLimit = 10 * second

// drain is the way out: the pod was asked to stop.
type drain struct {
	on    bool
	by    int64 // when battles that go on are ended
	empty int64 // when the last one had ended; 0 before
}

// startDrain has the server take no new battles, and end with those it has. The first call sets the deadline.
func (s *Server) startDrain() {
	if s.drain.on {
		return
	}
	s.drain = drain{on: true, by: s.now + int64(s.cfg.DrainSeconds)*second}
	s.presence.changed = true
	s.journal.Info(s.clock.Wall(), "asked to stop").End()
}

// pushDrain ends what has no more time, and notes when nothing is left.
func (s *Server) pushDrain() {
	if !s.drain.on || s.drain.empty != 0 {
		return
	}
	playing := false
	for _, r := range s.rooms {
		switch {
		case r == nil || r.count == 0:
		case s.now >= s.drain.by || r.measures():
			s.conclude(r, report.Drained)
		default:
			playing = true
		}
	}
	if !playing {
		s.drain.empty = s.now
	}
}

// drained says whether the server can go: nobody plays, all have been told, and the results are recorded, or will not be.
func (s *Server) drained() bool {
	if !s.drain.on || s.drain.empty == 0 || !s.idle() {
		return false
	}
	return len(s.outbox.entries) == 0 || s.now-s.drain.empty > flushLimit
}

// conclude ends a battle: its result goes to the store, its players are told, its room is free.
func (s *Server) conclude(r *room, outcome report.Outcome) {
	s.metrics.ended(outcome)
	s.garbage.battles++
	s.logBattle(r, "battle ended").Text("outcome", string(outcome)).Number("ticks", int64(r.arena.Tick)).Number("players", int64(r.roster.count)).End()
	record := wire.RecordNone
	if !r.measures() && s.bus != nil {
		record = wire.RecordPending
		s.post(r, s.appendResult(nil, r, outcome))
	}
	if !r.measures() {
		s.ended.add(r.battle)
	}
	s.sayFarewell(r, record)
	s.presence.changed = true
}
