package server

import (
	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// roster is who has taken part in a battle, those who left it too.
type roster struct {
	count   int
	members [report.MaxPlayers]member
}

type member struct {
	id     ticket.ID
	place  int    // -1 for who has left
	points uint32 // from before it left
}

// enter notes that a player has taken a place. One who has been here before goes on with the points from then. Where the list is full, the first of those
// who left is left out.
func (r *roster) enter(id ticket.ID, place int) {
	for i := range r.members[:r.count] {
		if r.members[i].id == id {
			r.members[i].place = place
			return
		}
	}
	if r.count == len(r.members) {
		for i := range r.members {
			if r.members[i].place < 0 {
				copy(r.members[i:], r.members[i+1:])
				r.count--
				break
			}
		}
	}
	r.members[r.count] = member{id: id, place: place}
	r.count++
}

// leave notes that the player at a place has left, with what it scored since it came.
func (r *roster) leave(place int, points uint32) {
	for i := range r.members[:r.count] {
		if r.members[i].place == place {
			r.members[i].place = -1
			r.members[i].points += points
		}
	}
}

// recent remembers the battles that ended last, so that a late ticket does not begin one of them anew: as many as rooms could end while a ticket is good.
type recent struct {
	next int
	ids  [256]ticket.ID
}

func (r *recent) add(id ticket.ID) {
	r.ids[r.next%len(r.ids)] = id
	r.next++
}

func (r *recent) has(id ticket.ID) bool {
	for i := range r.ids {
		if r.ids[i] == id {
			return true
		}
	}
	return false
}
