// Package placement decides on which battle pod, and in which battle, a player gets a seat.
//
// All that it knows is in memory and comes from the pods themselves: each says twice a second that it is there and who plays on it. What they
// cannot know yet is kept here: a seat is reserved from the moment a ticket is promised until the pod shows the player or can no longer take the
// ticket. So a room never gets more players than it has seats, nor a pod more rooms, however many ask at once; and a lobby that starts anew knows
// the city again after one round of presences.
package placement

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// The reasons for which a player gets no seat. [Board.Join] returns them unwrapped.
var (
	// ErrRefused is the policy's no.
	ErrRefused = errors.New("policy does not admit the player")
	// ErrFull is of a battle that was asked for and has no seat left.
	ErrFull = errors.New("battle is full")
	// ErrUnknown is of a battle that was asked for and is not being fought.
	ErrUnknown = errors.New("battle is not being fought")
	// ErrNoRoom is when no pod can take another battle.
	ErrNoRoom = errors.New("no battle pod has room")
)

// ErrLate is of a presence that is older than what is known of the pod.
var ErrLate = errors.New("presence is late")

// The times that rule.
const (
	// Silence is for how long nothing may come from a pod: three presences and a half. Then it is out.
	Silence = 1750 * time.Millisecond
	// transit is the most that a presence is on its way, and the clocks of a city differ.
	transit = 500 * time.Millisecond
	// slack is for how long a seat is kept when its ticket has expired. A pod that is not out by then has sent a presence that shows the
	// player, if the ticket was used.
	slack = Silence + transit
	// lastCall is how long a battle must go on to be worth joining.
	lastCall = 30 * time.Second
	// forget is when a pod that is out is not expected back. Its tickets have expired by then.
	forget = time.Minute
	// lateRuns is for how long presences of a pod's former run may still come.
	lateRuns = 10 * time.Minute
	// sweepEvery is how often pods are looked through, at most.
	sweepEvery = 50 * time.Millisecond
)

// maxRefusals is the number of battles that the policy is asked about before a new one is opened.
const maxRefusals = 4

// Status is how a battle stands.
type Status string

// What is known of a battle here. How one ended is in its result.
const (
	// Waiting is a battle with a free seat and at least half a minute to go.
	Waiting Status = "waiting"
	// Playing is any other that is being fought, or whose result is on its way.
	Playing Status = "playing"
	// Abandoned is one that nobody came to.
	Abandoned Status = "abandoned"
	// Lost is one whose pod is gone.
	Lost Status = "lost"
)

// Config says how seats are given.
type Config struct {
	// TicketLifetime is how long a ticket can be used. Required; less than half a minute.
	TicketLifetime time.Duration
	// Now tells the time. Default is [time.Now].
	Now func() time.Time
}

// Board is what is known of the city's battle pods. It is for any number of goroutines.
type Board struct {
	cfg Config

	mu       sync.Mutex
	pods     map[string]*pod
	battles  map[ticket.ID]*battle // those that may still be joined, on pods that are out too
	at       map[ticket.ID]*battle // by player, where that one has a seat
	expiring []expiry              // the next first: all tickets live equally long
	retired  map[uint64]time.Time  // runs that another has taken the place of
	history  history
	opened   uint64
	swept    time.Time
}

// expiry is when to look at a reservation.
type expiry struct {
	at     time.Time
	battle *battle
	player ticket.ID
}

// New returns a board that knows of no pods.
func New(cfg Config) *Board {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Board{
		cfg: cfg, pods: map[string]*pod{}, battles: map[ticket.ID]*battle{}, at: map[ticket.ID]*battle{}, retired: map[uint64]time.Time{},
		history: history{records: map[ticket.ID]record{}},
	}
}

// Request is a player who wants to play.
type Request struct {
	Player ticket.ID
	// Battle is the one to join. Default is whichever is best.
	Battle ticket.ID
}

// Game is a battle as the policy sees it: without the player who asks.
type Game struct {
	Battle  ticket.ID
	Status  Status
	Players []ticket.ID
}

// Seat is a place in a battle, kept for the player until the ticket expires.
type Seat struct {
	Battle  ticket.ID
	Pod     string
	Run     uint64
	Address string
	Room    uint16
	Expires time.Time
	// Opened is whether the battle was opened for this player.
	Opened bool
	// Returned is whether the player had a seat there already.
	Returned bool
}

// Join gives the player a seat. One who has a seat gets it again. Others get one in the fullest battle that waits, unless admit says no, and else
// in a new battle on the pod with the fewest players.
//
// The seat is kept while admit is asked, without holding anybody else up, and given back after a no: what admit sees stays true.
func (b *Board) Join(ctx context.Context, req Request, admit func(context.Context, Game) (bool, error)) (Seat, error) {
	var refused []ticket.ID
	for {
		h, err := b.hold(req, refused)
		if errors.Is(err, ErrNoRoom) && len(refused) > 0 {
			return Seat{}, ErrRefused
		} else if err != nil {
			return Seat{}, err
		}
		seat, admitted, err := b.ask(ctx, h, req.Player, admit)
		switch {
		case err != nil:
			return Seat{}, fmt.Errorf("ask the policy: %w", err)
		case seat != nil:
			return *seat, nil
		case !admitted && (h.opened || req.Battle != ticket.ID{}):
			return Seat{}, ErrRefused
		case !admitted:
			refused = append(refused, h.game.Battle)
		}
		// Otherwise the battle or its pod has gone in the meantime: the next, please.
	}
}

// ask gives the seat that is held if the policy says yes. However it ends, the seat is held no more.
func (b *Board) ask(
	ctx context.Context, h held, player ticket.ID, admit func(context.Context, Game) (bool, error),
) (seat *Seat, admitted bool, err error) {
	defer func() { seat = b.settle(h, player, admitted) }()
	ok, err := admit(ctx, h.game)
	if err == nil {
		err = ctx.Err()
	}
	return nil, ok && err == nil, err
}

// held is a seat that is kept while the policy is asked.
type held struct {
	battle           *battle
	game             Game
	opened, returned bool
}

// hold finds a seat and keeps it.
func (b *Board) hold(req Request, refused []ticket.ID) (held, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.sweep()
	h, err := b.find(req, refused, now)
	if err != nil {
		return held{}, err
	}
	h.game = h.battle.game(req.Player, now)
	if h.returned {
		h.game.Status = Waiting // for this player, whose seat is kept
	}
	h.battle.reserve(req.Player).pending++
	h.battle.recount()
	return h, nil
}

func (b *Board) find(req Request, refused []ticket.ID, now time.Time) (held, error) {
	if req.Battle != (ticket.ID{}) {
		bt := b.battles[req.Battle]
		switch {
		case bt == nil, !bt.pod.alive(now):
			return held{}, ErrUnknown
		case bt.seated(req.Player):
			return held{battle: bt, returned: true}, nil
		case bt.seats >= bt.pod.maxPlayers:
			return held{}, ErrFull
		}
		return held{battle: bt}, nil
	}
	if bt := b.at[req.Player]; bt != nil && bt.seated(req.Player) && bt.pod.alive(now) && !slices.Contains(refused, bt.id) {
		return held{battle: bt, returned: true}, nil
	}
	if len(refused) < maxRefusals {
		if bt := b.fullest(refused, now); bt != nil {
			return held{battle: bt}, nil
		}
	}
	p := b.emptiest(now)
	if p == nil {
		return held{}, ErrNoRoom
	}
	return held{battle: b.open(p), opened: true}, nil
}

// fullest is the waiting battle with the most players: battles that begin full are better than many that wait. Of equals it is the oldest.
func (b *Board) fullest(except []ticket.ID, now time.Time) *battle {
	var best *battle
	for _, bt := range b.battles {
		if bt.pod.draining || !bt.waiting(now) || !bt.pod.alive(now) || slices.Contains(except, bt.id) {
			continue
		}
		if best == nil || bt.seats > best.seats || (bt.seats == best.seats && bt.number < best.number) {
			best = bt
		}
	}
	return best
}

// emptiest is the pod for a new battle.
func (b *Board) emptiest(now time.Time) *pod {
	var best *pod
	for _, p := range b.pods {
		if p.draining || p.full || len(p.rooms) >= p.roomsLimit || !p.alive(now) {
			continue
		}
		if best == nil || p.before(best) {
			best = p
		}
	}
	return best
}

// open makes a battle in a free room of a pod.
func (b *Board) open(p *pod) *battle {
	var id ticket.ID
	_, _ = rand.Read(id[:]) // it does not fail
	return b.add(&battle{id: id, pod: p, room: p.freeRoom(), reserved: map[ticket.ID]*reservation{}})
}

func (b *Board) add(bt *battle) *battle {
	b.opened++
	bt.number = b.opened
	bt.pod.rooms[bt.room] = bt
	if !bt.bots() {
		b.battles[bt.id] = bt
	}
	return bt
}

// settle gives the seat that was held, or gives it back.
func (b *Board) settle(h held, player ticket.ID, admitted bool) *Seat {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.sweep()
	bt := h.battle
	r := bt.reserved[player]
	r.pending--
	if !admitted || bt.state == over || !bt.pod.alive(now) || b.pods[bt.pod.name] != bt.pod {
		b.release(bt, player, now)
		return nil
	}
	expires := now.Add(b.cfg.TicketLifetime)
	_, present := bt.present[player]
	// A player who is there, or has another ticket, may be shown by the pod before this ticket has been used.
	r.firm = r.firm || present || !r.until.IsZero()
	r.until = expires.Add(slack)
	b.expiring = append(b.expiring, expiry{at: r.until, battle: bt, player: player})
	b.at[player] = bt
	return &Seat{
		Battle: bt.id, Pod: bt.pod.name, Run: bt.pod.run, Address: bt.pod.address, Room: bt.room, Expires: expires,
		Opened: h.opened, Returned: h.returned,
	}
}

// release ends a reservation that nothing speaks for any more, and a battle that was only reserved.
func (b *Board) release(bt *battle, player ticket.ID, now time.Time) {
	r := bt.reserved[player]
	if r == nil || r.pending > 0 || now.Before(r.until) {
		return
	}
	delete(bt.reserved, player)
	bt.recount()
	if _, present := bt.present[player]; !present && b.at[player] == bt {
		delete(b.at, player)
	}
	if len(bt.reserved) > 0 || bt.state == fought {
		return
	}
	if bt.state == opened && !r.until.IsZero() {
		b.history.add(bt.record(Abandoned), now)
	}
	b.remove(bt)
}

// remove takes a battle off the board.
func (b *Board) remove(bt *battle) {
	bt.state = over
	if bt.pod.rooms[bt.room] == bt {
		bt.pod.seats -= bt.seats
		delete(bt.pod.rooms, bt.room)
	}
	b.unlist(bt)
}

// unlist makes a battle one that nobody joins any more.
func (b *Board) unlist(bt *battle) {
	if b.battles[bt.id] == bt {
		delete(b.battles, bt.id)
	}
	for player := range bt.reserved {
		if b.at[player] == bt {
			delete(b.at, player)
		}
	}
	for player := range bt.present {
		if b.at[player] == bt {
			delete(b.at, player)
		}
	}
}

// Tick does what is due: [Board.Join] needs it no more than the others, but nobody may be asking.
func (b *Board) Tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep()
}

// sweep ends what has expired and says what time it is.
func (b *Board) sweep() time.Time {
	now := b.cfg.Now()
	n := 0
	for ; n < len(b.expiring) && !now.Before(b.expiring[n].at); n++ {
		b.release(b.expiring[n].battle, b.expiring[n].player, now)
		b.expiring[n] = expiry{}
	}
	b.expiring = b.expiring[n:]
	if now.Sub(b.swept) < sweepEvery {
		return now
	}
	b.swept = now
	for _, p := range b.pods {
		if now.Sub(p.seen) >= forget {
			b.lose(p, now)
			delete(b.pods, p.name)
		}
	}
	for run, at := range b.retired {
		if now.Sub(at) >= lateRuns {
			delete(b.retired, run)
		}
	}
	b.history.sweep(now)
	return now
}

// lose ends all battles of a run that is gone.
func (b *Board) lose(p *pod, now time.Time) {
	for _, bt := range p.rooms {
		if bt.state != over && !bt.bots() {
			b.history.add(bt.record(Lost), now)
		}
		b.remove(bt)
	}
	p.lost = true
}

// Info is how a battle stands.
type Info struct {
	Battle ticket.ID
	Status Status
	Pod    string
	Room   uint16
	// Players are those who have a seat, in the order of their identities.
	Players []ticket.ID
	// Over is whether it is being fought no more.
	Over bool
}

// Battle says how a battle stands, if it is known here: those that ended long ago are not.
func (b *Board) Battle(id ticket.ID) (Info, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.sweep()
	if bt := b.battles[id]; bt != nil {
		i := bt.record(Playing).Info
		switch {
		case !bt.pod.alive(now):
			i.Status, i.Over = Lost, true
		case bt.waiting(now):
			i.Status = Waiting
		}
		return i, true
	}
	r, ok := b.history.records[id]
	if !ok {
		return Info{}, false
	}
	if r.Status == Playing && (r.pod.lost || !r.pod.alive(now)) {
		r.Status = Lost // together with its result
	}
	r.Over = true
	return r.Info, true
}

// Stats are the board's numbers.
type Stats struct {
	// Pods are those that are there, Draining those of them about to go.
	Pods, Draining int
	// Rooms are those in use or reserved, RoomsLimit all.
	Rooms, RoomsLimit int
	// Players are those who play, Reserved the seats kept for others.
	Players, Reserved int
}

// Stats counts.
func (b *Board) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.sweep()
	var s Stats
	for _, p := range b.pods {
		if !p.alive(now) {
			continue
		}
		s.Pods++
		if p.draining {
			s.Draining++
		}
		s.Rooms += len(p.rooms)
		s.RoomsLimit += p.roomsLimit
		for _, bt := range p.rooms {
			s.Players += len(bt.present)
			s.Reserved += bt.seats - len(bt.present)
		}
	}
	return s
}

func sortIDs(ids []ticket.ID) []ticket.ID {
	slices.SortFunc(ids, func(a, b ticket.ID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}
