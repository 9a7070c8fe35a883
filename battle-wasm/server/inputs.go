package server

import (
	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// queued is an input that waits for its tick.
type queued struct {
	sim.Input
	seq uint32
	at  int64 // when it came
}

// queue is the inputs of a player that have come since the last tick. All count at the next one, unless too many came at once.
type queue struct {
	first, count uint
	ring         [32]queued
}

// push appends an input, to be filled in. Where there is no room the oldest goes, and push says so.
func (q *queue) push() (in *queued, lost bool) {
	if lost = q.count == uint(len(q.ring)); lost {
		q.pop()
	}
	in = &q.ring[(q.first+q.count)%uint(len(q.ring))]
	q.count++
	return in, lost
}

func (q *queue) pop() *queued {
	in := &q.ring[q.first%uint(len(q.ring))]
	q.first++
	q.count--
	return in
}

// Time grants a player one input a tick and a sixteenth more, for its clock may be faster than ours. What it has not used, for the network or the server itself held it up, it
// may catch up with, up to as many as can wait.
const (
	grantOf, grantIn = 17, 16
	firstGrant       = 4 // ticks
)

// take fills in what the player does in this tick.
func (p *player) take(in *sim.Inputs, now, period int64) {
	in.Count = 0
	p.credit = min(p.credit+(now-p.granted)*grantOf/grantIn, int64(len(p.queue.ring))*period)
	p.granted = now
	for p.queue.count > 0 && p.credit >= period && in.Count < sim.MaxInputs {
		next := p.queue.pop()
		in.Add(next.Input)
		p.credit -= period
		p.done, p.doneAt, p.fresh = next.seq, next.at, true
	}
}

// hear takes in the inputs of a packet that are new, and returns how many are lost for good: those that lie before what it repeats.
func (p *player) hear(in *wire.Input, now int64) (lost uint64) {
	first := in.Seq - uint32(in.Repeated)
	if first > p.seq+1 {
		lost = p.missed(first, now)
	} else {
		first = p.seq + 1
	}
	for before := int(in.Seq - first); before >= 0; before-- {
		c, seq := &in.Command, in.Seq-uint32(before)
		if before > 0 {
			c = &in.Earlier[before-1]
		}
		q, oldest := p.queue.push()
		if oldest {
			lost++
		}
		// Field by field: in Wasm a copy of more than 16 bytes is a call of the runtime.
		q.MoveX, q.MoveY, q.Aim, q.Fire = c.MoveX, c.MoveY, c.Aim, c.Buttons&wire.ButtonFire != 0
		q.View = in.AckTick - min(in.AckTick, uint32(c.Seen))
		q.seq, q.at = seq, now
	}
	p.seq = in.Seq
	return lost
}

// missed gives how many inputs lie between the newest one and that with this number. They are no more than a player may send in the time since: a number that is
// far ahead is not the truth.
func (p *player) missed(seq uint32, now int64) uint64 {
	if p.seq == 0 {
		return 0 // the first may be any: those before it were sent before the player knew that it had a place
	}
	return uint64(min(int64(seq-p.seq-1), (now-p.lastSeen+paceBurst)/p.rate.interval))
}
