// Package snapshot writes what has changed in a battle since a state that its receiver has, in as few bits as that takes.
//
// Who runs on as before need not be mentioned: both sides reckon where it must be ([Player.Predict]), and only what differs from that is written. So a
// player who goes straight on costs one bit a tick, and one who turns a few. Places are fixed-point numbers, exact as the simulation has them, in as many bits as the
// arena needs; therefore a receiver can check its own reckoning against them.
//
// A state is written against any older one, its base, that the receiver is known to have, or against the empty state where none is. What is written depends on the
// two states alone: receivers who have the same base get the same bytes.
package snapshot

import "github.com/edge-arena/edge-arena/battle-wasm/sim"

// Player is a player as others see it. The zero value is an empty place.
type Player struct {
	// Present is whether the place is taken.
	Present bool
	// Alive is whether the player is in the arena; otherwise it waits to come back.
	Alive bool
	// Fired and Hit are whether it shot along its aim, or was hit, in this tick.
	Fired, Hit bool
	// X and Y are its place, in 1/[sim.Unit].
	X, Y int32
	// MoveX and MoveY are how it moved last, Turn by how much it turned.
	MoveX, MoveY int8
	Turn         int16
	// Aim is the direction of sight: a full turn is 65536.
	Aim uint16
	// Health is 0 to 100.
	Health uint8
	// Lives counts how often it has come into the arena, modulo 256.
	Lives uint8
	// Score is its points.
	Score uint16
}

// State is a battle after a tick.
type State struct {
	// Tick is the tick of the battle.
	Tick uint32
	// Players are the places, by number.
	Players [sim.MaxPlayers]Player
}

// Take fills the state from an arena.
func (s *State) Take(a *sim.Arena) {
	s.Tick = a.Tick
	for i := range a.Players {
		p := &a.Players[i]
		if !p.Present {
			s.Players[i] = Player{}
			continue
		}
		// Field by field: in Wasm a copy of more than 16 bytes is a call of the runtime.
		q := &s.Players[i]
		q.Present, q.Alive, q.Fired, q.Hit = true, p.Alive, p.Fired, p.Hit
		q.X, q.Y, q.MoveX, q.MoveY, q.Turn, q.Aim = p.X, p.Y, p.MoveX, p.MoveY, p.Turn, p.Aim
		q.Health, q.Lives, q.Score = uint8(p.Health), p.Lives, uint16(min(p.Score, 1<<16-1))
	}
}

// Predict gives the player as it will be after n ticks in which it goes on as it did.
func (p Player) Predict(m sim.Motion, n uint32) Player {
	p.X, p.Y, p.Aim = p.reckon(&m, n)
	p.Fired, p.Hit = false, false
	return p
}

// reckon gives the place and aim of the player after n ticks in which it goes on as it did.
func (p *Player) reckon(m *sim.Motion, n uint32) (x, y int32, aim uint16) {
	if !p.Alive {
		return p.X, p.Y, p.Aim
	}
	x, y = m.Move(p.X, p.Y, p.MoveX, p.MoveY, int32(n))
	return x, y, p.Aim + uint16(p.Turn)*uint16(n)
}
