package placement_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/placement"
)

const lifetime = 10 * time.Second

// kept is how long a seat is kept for a ticket that is not used.
const kept = lifetime + 2250*time.Millisecond

// city is a board with a clock that stands still, and pods that say what the test wants.
type city struct {
	*placement.Board
	t   testing.TB
	now time.Time
	seq uint64
}

func newCity(t testing.TB) *city {
	c := &city{t: t, now: time.Unix(1_800_000_000, 0)}
	c.Board = placement.New(placement.Config{TicketLifetime: lifetime, Now: func() time.Time { return c.now }})
	return c
}

func (c *city) pod(name string, change func(p *placement.Presence)) error {
	c.seq++
	p := placement.Presence{Pod: name, Address: name + ":30000", Run: 1, Sequence: c.seq, MaxPlayers: 3, RoomsLimit: 2}
	if change != nil {
		change(&p)
	}
	return c.Presence(p)
}

func (c *city) says(name string, rooms ...placement.Room) {
	c.t.Helper()
	require.NoError(c.t, c.pod(name, func(p *placement.Presence) { p.Rooms = rooms }))
}

func player(n int) ticket.ID {
	var id ticket.ID
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

func players(from, to int) []ticket.ID {
	ids := []ticket.ID{}
	for n := from; n <= to; n++ {
		ids = append(ids, player(n))
	}
	return ids
}

func anyone(context.Context, placement.Game) (bool, error) { return true, nil }

func (c *city) join(n int) placement.Seat {
	c.t.Helper()
	s, err := c.Join(c.t.Context(), placement.Request{Player: player(n)}, anyone)
	require.NoError(c.t, err)
	return s
}

func (c *city) joinErr(n int, battle ticket.ID) error {
	_, err := c.Join(c.t.Context(), placement.Request{Player: player(n), Battle: battle}, anyone)
	return err
}

func fights(s placement.Seat, endsIn time.Duration, ids ...ticket.ID) placement.Room {
	return placement.Room{Number: s.Room, Battle: s.Battle, EndsIn: endsIn, Players: ids}
}

func (c *city) status(battle ticket.ID) placement.Status {
	i, ok := c.Battle(battle)
	if !ok {
		return ""
	}
	return i.Status
}

func TestFillsBattlesThenSpreadsOverPods(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	c.says("a")
	c.says("b")
	require.Equal(t, placement.Stats{Pods: 2, RoomsLimit: 4}, c.Stats())
	var seats []placement.Seat
	for n := 1; n <= 12; n++ {
		seats = append(seats, c.join(n))
	}
	where := func(s placement.Seat) string { return fmt.Sprint(s.Pod, s.Room) }
	for i, want := range []string{"a1", "a1", "a1", "b1", "b1", "b1", "a0", "a0", "a0", "b0", "b0", "b0"} {
		require.Equal(t, want, where(seats[i]), "player %d", i+1)
		require.Equal(t, i%3 == 0, seats[i].Opened)
		require.Equal(t, seats[i/3*3].Battle, seats[i].Battle)
	}
	require.Equal(t, "a:30000", seats[0].Address)
	require.Equal(t, uint64(1), seats[0].Run)
	require.Equal(t, c.now.Add(lifetime), seats[0].Expires)
	require.Equal(t, placement.ErrNoRoom, c.joinErr(13, ticket.ID{}))
	require.Equal(t, placement.ErrFull, c.joinErr(13, seats[0].Battle))
	require.Equal(t, placement.Stats{Pods: 2, Rooms: 4, RoomsLimit: 4, Reserved: 12}, c.Stats())
}

func TestFillsTheFullestBattle(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	one, two, soon := ticket.ID{1}, ticket.ID{2}, ticket.ID{3}
	c.says("a", placement.Room{Number: 0, Battle: one, EndsIn: time.Minute, Players: players(1, 1)})
	c.says("b", placement.Room{Number: 1, Battle: two, EndsIn: 31 * time.Second, Players: players(2, 3)},
		placement.Room{Number: 0, Battle: soon, EndsIn: 29 * time.Second, Players: players(4, 5)})
	require.Equal(t, placement.Waiting, c.status(one))
	require.Equal(t, placement.Playing, c.status(soon), "it is almost over")
	require.Equal(t, two, c.join(6).Battle)
	require.Equal(t, placement.Playing, c.status(two), "it is full")
	require.Equal(t, one, c.join(7).Battle)
	require.Equal(t, soon, c.join(4).Battle, "who is in a battle comes back to it")
}

func TestSamePlayerGetsTheSameSeat(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	c.says("a")
	first := c.join(1)
	c.now = c.now.Add(time.Second)
	again := c.join(1)
	require.True(t, again.Returned)
	require.Equal(t, first.Battle, again.Battle)
	require.Equal(t, c.now.Add(lifetime), again.Expires)
	require.Equal(t, 1, c.Stats().Reserved)

	c.says("a", fights(first, time.Second, players(1, 1)...))
	require.Equal(t, first.Battle, c.join(1).Battle, "a seat that is kept is worth coming back to at any time")
	require.Equal(t, placement.Stats{Pods: 1, Rooms: 1, RoomsLimit: 2, Players: 1}, c.Stats())
}

func TestSeatIsKeptForATicket(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	c.says("a")
	s := c.join(1)
	later := func(d time.Duration) {
		for end := c.now.Add(d); c.now.Before(end); c.now = c.now.Add(250 * time.Millisecond) {
			c.says("a")
		}
	}
	later(kept - 250*time.Millisecond)
	require.Equal(t, 1, c.Stats().Reserved)
	require.Equal(t, placement.Waiting, c.status(s.Battle))
	later(250 * time.Millisecond)
	c.Tick()
	require.Equal(t, placement.Stats{Pods: 1, RoomsLimit: 2}, c.Stats(), "nobody came")
	require.Equal(t, placement.Abandoned, c.status(s.Battle))
	require.Equal(t, placement.ErrUnknown, c.joinErr(2, s.Battle))
	later(15 * time.Minute)
	require.Empty(t, c.status(s.Battle))
}

func TestSeatIsFreeWhenItsPlayerHasLeft(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	c.says("a")
	s := c.join(1)
	c.says("a", fights(s, time.Minute, player(1), player(8), player(9)))
	require.Equal(t, placement.ErrFull, c.joinErr(2, s.Battle))
	c.says("a", fights(s, time.Minute, player(8), player(9)))
	require.NoError(t, c.joinErr(2, s.Battle), "the ticket has been used")

	// Who asks twice has two tickets: the pod may show the player who used the first, and the second still counts.
	c.says("a", fights(s, time.Minute, player(2), player(8)))
	c.join(3)
	c.join(3)
	c.says("a", fights(s, time.Minute, player(2), player(3), player(8)))
	c.says("a", fights(s, time.Minute, player(2), player(8)))
	require.Equal(t, placement.ErrFull, c.joinErr(4, s.Battle))
}

// The pod shows the player, who has a ticket already, while the policy is asked about another.
func TestPresenceWhileThePolicyIsAsked(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	c.says("a")
	s := c.join(1)
	again, err := c.Join(t.Context(), placement.Request{Player: player(1)}, func(context.Context, placement.Game) (bool, error) {
		c.says("a", fights(s, time.Minute, players(1, 1)...))
		return true, nil
	})
	require.NoError(t, err)
	require.Equal(t, s.Battle, again.Battle)
	c.says("a", fights(s, time.Minute, players(8, 9)...))
	require.Equal(t, placement.ErrFull, c.joinErr(2, s.Battle), "the second ticket is still about")
}

func TestVanishedPodIsOut(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	c.says("a")
	s := c.join(1)
	c.says("a", fights(s, time.Minute, player(1)))
	c.now = c.now.Add(placement.Silence - time.Millisecond)
	require.Equal(t, s.Battle, c.join(2).Battle)
	c.now = c.now.Add(time.Millisecond)
	require.Equal(t, placement.ErrNoRoom, c.joinErr(1, ticket.ID{}))
	require.Equal(t, placement.ErrUnknown, c.joinErr(1, s.Battle))
	require.Equal(t, placement.Stats{}, c.Stats())
	i, ok := c.Battle(s.Battle)
	require.True(t, ok)
	require.Equal(t, placement.Info{
		Battle: s.Battle, Status: placement.Lost, Pod: "a", Room: s.Room, Players: players(1, 2), Over: true,
	}, i)

	// It was only out of reach: its battle goes on, and the seat that was promised is still kept.
	c.says("a", fights(s, time.Minute, player(1)))
	require.Equal(t, placement.Waiting, c.status(s.Battle))
	require.Equal(t, placement.Stats{Pods: 1, Rooms: 1, RoomsLimit: 2, Players: 1, Reserved: 1}, c.Stats())

	c.now = c.now.Add(time.Minute)
	c.Tick()
	require.Equal(t, placement.Lost, c.status(s.Battle))
	c.now = c.now.Add(15 * time.Minute)
	require.Empty(t, c.status(s.Battle))
}

func TestNewRunIsAnotherPod(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	c.says("a")
	s := c.join(1)
	c.says("a", fights(s, time.Minute, player(1)))
	require.NoError(t, c.pod("a", func(p *placement.Presence) { p.Run, p.Sequence = 2, 1 }))
	require.Equal(t, placement.Lost, c.status(s.Battle))
	next := c.join(1)
	require.NotEqual(t, s.Battle, next.Battle)
	require.Equal(t, uint64(2), next.Run)
	require.Equal(t, placement.ErrLate, c.pod("a", nil), "of the former run")
	require.Equal(t, placement.ErrLate, c.pod("a", func(p *placement.Presence) { p.Run, p.Sequence = 2, 1 }))
}

func TestDrainingPodTakesNoNewBattles(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	c.says("a")
	fought := c.join(1)
	c.says("a", fights(fought, time.Minute, players(1, 3)...))
	promised := c.join(4)
	drain := func(rooms ...placement.Room) {
		require.NoError(t, c.pod("a", func(p *placement.Presence) { p.Draining, p.Rooms = true, rooms }))
	}
	drain(fights(fought, time.Minute, players(1, 2)...))
	require.Equal(t, 1, c.Stats().Draining)
	require.Equal(t, placement.ErrNoRoom, c.joinErr(5, ticket.ID{}), "a stranger would be cut short")
	require.Equal(t, placement.ErrNoRoom, c.joinErr(4, ticket.ID{}), "the battle that was promised will not begin")
	require.Equal(t, placement.Abandoned, c.status(promised.Battle))
	require.NoError(t, c.joinErr(1, ticket.ID{}), "who plays may come back")
	require.NoError(t, c.joinErr(5, fought.Battle), "who wants to a friend may")
	c.says("b")
	require.Equal(t, "b", c.join(4).Pod)
}

func TestFullPodTakesNoNewBattles(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	c.says("a")
	fought := c.join(1)
	full := func(is bool) {
		require.NoError(t, c.pod("a", func(p *placement.Presence) {
			p.Full, p.Rooms = is, []placement.Room{fights(fought, time.Minute, players(1, 10)...)}
		}))
	}
	full(true)
	require.Equal(t, placement.ErrNoRoom, c.joinErr(20, ticket.ID{}), "there are rooms, but no time for another battle")
	require.NoError(t, c.joinErr(1, ticket.ID{}), "who plays may come back")
	full(false)
	require.NotEqual(t, fought.Battle, c.join(20).Battle)
}

func TestBattleThatIsOver(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	c.says("a")
	s := c.join(1)
	c.says("a", fights(s, time.Minute, player(1)))
	second := c.join(2)
	require.Equal(t, s.Battle, second.Battle)
	c.says("a")
	require.Equal(t, placement.Playing, c.status(s.Battle), "its result is on its way")
	require.Equal(t, placement.ErrUnknown, c.joinErr(2, s.Battle))
	next := c.join(2)
	require.NotEqual(t, s.Room, next.Room, "a ticket for the former battle is still about")
	require.Equal(t, 2, c.Stats().Rooms)
	c.now = c.now.Add(placement.Silence)
	require.Equal(t, placement.Lost, c.status(s.Battle))
}

func TestBotsHaveTheirRooms(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	c.says("a", placement.Room{Number: 0, EndsIn: time.Minute, Players: players(90, 91)})
	s := c.join(1)
	require.Equal(t, uint16(1), s.Room)
	require.Equal(t, placement.Stats{Pods: 1, Rooms: 2, RoomsLimit: 2, Players: 2, Reserved: 1}, c.Stats())
	_, ok := c.Battle(ticket.ID{})
	require.False(t, ok)

	// Bots took the room before the player came.
	c.says("a", placement.Room{Number: 1, EndsIn: time.Minute, Players: players(90, 91)})
	require.Equal(t, placement.Abandoned, c.status(s.Battle))
	require.Equal(t, placement.Stats{Pods: 1, Rooms: 1, RoomsLimit: 2, Players: 2}, c.Stats())
	require.Equal(t, uint16(0), c.join(1).Room)
}

func TestKnowsTheCityAgainAfterARestart(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	battle := ticket.ID{7}
	c.says("a", placement.Room{Number: 1, Battle: battle, EndsIn: time.Minute, Players: players(1, 2)})
	s := c.join(2)
	require.Equal(t, battle, s.Battle)
	require.True(t, s.Returned)
	require.Equal(t, battle, c.join(3).Battle)
	require.Equal(t, placement.ErrFull, c.joinErr(4, battle))
	require.Equal(t, uint16(0), c.join(4).Room)
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	c := newCity(t)
	one, two := ticket.ID{1}, ticket.ID{2}
	c.says("a", placement.Room{Number: 0, Battle: one, EndsIn: time.Minute, Players: players(1, 2)},
		placement.Room{Number: 1, Battle: two, EndsIn: time.Minute, Players: players(3, 3)})
	var asked []placement.Game
	policy := func(allow ...ticket.ID) func(context.Context, placement.Game) (bool, error) {
		asked = nil
		return func(_ context.Context, g placement.Game) (bool, error) {
			asked = append(asked, g)
			for _, id := range allow {
				if g.Battle == id {
					return true, nil
				}
			}
			return false, nil
		}
	}
	s, err := c.Join(t.Context(), placement.Request{Player: player(5)}, policy(two))
	require.NoError(t, err)
	require.Equal(t, two, s.Battle)
	require.Equal(t, []placement.Game{
		{Battle: one, Status: placement.Waiting, Players: players(1, 2)}, {Battle: two, Status: placement.Waiting, Players: players(3, 3)},
	}, asked)

	_, err = c.Join(t.Context(), placement.Request{Player: player(6)}, policy())
	require.Equal(t, placement.ErrRefused, err)
	require.Len(t, asked, 2, "no room for a new one")
	c.says("b")
	_, err = c.Join(t.Context(), placement.Request{Player: player(6)}, policy())
	require.Equal(t, placement.ErrRefused, err)
	require.Len(t, asked, 3)
	require.Equal(t, placement.Game{Battle: asked[2].Battle, Status: placement.Waiting, Players: []ticket.ID{}}, asked[2])
	require.Empty(t, c.status(asked[2].Battle), "a battle that was not begun is not known")
	require.Equal(t, placement.Stats{Pods: 2, Rooms: 2, RoomsLimit: 4, Players: 3, Reserved: 1}, c.Stats(), "seats are given back")

	_, err = c.Join(t.Context(), placement.Request{Player: player(6), Battle: one}, policy(two))
	require.Equal(t, placement.ErrRefused, err)
	require.Len(t, asked, 1)

	_, err = c.Join(t.Context(), placement.Request{Player: player(6)}, func(context.Context, placement.Game) (bool, error) {
		return true, errors.New("undefined")
	})
	require.EqualError(t, err, "ask the policy: undefined")
	require.Equal(t, 1, c.Stats().Reserved)

	// The pod goes while the policy is asked: the seat is another's.
	s, err = c.Join(t.Context(), placement.Request{Player: player(6)}, func(_ context.Context, g placement.Game) (bool, error) {
		if g.Battle == one {
			require.NoError(t, c.pod("a", func(p *placement.Presence) { p.Run = 2 }))
		}
		return true, nil
	})
	require.NoError(t, err)
	require.Contains(t, []uint64{1, 2}, s.Run)
	require.NotEqual(t, one, s.Battle)
}

// benchCity has 50 pods of 20 rooms, and 2000 players in 250 battles.
func benchCity(b *testing.B) *city {
	c := newCity(b)
	for pod := range 50 {
		var rooms []placement.Room
		for room := range 5 {
			n := 1000 + pod*40 + room*8
			rooms = append(rooms, placement.Room{
				Number: uint16(room), Battle: ticket.ID{1, byte(pod), byte(room)}, EndsIn: time.Hour, Players: players(n, n+7),
			})
		}
		require.NoError(b, c.pod(fmt.Sprint("battle-", pod), func(p *placement.Presence) { p.MaxPlayers, p.RoomsLimit, p.Rooms = 10, 20, rooms }))
	}
	return c
}

func BenchmarkJoin(b *testing.B) {
	ctx := b.Context()
	b.Run("stranger", func(b *testing.B) {
		var c *city
		for n := 0; b.Loop(); n++ {
			if n%400 == 0 { // otherwise the seats would run out
				b.StopTimer()
				c = benchCity(b)
				b.StartTimer()
			}
			if _, err := c.Join(ctx, placement.Request{Player: player(n % 400)}, anyone); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("returning", func(b *testing.B) {
		c := benchCity(b)
		for n := 0; b.Loop(); n++ {
			if _, err := c.Join(ctx, placement.Request{Player: player(1000 + n%2000)}, anyone); err != nil {
				b.Fatal(err)
			}
		}
	})
}
