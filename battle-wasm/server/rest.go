package server

const (
	// restAfter is how long, in ns, the loop goes on tick by tick at its start, and after the last player has gone: the next often come soon.
	restAfter = second
	// restTime is the longest rest in ns. A tick follows each, so that the server can say at any time that it has had one in the last second, and
	// that it costs hardly anything: it wakes 4 times a second, where the ticks of 120 a second wake it 120 times.
	restTime = second / 2
)

// mayRest says whether the ticks have had nothing to do for a while, and no connection is open. A connection that has been answered does not
// begin the while anew, or the probes alone would keep a server awake for much of the time.
func (l *Loop) mayRest(now int64) bool {
	if !l.server.idle() {
		l.awake = now
		return false
	}
	return now-l.awake >= restAfter && !l.web.Busy() && !l.server.drain.on
}

// rest waits for a packet or a connection, but for restTime at most, and returns the time. The ticks that were due before then have nothing to do
// and are not run, but counted: the next one is that of the schedule, as if all had run. They are not skipped ones, and neither late nor short.
//
// Nothing in the server waits for a tick but players and connections: limits and cookies are reckoned from the time at which they are asked for.
func (l *Loop) rest(now int64) int64 {
	l.machine.Rest(now+restTime, nil)
	now = l.machine.Now()
	if next := l.next(now); next > l.tick {
		l.server.metrics.ticks += uint64(next - l.tick)
		l.tick = next
	}
	return now
}

// next is the first tick that is not due before a time.
func (l *Loop) next(now int64) int64 {
	rate := int64(l.server.cfg.TickRate)
	since := now - l.start
	return since/second*rate + (since%second*rate+second-1)/second
}
