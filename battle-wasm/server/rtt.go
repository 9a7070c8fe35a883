package server

import "github.com/edge-arena/edge-arena/battle-wasm/wire"

// sendTimes is when the snapshots of the last ticks of a room were sent.
type sendTimes [256]int64

func (t *sendTimes) note(tick uint32, at int64) { t[tick%uint32(len(t))] = at }

// measure takes what an input says of the newest snapshot that its player has: with the time for which the player has had it left out, what is left since
// it was sent is the time that the network took there and back. A player can lie, and only its own figure is wrong then.
func (p *player) measure(in *wire.Input, now int64) {
	r := p.room
	p.base = in.AckTick
	if in.AckTick <= p.ackTick {
		return
	}
	p.ackTick = in.AckTick
	if in.AckDelay == wire.MaxAckDelay || r.arena.Tick-in.AckTick >= uint32(len(r.sent)) {
		return // longer ago than can be said
	}
	p.network = max(0, now-r.sent[in.AckTick%uint32(len(r.sent))]-int64(in.AckDelay)*1000)
}
