package fleet

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Live shows how a run goes. On a terminal it is a table that is drawn over and over again; elsewhere, a line for whatever changes.
type Live struct {
	w        io.Writer
	terminal bool
	start    time.Time
	drawn    int
	before   map[string]string
}

// NewLive returns a Live that writes to w; terminal tells that w takes the control sequences of a terminal.
func NewLive(w io.Writer, terminal bool) *Live {
	return &Live{w: w, terminal: terminal, start: time.Now(), before: map[string]string{}}
}

// Observe shows a snapshot; see [Options].
func (l *Live) Observe(s Snapshot) {
	if l.terminal {
		l.draw(s)
		return
	}
	for _, r := range s.Regions {
		l.line(r.Name, string(r.State))
		for _, c := range r.Cities {
			what := c.Step
			if what == "" {
				what = c.result()
				if p99 := c.percentile(99); p99 != "" && c.State != Running {
					what += ", P99 " + p99 + " ms"
				}
			}
			l.line(r.Name+"/"+c.Name, what)
		}
	}
}

// line prints what became of something, when that is news.
func (l *Live) line(name, what string) {
	if before, ok := l.before[name]; before == what || (!ok && what == string(Untouched)) {
		return
	}
	l.before[name] = what
	_, _ = fmt.Fprintf(l.w, "[%s] %s: %s\n", elapsed(l.start), name, what)
}

// draw replaces what was drawn before: a line a region, and one for each city that is being worked on.
func (l *Live) draw(s Snapshot) {
	var b strings.Builder
	if l.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", l.drawn)
	}
	lines := 0
	row := func(format string, args ...any) {
		fmt.Fprintf(&b, format+"\n", args...)
		lines++
	}
	for _, r := range s.Regions {
		count := map[State]int{}
		for _, c := range r.Cities {
			count[c.State]++
		}
		row("[%s] %-16s %-10s done %d, failed %d, owed %d of %d cities", elapsed(l.start), r.Name, r.State, count[Done], count[Failed], count[Owed], len(r.Cities))
		if r.State != Running {
			continue
		}
		for _, c := range r.Cities {
			if c.State == Running || c.State == Failed {
				row("          %-18s %-10s %-28s %8s %s", c.Name, c.Wave, c.Step, c.percentile(99), c.State)
			}
		}
	}
	l.drawn = lines
	_, _ = io.WriteString(l.w, b.String())
}

func elapsed(since time.Time) string {
	d := time.Since(since).Round(time.Second)
	return fmt.Sprintf("%3d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
