package predict

import (
	"sync"

	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/snapshot"
)

// Delay is how many ticks behind the newest snapshot the others are shown: so one snapshot may be lost, and there still are two to draw them between.
const Delay = 2

// kept is how many states are, a power of two.
const kept = 16

// Others shows the other players smoothly. Its methods may be called from several goroutines.
type Others struct {
	mu     sync.Mutex
	newest uint32
	states [kept]snapshot.State
}

// Saw takes a snapshot, late ones too.
func (o *Others) Saw(s *snapshot.State) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.newest >= kept && s.Tick <= o.newest-kept {
		return
	}
	o.newest = max(o.newest, s.Tick)
	o.states[s.Tick%kept] = *s
}

// View is the tick that is shown now, 0 while there is none.
func (o *Others) View() uint32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.newest - min(o.newest, Delay)
}

// At gives where a player is shown at a tick and so many 256ths of the one after it: on the line between the states before and after that. It is not shown where
// there are none, or where the player was not in the arena all the time between them.
func (o *Others) At(player int, tick uint32, part int32) (x, y int32, shown bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, after := o.find(tick, -1), o.find(tick+1, 1)
	if part == 0 {
		if exact := o.find(tick, 0); exact != nil {
			before, after = exact, exact
		}
	}
	if before == nil || after == nil {
		return 0, 0, false
	}
	p, q := &before.Players[player], &after.Players[player]
	if !p.Alive || !q.Alive || p.Lives != q.Lives {
		return 0, 0, false
	}
	span := max(1, int32(after.Tick-before.Tick))
	gone := int32(tick-before.Tick)*sim.Unit + part
	return p.X + (q.X-p.X)*gone/(span*sim.Unit), p.Y + (q.Y-p.Y)*gone/(span*sim.Unit), true
}

// find gives the state of a tick, or else the next one in a direction.
func (o *Others) find(tick uint32, direction int32) *snapshot.State {
	for range kept {
		if s := &o.states[tick%kept]; s.Tick == tick && tick > 0 {
			return s
		}
		if direction == 0 {
			break
		}
		tick += uint32(direction)
	}
	return nil
}
