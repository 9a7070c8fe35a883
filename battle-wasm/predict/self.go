// Package predict is what a player's game does so that nobody notices the network: it moves the player itself at once (prediction), checks that against what the
// server says and goes on from there (reconciliation), and shows the others a little in the past, between two states that it has (interpolation).
package predict

import (
	"sync"

	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/snapshot"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// remembered is how many inputs are, until the server has said what came of them: two seconds at 120 Hz.
const remembered = 256

// Self predicts a player's own place. Its methods may be called from several goroutines.
type Self struct {
	mu     sync.Mutex
	motion sim.Motion
	known  bool  // where the player is
	lives  uint8 // in which of its lives that is
	x, y   int32
	newest uint32 // input
	acked  uint32 // the newest input that was checked
	inputs [remembered]input
	counts Counts
}

type input struct {
	seq          uint32
	moveX, moveY int8
	predicted    bool
	x, y         int32 // after it
}

// Counts is how good the predictions were.
type Counts struct {
	// Checked are the predictions that the server has said something about, Wrong those in which the player was elsewhere.
	Checked, Wrong int64
}

// NewSelf returns the prediction of a player who moves like that.
func NewSelf(m sim.Motion) *Self { return &Self{motion: m} }

// Counts returns how good the predictions were.
func (s *Self) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Did moves the player by an input that is being sent.
func (s *Self) Did(seq uint32, c *wire.Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest = seq
	s.inputs[seq%remembered] = input{seq: seq, moveX: c.MoveX, moveY: c.MoveY}
	s.apply(seq)
}

// apply moves the player by an input that is remembered.
func (s *Self) apply(seq uint32) {
	in := &s.inputs[seq%remembered]
	if in.seq != seq {
		s.known = false // so old that it is forgotten
		return
	}
	if in.predicted = s.known; !s.known {
		return
	}
	s.x, s.y = s.motion.Move(s.x, s.y, in.moveX, in.moveY, 1)
	in.x, in.y = s.x, s.y
}

// Saw checks the prediction against the player as a snapshot has it, which includes the inputs up to acked. Where the prediction was wrong, the inputs after that
// are applied anew to what is right.
func (s *Self) Saw(p *snapshot.Player, acked uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if acked < s.acked || acked > s.newest {
		return // an older snapshot that came late, or one of the session before
	}
	if !p.Alive {
		s.known, s.acked = false, acked
		return
	}
	if s.known && s.lives == p.Lives {
		in := &s.inputs[acked%remembered]
		if acked == s.acked || in.seq != acked || !in.predicted {
			return // nothing new
		}
		s.acked = acked
		s.counts.Checked++
		if in.x == p.X && in.y == p.Y {
			return
		}
		s.counts.Wrong++
	}
	s.known, s.lives, s.acked, s.x, s.y = true, p.Lives, acked, p.X, p.Y
	for seq := acked + 1; seq <= s.newest && s.known; seq++ {
		s.apply(seq)
	}
}

// At gives where the player sees itself, if it knows.
func (s *Self) At() (x, y int32, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.x, s.y, s.known
}
