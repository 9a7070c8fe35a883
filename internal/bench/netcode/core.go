package netcode

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/ticks"
)

// Core is what one processor's core bears: one server that is tied to it, and more and more battles of ten.
type Core struct {
	// Tied says whether the server had a core of its own. It has none on a machine of one.
	Tied bool `json:"tied"`
	// Seconds is how long each number of battles was played.
	Seconds float64 `json:"seconds"`
	// Equal is the number of battles at which the sides are compared.
	Equal int `json:"equal"`
	// Native is the server as a Linux program, Wasm by WasmEdge, Hosted by wazero.
	Native Bearing `json:"native"`
	Wasm   Bearing `json:"wasm"`
	Hosted Bearing `json:"hosted"`
}

// sides are the three, by the names that the tables have for them.
func (c *Core) sides() []*Bearing { return []*Bearing{&c.Native, &c.Wasm, &c.Hosted} }

// Bearing is how one kind of server bears its load.
type Bearing struct {
	Name string `json:"name"`
	// Steps are the numbers of battles that were played, from few to many.
	Steps []Load `json:"steps"`
	// End is why no more were tried.
	End string `json:"end"`
	// At70 is the load that took about 70 % of the core.
	At70 Load `json:"at70"`
}

// Load is one server with so many battles of ten, measured. Times are in ms.
type Load struct {
	Rooms int `json:"rooms"`
	// Share is the part of a core that the server's process used, RoomTick the processor time in µs for each battle and tick, by the snapshots that it sent.
	Share    float64 `json:"share"`
	RoomTick float64 `json:"roomTick"`
	// Lateness is how late ticks began. OnTime is the share of those that were at most [maxLate] ms late.
	Lateness ticks.Times `json:"tickLateness"`
	OnTime   float64     `json:"onTime"`
	// Allocations are those of the server's heap for each tick, the page of metrics that tells of them included.
	Allocations float64 `json:"allocations"`
	TickRate    float64 `json:"tickRate"`
	P50         float64 `json:"p50"`
	P99         float64 `json:"p99"`
	// Network is the round trip less the wait for the tick, P99.
	Network float64 `json:"networkP99"`
	// SentLate is how late the players themselves sent the worst hundredth of their inputs, Players how many cores they used.
	SentLate float64 `json:"sentLate"`
	Players  float64 `json:"playersCores"`
}

// maxLate is how late a tick may be, in ms: of all at the core's limit 99 %, at 70 % of the core 99.9 %.
const maxLate = 1.0

// bears says whether the server was on time with the load: 99 % of its ticks were, and it left none out.
func (l Load) bears() bool { return l.OnTime >= .99 && l.TickRate >= minTickRate }

// minTickRate is the least number of ticks a second that counts as all of the 120.
const minTickRate = 119.5

// most is the heaviest load that the server bore, nil for none.
func (b *Bearing) most() *Load {
	var most *Load
	for i := range b.Steps {
		if l := &b.Steps[i]; l.bears() && (most == nil || l.Rooms > most.Rooms) {
			most = l
		}
	}
	return most
}

// at is the load of so many battles, nil where that was not measured.
func (b *Bearing) at(rooms int) *Load {
	i := slices.IndexFunc(b.Steps, func(l Load) bool { return l.Rooms == rooms })
	if i < 0 {
		return nil
	}
	return &b.Steps[i]
}

// firstStep is how many battles are tried first, the sides' comparison; then there are twice as many, and nextStep more each time. finest is how exactly the limit is found.
const (
	firstStep = 10
	nextStep  = 20
	finest    = 2
	mostRooms = 400
)

// after is the next number of battles.
func after(rooms int) int {
	if rooms < nextStep {
		return rooms + firstStep
	}
	return rooms + nextStep
}

// climb raises the number of battles until the server does not bear it, and then finds the limit between the last two. play plays one number of battles; that it
// cannot be begun ends the climb, and is no failure.
func (b *Bearing) climb(ctx context.Context, play func(ctx context.Context, rooms int) (Load, error)) error {
	good, bad := 0, 0
	for bad == 0 || bad-good > finest {
		rooms := after(good)
		if bad != 0 {
			rooms = (good + bad) / 2
		}
		if rooms > mostRooms {
			b.End = fmt.Sprintf("%d battles are the most that were tried", good)
			return nil
		}
		l, err := play(ctx, rooms)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			bad, b.End = rooms, fmt.Sprintf("%d: %v", rooms, err)
			continue
		}
		b.Steps = append(b.Steps, l)
		if l.bears() {
			good = rooms
			continue
		}
		bad, b.End = rooms, fmt.Sprintf("%d: %.1f %% of the ticks were at most %g ms late, %.1f ticks/s", rooms, 100*l.OnTime, maxLate, l.TickRate)
	}
	slices.SortFunc(b.Steps, func(x, y Load) int { return x.Rooms - y.Rooms })
	return nil
}

// share is the part of a core at which the lateness of the worst thousandth counts.
const share = .7

// roomsAt is the number of battles that should use so much of the core, going by the steps next to it.
func (b *Bearing) roomsAt(wanted float64) int {
	below := Load{}
	for _, l := range b.Steps {
		if l.Share >= wanted {
			part := (wanted - below.Share) / max(l.Share-below.Share, 1e-9)
			return max(1, int(math.Round(float64(below.Rooms)+part*float64(l.Rooms-below.Rooms))))
		}
		below = l
	}
	if below.Share <= 0 {
		return 1
	}
	return max(1, int(float64(below.Rooms)*wanted/below.Share))
}

// measureCore lets each kind of server climb, and looks closer at 70 % of the core.
func measureCore(ctx context.Context, cfg Config, servers [3]program) (c Core, err error) {
	measured, others := cfg.Host.Cores()
	c = Core{Tied: len(measured) > 0, Seconds: 6, Equal: firstStep}
	long := 15 * time.Second
	if cfg.Quick {
		c.Seconds, long = 2, 3*time.Second
	}
	for i, b := range c.sides() {
		b.Name = servers[i].name
		play := func(ctx context.Context, rooms int, d time.Duration) (Load, error) {
			cfg.say("%s: %d battles of ten for %s", b.Name, rooms, d)
			l, err := play(ctx, cfg, servers[i], measured, others, rooms, d)
			if err == nil {
				cfg.say("%s: %d battles: %.0f %% of the core, %.2f %% of the ticks at most %g ms late", b.Name, rooms, 100*l.Share, 100*l.OnTime, maxLate)
			}
			return l, err
		}
		if err := b.climb(ctx, func(ctx context.Context, rooms int) (Load, error) {
			return play(ctx, rooms, time.Duration(c.Seconds*float64(time.Second)))
		}); err != nil {
			return c, fmt.Errorf("one core, %s: %w", b.Name, err)
		}
		if b.at(c.Equal) == nil {
			return c, fmt.Errorf("one core, %s: not even %d battles could be played: %s", b.Name, c.Equal, b.End)
		}
		if b.At70, err = play(ctx, b.roomsAt(share), long); err != nil {
			return c, fmt.Errorf("one core, %s, %.0f %%: %w", b.Name, 100*share, err)
		}
	}
	return c, nil
}
