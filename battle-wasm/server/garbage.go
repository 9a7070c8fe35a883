package server

import "runtime"

// collectAfter is after how many battles what they have left behind is collected: far less than what makes the runtime do it itself, at a time of its own choice.
const collectAfter = 64

// garbage is what battles have left behind, and what became of it.
type garbage struct {
	battles     int // that have ended since the last collection
	collections uint64
	paused      int64 // in nanoseconds
}

// collect collects garbage when there is most of a period left until the next tick. In the steady state there is none: only the ends of battles leave some.
func (l *Loop) collect() {
	if l.server.garbage.battles < collectAfter {
		return
	}
	period := second / int64(l.server.cfg.TickRate)
	began := l.machine.Now()
	if l.due(l.tick)-began < period*3/4 {
		return
	}
	runtime.GC()
	g := &l.server.garbage
	g.battles = 0
	g.collections++
	g.paused += l.machine.Now() - began
}
