package server

import (
	"strconv"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
)

// appendResult writes a [report.Result].
func (s *Server) appendResult(b []byte, r *room, outcome report.Outcome) []byte {
	e := exposition(append(b, `{"battle":"`...))
	e = r.battle.Append(e)
	e.text(`","pod":"`, s.cfg.Pod, `","run":"`, s.runText, `","room":`)
	e.number(uint64(r.id))
	e.text(`,"outcome":"`, string(outcome), `","startedAt":`)
	e = strconv.AppendInt(e, r.startedAt, 10)
	e.text(`,"endedAt":`)
	e = strconv.AppendInt(e, max(s.clock.Wall(), r.startedAt), 10)
	e.field("ticks", uint64(r.arena.Tick))
	e.field("tickRate", uint64(s.cfg.TickRate))
	e.text(`,"players":[`)
	for i := range r.roster.members[:r.roster.count] {
		m := &r.roster.members[i]
		points, left := m.points, m.place < 0
		if !left {
			points += r.arena.Players[m.place].Score
		}
		if i > 0 {
			e.text(",")
		}
		e.text(`{"player":"`)
		e = m.id.Append(e)
		e.text(`","points":`)
		e.number(uint64(points))
		if left {
			e.text(`,"left":true`)
		}
		e.text("}")
	}
	e.text("]}")
	return e
}
