package placement_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/placement"
)

// world is a city of battle pods as they really are, which the board knows by late and lost presences alone.
type world struct {
	t     *testing.T
	rand  *rand.Rand
	board *placement.Board

	mu   sync.Mutex
	now  time.Time
	pods []*realPod
	mail []letter
	hand []held // tickets that players have
	joined, opened, refused,
	entered, late int
}

type realPod struct {
	name           string
	run, sequence  uint64
	players, limit int
	draining       bool
	remembers      bool
	cut            time.Time // nothing comes through until then
	rooms          map[uint16]*realBattle
	over           map[ticket.ID]bool
}

type realBattle struct {
	id      ticket.ID
	ends    time.Time
	players map[ticket.ID]bool
}

type letter struct {
	at time.Time
	placement.Presence
}

type held struct {
	use    time.Time
	player ticket.ID
	placement.Seat
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// enter is what a pod does with a ticket. A full room and a room with another battle are what the board must never send a player into.
func (w *world) enter(h held) {
	p := w.find(h.Pod, h.Run)
	if p == nil || p.over[h.Battle] || !w.now.Before(h.Expires) {
		w.late++
		return
	}
	b := p.rooms[h.Room]
	if b == nil {
		if p.draining {
			w.late++
			return
		}
		require.Less(w.t, len(p.rooms), p.limit, "%s has more battles than rooms", p.name)
		require.Less(w.t, int(h.Room), p.limit)
		b = &realBattle{id: h.Battle, ends: w.now.Add(time.Duration(20+w.rand.IntN(60)) * time.Second), players: map[ticket.ID]bool{}}
		p.rooms[h.Room] = b
	}
	require.Equal(w.t, b.id, h.Battle, "two battles in room %d of %s", h.Room, p.name)
	b.players[h.player] = true
	require.LessOrEqual(w.t, len(b.players), p.players, "too many players in room %d of %s", h.Room, p.name)
	w.entered++
}

func (w *world) find(name string, run uint64) *realPod {
	for _, p := range w.pods {
		if p.name == name && p.run == run {
			return p
		}
	}
	return nil
}

// step lets 10 ms pass.
func (w *world) step() {
	w.mu.Lock()
	w.now = w.now.Add(10 * time.Millisecond)
	var due []placement.Presence
	for _, p := range w.pods {
		w.live(p)
	}
	rest := w.hand[:0]
	for _, h := range w.hand {
		if w.now.Before(h.use) {
			rest = append(rest, h)
			continue
		}
		w.enter(h)
	}
	w.hand = rest
	mail := w.mail[:0]
	for _, l := range w.mail {
		if w.now.Before(l.at) {
			mail = append(mail, l)
		} else {
			due = append(due, l.Presence)
		}
	}
	w.mail = mail
	w.mu.Unlock()
	for _, p := range due {
		if err := w.board.Presence(p); err != nil && !errors.Is(err, placement.ErrLate) {
			w.t.Error(err)
		}
	}
}

// live is what happens on a pod by itself.
func (w *world) live(p *realPod) {
	for n, b := range p.rooms {
		for id := range b.players {
			if w.rand.IntN(1500) == 0 {
				delete(b.players, id)
			}
		}
		if len(b.players) == 0 || !w.now.Before(b.ends) {
			// Only some pods remember it: the others begin it again for a player who comes late.
			p.over[b.id] = p.remembers
			delete(p.rooms, n)
		}
	}
	switch w.rand.IntN(6000) {
	case 0:
		p.run, p.sequence, p.draining = w.rand.Uint64(), 0, false
		p.rooms, p.over = map[uint16]*realBattle{}, map[ticket.ID]bool{}
	case 1:
		p.draining = true
	case 2:
		p.cut = w.now.Add(time.Duration(w.rand.IntN(5000)) * time.Millisecond)
	}
	if w.rand.IntN(40) != 0 {
		return
	}
	p.sequence++
	if w.now.Before(p.cut) || w.rand.IntN(10) == 0 {
		return
	}
	say := placement.Presence{
		Pod: p.name, Address: p.name, Run: p.run, Sequence: p.sequence, MaxPlayers: p.players, RoomsLimit: p.limit, Draining: p.draining,
	}
	for n, b := range p.rooms {
		r := placement.Room{Number: n, Battle: b.id, EndsIn: b.ends.Sub(w.now).Truncate(time.Second)}
		for id := range b.players {
			r.Players = append(r.Players, id)
		}
		say.Rooms = append(say.Rooms, r)
	}
	// Later than the one after it, now and then.
	w.mail = append(w.mail, letter{at: w.now.Add(time.Duration(w.rand.IntN(400)) * time.Millisecond), Presence: say})
}

// want is one player's request, and what the player does with the ticket.
func (w *world) want(r *rand.Rand) {
	req := placement.Request{Player: player(1 + r.IntN(120))}
	w.mu.Lock()
	if len(w.hand) > 0 && r.IntN(4) == 0 {
		req.Battle = w.hand[r.IntN(len(w.hand))].Battle
	}
	w.mu.Unlock()
	s, err := w.board.Join(w.t.Context(), req, func(context.Context, placement.Game) (bool, error) { return r.IntN(8) > 0, nil })
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		w.joined++
		if s.Opened {
			w.opened++
		}
		if r.IntN(5) > 0 {
			// At any time, just before the ticket expires, or too late.
			use := time.Duration(r.IntN(11000)) * time.Millisecond
			if r.IntN(2) == 0 {
				use = lifetime - time.Duration(r.IntN(300))*time.Millisecond
			}
			w.hand = append(w.hand, held{use: w.now.Add(use), player: req.Player, Seat: s})
		}
	case errors.Is(err, placement.ErrFull), errors.Is(err, placement.ErrNoRoom), errors.Is(err, placement.ErrRefused), errors.Is(err, placement.ErrUnknown):
		w.refused++
	default:
		w.t.Error(err)
	}
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, rand: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_800_000_000, 0)}
	for n := range 4 {
		w.pods = append(w.pods, &realPod{
			name: fmt.Sprint("battle-", n), run: w.rand.Uint64(), players: 4, limit: 3, remembers: n%2 == 0,
			rooms: map[uint16]*realBattle{}, over: map[ticket.ID]bool{},
		})
	}
	w.board = placement.New(placement.Config{TicketLifetime: lifetime, Now: w.clock})
	return w
}

func (w *world) check() {
	w.t.Helper()
	s := w.board.Stats()
	require.LessOrEqual(w.t, s.Rooms, s.RoomsLimit)
	require.LessOrEqual(w.t, s.Players+s.Reserved, 4*s.Rooms)
	require.GreaterOrEqual(w.t, s.Reserved, 0)
	w.t.Logf("%d joined (%d opened a battle), %d got no seat, %d entered, %d came too late", w.joined, w.opened, w.refused, w.entered, w.late)
	require.Greater(w.t, w.entered, 100)
	require.Greater(w.t, w.refused, 100)
	require.Greater(w.t, w.opened, 20)
}

// However late, lost or out of order the presences are, no ticket leads into a full room or another's battle.
func TestNeverAboveCapacity(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed)
			for range 20_000 { // 200 s
				w.step()
				if w.rand.IntN(5) == 0 {
					w.want(w.rand)
				}
			}
			w.check()
		})
	}
}

// The same with requests from many goroutines.
func TestNeverAboveCapacityConcurrently(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 99)
	for second := range 100 {
		var wg sync.WaitGroup
		for n := range 16 {
			r := rand.New(rand.NewPCG(uint64(second), uint64(n)))
			wg.Go(func() {
				for range 2 {
					w.want(r)
				}
			})
		}
		for range 50 {
			w.step()
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		for range 50 {
			w.step()
		}
	}
	w.check()
}
