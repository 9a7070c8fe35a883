// Package journal writes the battle server's log: lines of JSON, in the keys of log/slog, into a buffer that is written out between two ticks.
//
// Nothing allocates and nothing waits: a line for which there is no room is dropped, and counted. log/slog would make the module a megabyte larger.
package journal

import (
	"strconv"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// room is how many bytes of lines are kept until they are written.
const room = 16 << 10

// Journal is a log. One goroutine uses it.
type Journal struct {
	who     string
	b       []byte // whole lines, and behind them the one that is being written
	whole   int    // how much of b is whole lines
	dropped uint64
}

// New returns an empty journal, each of whose lines says the city and the pod, where they are known.
func New(city, pod string) *Journal {
	j := &Journal{b: make([]byte, 0, room)}
	l := Line{&Journal{}}
	l.text("city", city)
	l.text("pod", pod)
	j.who = string(l.j.b)
	return j
}

// Dropped is how many lines were.
func (j *Journal) Dropped() uint64 { return j.dropped }

// Pending are the lines that are to be written. They are good until the next call of [Journal.Info] or [Journal.Warn].
func (j *Journal) Pending() []byte { return j.b[:j.whole] }

// Clear forgets the pending lines: they have been written.
func (j *Journal) Clear() { j.b, j.whole = j.b[:0], 0 }

// Line is a line that is being written. It ends with [Line.End]. Its methods are not inlined, for the module's size.
type Line struct{ j *Journal }

// Info begins a line; wall is the time in ms since 1970.
func (j *Journal) Info(wall int64, msg string) Line { return j.line(wall, "INFO", msg) }

// Warn begins a line that somebody should read.
func (j *Journal) Warn(wall int64, msg string) Line { return j.line(wall, "WARN", msg) }

// Error begins a line on what has failed.
func (j *Journal) Error(wall int64, msg string) Line { return j.line(wall, "ERROR", msg) }

func (j *Journal) line(wall int64, level, msg string) Line {
	j.b = append(j.b[:j.whole], `{"time":"`...)
	j.b = appendTime(j.b, wall)
	j.b = append(j.b, `","level":"`...)
	j.b = append(j.b, level...)
	j.b = append(j.b, `","msg":`...)
	j.b = appendString(j.b, msg)
	j.b = append(j.b, j.who...)
	return Line{j}
}

// End completes the line.
//
//go:noinline
func (l Line) End() {
	l.j.b = append(l.j.b, "}\n"...)
	// What is longer than the buffer has made a larger one: it goes with the lines in it.
	if len(l.j.b) > room {
		l.j.dropped++
		l.j.b = l.j.b[:l.j.whole]
		return
	}
	l.j.whole = len(l.j.b)
}

// Text adds a text, unless it is empty.
//
//go:noinline
func (l Line) Text(key, value string) Line {
	l.text(key, value)
	return l
}

// Number adds a number.
//
//go:noinline
func (l Line) Number(key string, n int64) Line {
	l.key(key)
	l.j.b = strconv.AppendInt(l.j.b, n, 10)
	return l
}

// ID adds an identity, unless it is all zero.
//
//go:noinline
func (l Line) ID(key string, id *ticket.ID) Line {
	if *id == (ticket.ID{}) {
		return l
	}
	l.key(key)
	l.j.b = append(l.j.b, '"')
	l.j.b = id.Append(l.j.b)
	l.j.b = append(l.j.b, '"')
	return l
}

//go:noinline
func (l Line) text(key, value string) {
	if value == "" {
		return
	}
	l.key(key)
	l.j.b = appendString(l.j.b, value)
}

//go:noinline
func (l Line) key(key string) {
	l.j.b = append(l.j.b, `,"`...)
	l.j.b = append(l.j.b, key...)
	l.j.b = append(l.j.b, `":`...)
}

// appendString writes a string of JSON.
func appendString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// appendTime writes a time in ms since 1970 as RFC 3339 has it, in UTC.
func appendTime(b []byte, ms int64) []byte {
	days, of := ms/86400000, ms%86400000
	// Days since 1 March of the year 0, in eras of 400 years: so the leap day is the last of a year.
	z := days + 719468
	era := z / 146097
	doe := z % 146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	year, month, day := yoe+era*400, mp+3, doy-(153*mp+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	for _, part := range [...]struct {
		n      int64
		digits int
		behind byte
	}{
		{year, 4, '-'}, {month, 2, '-'}, {day, 2, 'T'},
		{of / 3600000, 2, ':'}, {of / 60000 % 60, 2, ':'}, {of / 1000 % 60, 2, '.'}, {of % 1000, 3, 'Z'},
	} {
		for d := part.digits - 1; d >= 0; d-- {
			n := part.n
			for range d {
				n /= 10
			}
			b = append(b, '0'+byte(n%10))
		}
		b = append(b, part.behind)
	}
	return b
}
