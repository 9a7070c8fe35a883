package server

import "runtime"

// collectAfter is after how many battles what they have left behind is collected: far less than what makes the runtime do it itself, at a time of its own choice.
const collectAfter = 64

// collect collects garbage when there is most of a period left until the next tick. In the steady state there is none: only the ends of battles leave some.
func (l *Loop) collect() {
	if l.server.garbage < collectAfter {
		return
	}
	period := second / int64(l.server.cfg.TickRate)
	if l.due(l.tick)-l.machine.Now() < period*3/4 {
		return
	}
	runtime.GC()
	l.server.garbage = 0
}
