package bots

import (
	"math/rand/v2"

	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// mover decides what one bot does: it runs in one direction for a while, turns its aim, and fires now and then at whom it sees nearest. The same seed and
// number give the same inputs where it sees the same.
type mover struct {
	rng  *rand.Rand
	left int // inputs until the next change of mind
	in   wire.Command
	turn uint16
}

func newMover(seed uint64, number int) *mover {
	return &mover{rng: rand.New(rand.NewPCG(seed, uint64(number)))}
}

// next returns what the bot does next.
func (m *mover) next(nearest func() (aim uint16, ok bool)) wire.Command {
	if m.left == 0 {
		m.left = 20 + m.rng.IntN(100)
		m.in.MoveX, m.in.MoveY = int8(m.rng.IntN(255)-127), int8(m.rng.IntN(255)-127)
		m.turn = uint16(m.rng.IntN(1024) - 512)
	}
	m.left--
	m.in.Aim += m.turn
	m.in.Buttons = 0
	if m.rng.IntN(12) == 0 {
		m.in.Buttons = wire.ButtonFire
		if aim, ok := nearest(); ok {
			m.in.Aim = aim
		}
	}
	return m.in
}
