package placement

import (
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// pod is one run of a battle pod.
type pod struct {
	name, address string
	run, sequence uint64
	maxPlayers    int
	roomsLimit    int
	draining      bool
	full          bool // its ticks have no time for another battle
	lost          bool
	seen          time.Time
	rooms         map[uint16]*battle
	seats         int // of all rooms
}

// alive is whether the pod is not out.
func (p *pod) alive(now time.Time) bool { return now.Sub(p.seen) < Silence }

// before is the order in which pods get new battles.
func (p *pod) before(q *pod) bool {
	switch {
	case p.seats != q.seats:
		return p.seats < q.seats
	case len(p.rooms) != len(q.rooms):
		return len(p.rooms) < len(q.rooms)
	default:
		return p.name < q.name
	}
}

// freeRoom is a room that is not in use, which there must be. It is the last one: bots that come with a ticket for any room get the first.
func (p *pod) freeRoom() uint16 {
	n := uint16(p.roomsLimit - 1)
	for p.rooms[n] != nil {
		n--
	}
	return n
}

// The states of a battle.
const (
	// opened is a battle that its pod does not know of yet.
	opened = iota
	// fought is one that its pod shows.
	fought
	// over is one that its pod shows no more. Its room is not used while there are tickets for it.
	over
)

// battle is a room of a pod that is in use.
type battle struct {
	id       ticket.ID // none for one of bots
	number   uint64
	pod      *pod
	room     uint16
	state    int
	ends     time.Time // zero until the pod has said it
	present  map[ticket.ID]struct{}
	reserved map[ticket.ID]*reservation
	seats    int // of those who are present or have a reservation
}

// reservation is the seat of a player who has a ticket, or is about to get one.
type reservation struct {
	// until is when the last ticket is worth nothing for certain. Zero when there is none.
	until time.Time
	// pending are the requests that wait for the policy.
	pending int
	// firm is whether it stays when the pod shows the player: there may be a ticket that is not used yet.
	firm bool
}

func (bt *battle) bots() bool { return bt.id == ticket.ID{} }

func (bt *battle) seated(player ticket.ID) bool {
	_, present := bt.present[player]
	return present || bt.reserved[player] != nil
}

// waiting is whether one more player is welcome.
func (bt *battle) waiting(now time.Time) bool {
	return bt.state != over && bt.seats < bt.pod.maxPlayers && (bt.ends.IsZero() || bt.ends.Sub(now) >= lastCall)
}

func (bt *battle) reserve(player ticket.ID) *reservation {
	r := bt.reserved[player]
	if r == nil {
		r = &reservation{}
		bt.reserved[player] = r
	}
	return r
}

// recount counts the seats, of the battle's pod too.
func (bt *battle) recount() {
	n := len(bt.present)
	for player := range bt.reserved {
		if _, ok := bt.present[player]; !ok {
			n++
		}
	}
	if bt.pod.rooms[bt.room] == bt {
		bt.pod.seats += n - bt.seats
	}
	bt.seats = n
}

// players are those who have a seat, but for one.
func (bt *battle) players(except ticket.ID) []ticket.ID {
	players := make([]ticket.ID, 0, bt.seats)
	for player := range bt.present {
		if player != except {
			players = append(players, player)
		}
	}
	for player := range bt.reserved {
		if _, present := bt.present[player]; !present && player != except {
			players = append(players, player)
		}
	}
	return sortIDs(players)
}

func (bt *battle) game(player ticket.ID, now time.Time) Game {
	g := Game{Battle: bt.id, Status: Playing, Players: bt.players(player)}
	if bt.waiting(now) {
		g.Status = Waiting
	}
	return g
}

func (bt *battle) record(s Status) record {
	return record{
		pod:  bt.pod,
		Info: Info{Battle: bt.id, Status: s, Pod: bt.pod.name, Room: bt.room, Players: bt.players(ticket.ID{})},
	}
}
