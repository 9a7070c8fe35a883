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
	s.bodies.count = 0
	sent := s.clock.Now()
	r.sent.note(tick, sent)
	for i := range r.players {
		p := &r.players[i]
		if !p.present() {
			continue
		}
		back := p.back(tick)
		packet := wire.Snapshot{
			Tag: uint32(p.token), Tick: tick, AckSeq: p.done, AckWait: p.wait(sent), Back: back, State: s.bodies.get(&s.codec, r, back),
		}
		if p.fresh {
			p.fresh = false
			s.metrics.inputWait.observe(sent - p.doneAt)
			if p.network >= 0 {
				s.metrics.rtt.observe(p.network + sent - p.doneAt)
			}
		}
		s.out = packet.AppendTo(s.out[:0])
		s.metrics.snapshotBytes.observe(int64(len(s.out)))
		s.send(wire.KindSnapshot, p.addr)
	}
}

// back gives the distance to the state that the player's next snapshot is written against: that of the snapshot it has, 0 for none that is remembered.
func (p *player) back(tick uint32) uint8 {
	if back := tick - p.base; p.base > 0 && back <= wire.MaxBack {
		return uint8(back)
	}
	return 0
}

// bodies are the states of one room and tick as they have been written, each against another base. Most players have the same base, so it is written once
// and not ten times.
type bodies struct {
	count int
	backs [sim.MaxPlayers]uint8
	sizes [sim.MaxPlayers]int
	bytes [sim.MaxPlayers][snapshot.MaxSize]byte
}

// get gives the room's state, written against that of so many ticks before.
func (b *bodies) get(c *snapshot.Codec, r *room, back uint8) []byte {
	for i := range b.count {
		if b.backs[i] == back {
			return b.bytes[i][:b.sizes[i]]
		}
	}
	tick, size := r.arena.Tick, uint32(len(r.states))
	base := &snapshot.State{}
	if back > 0 {
		base = &r.states[(tick-uint32(back))%size]
	}
	n := b.count
	b.count++
	b.backs[n] = back
	b.sizes[n] = len(c.Append(b.bytes[n][:0], &r.states[tick%size], base))
	return b.bytes[n][:b.sizes[n]]
}
