package server

import (
	"math"

	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// farewellTimes is how often an end is told, for packets get lost; farewellsPerSecond how fast one after the other. Who has heard none of
// them hears from the answer to its next input that its session is over.
const (
	farewellTimes      = 3
	farewellsPerSecond = 20
)

// farewell is what remains of a battle that is over: its room is free already. It is told once more when the store has the result, unless the room's next
// battle has ended by then.
type farewell struct {
	battle ticket.ID
	left   int   // times to tell it
	next   int64 // when
	count  int
	addrs  [sim.MaxPlayers]transport.Addr
	ends   [sim.MaxPlayers]wire.End
}

// sayFarewell frees the room and tells its players how the battle ended.
func (s *Server) sayFarewell(r *room, record wire.Record) {
	end := wire.End{Tick: r.arena.Tick, Record: record}
	for i := range r.arena.Players {
		if p := &r.arena.Players[i]; p.Present {
			end.Scores[end.Count] = wire.Score{ID: uint8(i), Points: uint16(min(p.Score, math.MaxUint16))}
			end.Count++
		}
	}
	f := &r.farewell
	f.battle, f.count = r.battle, 0
	for i := range r.players {
		p := &r.players[i]
		if !p.present() {
			continue
		}
		f.addrs[f.count], f.ends[f.count] = p.addr, end
		f.ends[f.count].Token, f.ends[f.count].Self = p.token, uint8(i)
		f.count++
		s.drop(p)
	}
	f.left = 0
	if f.count > 0 {
		f.left, f.next = farewellTimes, s.now
		s.sendFarewell(r)
	}
}

// recorded tells the players of a battle that its result is in the store.
func (s *Server) recorded(e *entry) {
	f := &s.room(e.room).farewell
	if f.battle != e.battle || f.count == 0 {
		return
	}
	for i := range f.count {
		f.ends[i].Record = wire.RecordDone
	}
	f.left, f.next = farewellTimes, s.now
}

func (s *Server) sendFarewell(r *room) {
	f := &r.farewell
	if s.now < f.next {
		return
	}
	f.left--
	f.next = s.now + second/farewellsPerSecond
	for i := range f.count {
		s.out = f.ends[i].AppendTo(s.out[:0])
		s.send(wire.KindEnd, s.out, f.addrs[i])
	}
}
