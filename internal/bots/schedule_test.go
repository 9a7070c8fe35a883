package bots

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func testPlan(bots int) schedule {
	return newSchedule(Config{Targets: make([]Target, 1), PerTarget: bots, Warmup: time.Second, Duration: time.Second}.withDefaults())
}

func TestScheduleKeepsTheRateForever(t *testing.T) {
	t.Parallel()
	plan := testPlan(100)
	require.EqualValues(t, maxSlots, plan.slots)
	for _, seconds := range []int64{1, 3600, 30 * 86400} {
		require.Equal(t, seconds*int64(time.Second), plan.due(0, seconds*120))
	}
	for i := range int64(10_000) {
		gap := plan.due(3, i+1) - plan.due(3, i)
		require.InDelta(t, float64(time.Second)/120, gap, 1)
	}
}

func TestFirstDueIsTheFirst(t *testing.T) {
	t.Parallel()
	plan := testPlan(7)
	for _, slot := range []int64{0, 3, 6} {
		require.Zero(t, plan.firstDue(slot, -int64(time.Hour)))
		for i := range int64(5000) {
			due := plan.due(slot, i)
			require.Equal(t, i, plan.firstDue(slot, due))
			require.Equal(t, i+1, plan.firstDue(slot, due+1))
		}
	}
}

func TestSlotsSpreadTheBotsOfAPod(t *testing.T) {
	t.Parallel()
	plan := newSchedule(Config{Targets: make([]Target, 10), PerTarget: 8}.withDefaults())
	for target := range 10 {
		used := map[int64]int{}
		for bot := range 8 {
			used[plan.slot(target, bot, 8)]++
		}
		require.Len(t, used, 8)
	}
}

func TestTickCounter(t *testing.T) {
	t.Parallel()
	// The measured time is 100 to 200; a tick takes 10.
	tests := map[string]struct {
		play        func(c *tickCounter) (missing int64)
		count, time int64
		missing     int64
	}{
		"from before to after": {play: play(90, 5, 210, 17), count: 11, time: 110},
		"a gap is no tick lost to the rate, but snapshots lost": {
			play:  func(c *tickCounter) int64 { return feed(c, 95, 10, 105, 11) + feed(c, 145, 15, 205, 16) },
			count: 6, time: 110, missing: 3,
		},
		"late and repeated snapshots": {
			play:  func(c *tickCounter) int64 { return feed(c, 95, 10, 115, 12, 116, 11, 117, 12, 205, 21) },
			count: 11, time: 110, missing: 9,
		},
		"silence until the end":     {play: func(c *tickCounter) int64 { return feed(c, 95, 10, 105, 11) }, count: 1, time: 255},
		"nothing ever":              {play: func(*tickCounter) int64 { return 0 }, time: 250},
		"nothing after the warm-up": {play: func(c *tickCounter) int64 { return feed(c, 50, 1) }, time: 300},
		"a battle ends and another begins": {
			play: func(c *tickCounter) int64 {
				n := feed(c, 95, 10, 105, 11)
				c.over(true)
				return n + feed(c, 165, 1, 205, 5)
			},
			count: 5, time: 50, missing: 3,
		},
		"a battle ends and no other begins": {
			play:  func(c *tickCounter) int64 { n := feed(c, 95, 10, 105, 11); c.over(true); return n },
			count: 1, time: 10,
		},
		"a session breaks off": {
			play: func(c *tickCounter) int64 {
				n := feed(c, 95, 10, 105, 11)
				c.over(false)
				return n + feed(c, 165, 1, 205, 5)
			},
			count: 5, time: 110, missing: 3,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c tickCounter
			missing := tt.play(&c)
			c.finish(100, 350)
			require.Equal(t, []int64{tt.count, tt.time, tt.missing}, []int64{c.count, c.time, missing})
		})
	}
}

// play feeds a snapshot every 10 from one time and tick to another.
func play(at, tick, lastAt, lastTick int64) func(*tickCounter) int64 {
	return func(c *tickCounter) (missing int64) {
		for ; at <= lastAt && tick <= lastTick; at, tick = at+10, tick+1 {
			missing += c.snapshot(tick, at, 100, 200)
		}
		return missing
	}
}

// feed feeds snapshots, each given by its time and its tick.
func feed(c *tickCounter, atAndTick ...int64) (missing int64) {
	for i := 0; i < len(atAndTick); i += 2 {
		missing += c.snapshot(atAndTick[i+1], atAndTick[i], 100, 200)
	}
	return missing
}

func TestMoverIsDeterministicAndValid(t *testing.T) {
	t.Parallel()
	nobody := func() (uint16, bool) { return 0, false }
	a, b, other := newMover(1, 2), newMover(1, 2), newMover(1, 3)
	same := true
	for range 1000 {
		in := a.next(nobody)
		require.Equal(t, in, b.next(nobody))
		same = same && in == other.next(nobody)
		require.NotEqual(t, int8(-128), in.MoveX)
		require.NotEqual(t, int8(-128), in.MoveY)
	}
	require.False(t, same, "bots move differently")
}
