package bots

// tickCounter counts a server's ticks over the measured time as one bot sees them: from the last snapshot before it to the
// first one after it, so that neither end is cut off within a tick. Silence counts as time without ticks; the pause between two
// battles does not count.
type tickCounter struct {
	count, time int64 // ticks, and the ns in which they happened

	seen   bool // at is that of a snapshot, of this session or of one that broke off
	known  bool // tick is of this session
	paused bool // the last battle is over and the next has not begun
	tick   int64
	at     int64
	closed bool
}

// snapshot takes the tick of a snapshot that came at the given time, and returns how many before it are missing. What comes late
// or twice is none.
func (c *tickCounter) snapshot(tick, at, from, to int64) (missing int64) {
	if c.closed || c.known && tick <= c.tick {
		return 0
	}
	advance := tick - c.tick
	if !c.known {
		advance = 0 // the first of a session: nothing to compare it with
	}
	if c.seen && at >= from {
		c.count += advance
		c.time += at - c.at
	}
	c.seen, c.known, c.paused, c.tick, c.at = true, true, false, tick, at
	c.closed = at >= to
	return max(0, advance-1)
}

// over notes the end of a session. After an orderly one time stops until the next session's first snapshot.
func (c *tickCounter) over(orderly bool) {
	c.known = false
	if orderly {
		c.seen, c.paused = false, true
	}
}

// finish adds the silence at the end, which is all of the time where no snapshot ever came.
func (c *tickCounter) finish(from, now int64) {
	switch {
	case c.closed, c.paused:
	case c.seen:
		c.time += now - c.at
	default:
		c.time += now - from
	}
}
