package server

import (
	"bytes"
	"math"
	"strconv"

	"github.com/edge-arena/edge-arena/battle-wasm/ascii"
	"github.com/edge-arena/edge-arena/battle-wasm/nats"
	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// outboxSize is how many results wait for the store at most: some battles of each room. Beyond it the oldest is lost, and counted.
const outboxSize = 256

// resendAfter is how long the acknowledgement of a result is waited for, in ns, before it is sent again. The store knows a battle's identity, and
// takes it once.
const resendAfter = 2 * second

// outbox holds the results that the store has not acknowledged.
type outbox struct {
	entries  []entry
	number   uint64 // of the newest entry
	connects uint64 // of the connection, when entries were sent last
}

type entry struct {
	number  uint64
	room    int
	battle  ticket.ID
	payload []byte
	due     int64 // when it is sent, again
}

// publisher is the connection to NATS.
type publisher interface {
	Ready() bool
	Counts() nats.Counts
	Publish(subject, reply string, headers []nats.Header, payload []byte) bool
	Pump(now int64)
}

// post puts a result into the outbox.
func (s *Server) post(r *room, payload []byte) {
	o := &s.outbox
	if len(o.entries) == outboxSize {
		s.metrics.resultsLost++
		o.entries = append(o.entries[:0], o.entries[1:]...)
	}
	o.number++
	o.entries = append(o.entries, entry{number: o.number, room: int(r.id), battle: r.battle, payload: payload, due: s.now})
}

// publish sends what is due: results that were not acknowledged, and the presence.
func (s *Server) publish() {
	if s.bus == nil {
		return
	}
	s.bus.Pump(s.now)
	if !s.bus.Ready() {
		return
	}
	o := &s.outbox
	if connects := s.bus.Counts().Connects; connects != o.connects {
		// What the connection before had taken may have been lost with it.
		o.connects = connects
		for i := range o.entries {
			o.entries[i].due = s.now
		}
		s.presence.changed = true
	}
	for i := range o.entries {
		e := &o.entries[i]
		if e.due > s.now {
			continue
		}
		s.headers[0] = nats.Header{Name: report.HeaderMessageID, Value: e.battle.Append(s.hex[:0])}
		s.headers[1] = nats.Header{Name: report.HeaderMAC, Value: s.cfg.Tickets.Sign(s.mac[:0], e.payload)}
		if !s.bus.Publish(s.subjects.result, strconv.FormatUint(e.number, 10), s.headers[:], e.payload) {
			break
		}
		e.due = s.now + resendAfter
	}
	s.announce()
	s.bus.Pump(s.now) // out with it now, not at the next tick
}

// acknowledged takes the store's answer to the result whose number is the end of the answer's subject: `{"stream":…,"seq":…}`, or an error. An answer without
// a payload says that nobody keeps results yet.
func (s *Server) acknowledged(number, answer []byte) {
	n, ok := ascii.Uint(number, math.MaxUint64)
	if !ok {
		return
	}
	o := &s.outbox
	for i := range o.entries {
		e := &o.entries[i]
		if e.number != n {
			continue
		}
		if !bytes.Contains(answer, []byte(`"seq":`)) || bytes.Contains(answer, []byte(`"error":`)) {
			s.metrics.resultsRefused++
			e.due = s.now + second
			return
		}
		s.metrics.resultsRecorded++
		s.recorded(e)
		o.entries = append(o.entries[:i], o.entries[i+1:]...)
		return
	}
}
