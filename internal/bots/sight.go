package bots

import (
	"math"

	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// nearest gives the direction of the nearest other player as the bot sees it: itself where it predicts that it is, the others between two snapshots of some time ago.
func (s *session) nearest() (aim uint16, ok bool) {
	if s == nil {
		return 0, false
	}
	x, y, known := s.self.At()
	tick := s.others.View()
	if !known || tick == 0 {
		return 0, false
	}
	best := math.Inf(1)
	for i := range wire.MaxPlayers {
		atX, atY, shown := s.others.At(i, tick, 0)
		if !shown || i == s.place {
			continue
		}
		dx, dy := float64(atX-x), float64(atY-y)
		if way := math.Hypot(dx, dy); way < best {
			best, aim, ok = way, uint16(int(math.Atan2(dy, dx)/(2*math.Pi)*(1<<16))), true
		}
	}
	return aim, ok
}
