package server

import (
	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/snapshot"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// step runs a room's tick and sends the snapshots.
func (s *Server) step(r *room) {
	period := second / int64(s.cfg.TickRate)
	for i := range r.players {
		r.players[i].take(&s.inputs[i], s.now, period)
	}
	r.arena.Step(&s.inputs)
	tick := r.arena.Tick
	r.states[tick%uint32(len(r.states))].Take(&r.arena)
	s.snapshots.count = 0
	sent := s.clock.Now()
	r.sent.note(tick, sent)
	for i := range r.players {
		p := &r.players[i]
		if !p.present() {
			continue
		}
		packet := s.snapshots.get(&s.codec, r, p.back(tick))
		wire.Readdress(packet, uint32(p.token), p.done, p.wait(sent))
		if p.fresh {
			p.fresh = false
			s.metrics.inputWait.observe(sent - p.doneAt)
			if p.network >= 0 {
				s.metrics.rtt.observe(p.network + sent - p.doneAt)
			}
		}
		s.metrics.snapshotBytes.observe(int64(len(packet)))
		s.send(wire.KindSnapshot, packet, p.addr)
	}
}

// back gives the distance to the state that the player's next snapshot is written against: that of the snapshot it has, 0 for none that is remembered.
func (p *player) back(tick uint32) uint8 {
	if back := tick - p.base; p.base > 0 && back <= wire.MaxBack {
		return uint8(back)
	}
	return 0
}

// snapshots are the packets of one room and tick, each against another base. Most players have the same base, so it is written once and not ten times.
type snapshots struct {
	count int
	backs [sim.MaxPlayers]uint8
	sizes [sim.MaxPlayers]int
	bytes [sim.MaxPlayers][wire.MaxSnapshotSize]byte
}

// get gives the room's state, written against that of so many ticks before. To whom it goes is to be filled in.
func (s *snapshots) get(c *snapshot.Codec, r *room, back uint8) []byte {
	for i := range s.count {
		if s.backs[i] == back {
			return s.bytes[i][:s.sizes[i]]
		}
	}
	tick, size := r.arena.Tick, uint32(len(r.states))
	base := &nothing
	if back > 0 {
		base = &r.states[(tick-uint32(back))%size]
	}
	n := s.count
	s.count++
	s.backs[n] = back
	head := wire.Snapshot{Tick: tick, Back: back}
	b := c.Append(head.AppendTo(s.bytes[n][:0]), &r.states[tick%size], base)
	s.sizes[n] = len(b)
	return b
}

// nothing is the base of a state that is written whole. Nobody writes to it.
var nothing snapshot.State
