package placement

import (
	"maps"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// Presence is what a pod says of itself, see report.Presence.
type Presence struct {
	Pod, Address           string
	Run, Sequence          uint64
	MaxPlayers, RoomsLimit int
	Draining, Full         bool
	Rooms                  []Room
}

// Room is a battle that is being fought.
type Room struct {
	// Number is the room's, below the limit.
	Number uint16
	// Battle is none where bots measure.
	Battle  ticket.ID
	EndsIn  time.Duration
	Players []ticket.ID
}

// Presence takes up what a pod says of itself. It fails with [ErrLate] when something newer is known.
func (b *Board) Presence(p Presence) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.sweep()
	at := b.pods[p.Pod]
	if _, retired := b.retired[p.Run]; retired || (at != nil && at.run == p.Run && p.Sequence <= at.sequence) {
		return ErrLate
	}
	if at == nil || at.run != p.Run {
		if at != nil {
			b.retired[at.run] = now
			b.lose(at, now)
		}
		at = &pod{name: p.Pod, run: p.Run, rooms: map[uint16]*battle{}}
		b.pods[p.Pod] = at
	}
	at.address, at.sequence, at.seen = p.Address, p.Sequence, now
	at.maxPlayers, at.roomsLimit, at.draining, at.full = p.MaxPlayers, p.RoomsLimit, p.Draining, p.Full
	gone := maps.Clone(at.rooms)
	for i := range p.Rooms {
		r := &p.Rooms[i]
		bt := at.rooms[r.Number]
		if bt != nil && bt.id == r.Battle {
			delete(gone, r.Number)
		}
		b.show(at, r, now)
	}
	for _, bt := range gone {
		// One that the pod does not know of may still begin, if the pod begins any and its room is free.
		if bt.state != opened || at.draining || at.rooms[bt.room] != bt {
			b.end(bt, now)
		}
	}
	return nil
}

// show takes up a battle that is being fought.
func (b *Board) show(p *pod, r *Room, now time.Time) {
	bt := p.rooms[r.Number]
	if bt == nil || bt.id != r.Battle {
		if bt != nil {
			p.seats -= bt.seats // the room is another's; what was in it ends below
		}
		bt = b.add(&battle{id: r.Battle, pod: p, room: r.Number, reserved: map[ticket.ID]*reservation{}})
	}
	if bt.state == over {
		b.battles[bt.id] = bt
	}
	b.history.remove(bt.id)
	for player := range bt.present {
		if b.at[player] == bt && bt.reserved[player] == nil {
			delete(b.at, player)
		}
	}
	bt.state, bt.ends = fought, now.Add(r.EndsIn)
	bt.present = make(map[ticket.ID]struct{}, len(r.Players))
	for _, player := range r.Players {
		bt.present[player] = struct{}{}
		if s := bt.reserved[player]; s != nil && s.pending == 0 && !s.firm {
			delete(bt.reserved, player)
		}
		if other := b.at[player]; !bt.bots() && (other == nil || other.reserved[player] == nil) {
			b.at[player] = bt
		}
	}
	bt.recount()
}

// end notes that a battle is fought no more. It keeps its room while there are tickets for it: a player who came with one would be in the
// wrong battle.
func (b *Board) end(bt *battle, now time.Time) {
	if bt.state != over && !bt.bots() {
		status := Playing // until its result is there
		if bt.state == opened {
			status = Abandoned
		}
		b.history.add(bt.record(status), now)
	}
	b.unlist(bt)
	bt.state, bt.present = over, nil
	bt.recount()
	if len(bt.reserved) == 0 {
		b.remove(bt)
	}
}
