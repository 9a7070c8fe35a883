// Package rewind remembers where the players of a battle were, so that a shot is judged by what its player saw when the trigger was pulled.
//
// A player sees the others as they were some time ago: the time that the snapshot took to come, and a little more by which the game lags behind so that it can move
// them smoothly (interpolation). Who aims well at that picture must hit. So the server turns back the targets, and nothing else, to that moment. How far it
// turns back is bounded, for the target sees itself hit where it has not been any more.
package rewind

// Depth is how many ticks are remembered.
const Depth = 32

// Place is where a player was, if it was in the arena.
type Place struct {
	X, Y  int32
	Alive bool
}

// History is the last [Depth] ticks of a battle.
type History struct {
	ticks  [Depth]uint32
	places [Depth][Players]Place
}

// Players is the most players of a battle.
const Players = 10

// At gives the room for the places of a tick, to be filled in. The oldest tick makes room for it.
func (h *History) At(tick uint32) *[Players]Place {
	h.ticks[tick%Depth] = tick
	return &h.places[tick%Depth]
}

// Seen gives the places at a tick, nil where they are not remembered.
func (h *History) Seen(tick uint32) *[Players]Place {
	if i := tick % Depth; h.ticks[i] == tick {
		return &h.places[i]
	}
	return nil
}

// Bound gives the tick that a player who says it saw that of view is turned back to: at most limit ticks before now. 0 says that it saw none.
func Bound(view, now, limit uint32) uint32 {
	if view == 0 || view > now {
		return now
	}
	limit = min(limit, Depth-1, now)
	return max(view, now-limit)
}
