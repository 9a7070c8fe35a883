// Package peer is a player as the battle server sees it: it keeps the snapshots that the server writes others against, and repeats the inputs that may have been lost.
package peer

import (
	"sync/atomic"

	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/snapshot"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// Snapshot is the state of a battle after a tick, as the server sent it.
type Snapshot struct {
	// Tick is the tick of the battle.
	Tick uint32
	// AckSeq is the newest of the player's inputs that is part of this state, 0 before the first.
	AckSeq uint32
	// AckWait is the time from the receipt of that input to the sending of this snapshot, in µs.
	AckWait uint16
	// State is the state.
	State snapshot.State
}

// Session is what a player and the server know of each other: which snapshots the player has, which inputs the server has. It has no socket and no clock, times are
// in µs from any start. One goroutine may call [Session.Fill] while another calls [Session.Take].
type Session struct {
	token uint64
	codec snapshot.Codec
	have  atomic.Uint64 // the newest snapshot: its tick, and below that the low half of when it came, in µs
	acked atomic.Uint32 // the newest input of which is known that the server has it

	// Of who takes.
	packet wire.Snapshot
	states [wire.MaxBack + 1]snapshot.State

	// Of who fills.
	recent [wire.MaxEarlier + 1]sentInput

	// Repeat is how many inputs before the newest a packet repeats at most. Default is [wire.MaxEarlier].
	Repeat uint32
}

type sentInput struct {
	seq, view uint32
	wire.Command
}

// New begins the session of a welcome.
func New(w *wire.Welcome) *Session {
	return &Session{token: w.Token, codec: snapshot.NewCodec(Motion(w)), Repeat: wire.MaxEarlier}
}

// Token is the session's secret.
func (s *Session) Token() uint64 { return s.token }

// Motion is how players move in the battle of a welcome.
func Motion(w *wire.Welcome) sim.Motion {
	return sim.NewMotion(int(w.TickRate), int(w.Width)/16, int(w.Height)/16)
}

// Fill completes an input whose Seq and Command are set. Seen counts from the newest snapshot that has come.
func (s *Session) Fill(in *wire.Input, now int64) {
	in.Token, in.AckTick, in.AckDelay, in.Repeated = s.token, 0, wire.MaxAckDelay, 0
	if have := s.have.Load(); have != 0 {
		in.AckTick = uint32(have >> 32)
		in.AckDelay = uint16(min(uint32(now)-uint32(have), wire.MaxAckDelay))
	}
	s.recent[in.Seq%uint32(len(s.recent))] = sentInput{seq: in.Seq, view: in.AckTick - min(in.AckTick, uint32(in.Seen)), Command: in.Command}
	acked := s.acked.Load()
	for seq := in.Seq - 1; seq > acked && uint32(in.Repeated) < min(s.Repeat, wire.MaxEarlier); seq-- {
		before := &s.recent[seq%uint32(len(s.recent))]
		if before.seq != seq {
			break
		}
		before.Seen = uint8(min(in.AckTick-min(in.AckTick, before.view), 255))
		in.Earlier[in.Repeated] = before.Command
		in.Repeated++
	}
}

// Pretend has the session go on as if the snapshot of a tick had just come, which acknowledged the inputs up to acked. It is for loads whose players read nothing.
func (s *Session) Pretend(tick, acked uint32) {
	s.have.Store(uint64(tick) << 32)
	s.acked.Store(acked)
}

// Take reads a snapshot. It returns false for one that is malformed, forged, or written against a state that the player does not have.
func (s *Session) Take(b []byte, now int64, snap *Snapshot) bool {
	p := &s.packet
	if wire.ParseSnapshot(b, p) != nil || p.Tag != uint32(s.token) {
		return false
	}
	base := &snapshot.State{}
	if p.Back > 0 {
		if base = &s.states[(p.Tick-uint32(p.Back))%uint32(len(s.states))]; base.Tick != p.Tick-uint32(p.Back) {
			return false
		}
	}
	snap.State.Tick = p.Tick
	if s.codec.Read(p.State, &snap.State, base) != nil {
		return false
	}
	snap.Tick, snap.AckSeq, snap.AckWait = p.Tick, p.AckSeq, p.AckWait
	if newest := uint32(s.have.Load() >> 32); p.Tick > newest {
		s.have.Store(uint64(p.Tick)<<32 | uint64(uint32(now)))
		s.acked.Store(max(s.acked.Load(), p.AckSeq))
	} else if newest-p.Tick > wire.MaxBack {
		return true // late: what took its place is newer
	}
	s.states[p.Tick%uint32(len(s.states))] = snap.State
	return true
}
