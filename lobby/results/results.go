// Package results takes the results of battles from NATS JetStream into the city's ledger.
//
// # Exactly once
//
// A battle pod sends a result until the stream has acknowledged it, so it is in the stream at least once. From there on the position counts: which
// stream, and which message of it was the last. It is kept in the ledger's own database and moves on in the same transaction that records the results,
// so the two are never apart, whichever part dies at whatever moment:
//
//   - Before the commit neither is there: the next start reads the same messages again.
//   - After it both are: the next start goes on behind them.
//
// An acknowledgment to NATS could not do that, for it comes before or after the commit, and what dies in between loses or repeats. So nothing is
// acknowledged; the consumer in NATS is made anew each time and holds nothing.
//
// A pod whose acknowledgment was lost sends a result twice: NATS drops the second within its window by the message's identity, and the ledger does at
// any time by the battle's. That is also why a stream may be read from its start without harm, which happens when it was made anew: its time of
// creation is another, or it ends before the position.
//
// # What is not a result
//
// A message counts if its MAC is one of the city's, its JSON is a result, and its identity is that of the battle. Any other is counted, logged and
// passed over: it must not hold up those behind it.
package results

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/lobby/ledger"
)

// Stream is what a stream says of itself.
type Stream struct {
	// Created is when it was made.
	Created time.Time
	// Last is the number of its last message, 0 before the first.
	Last uint64
}

// Message is a message of the stream.
type Message struct {
	// Sequence is its number, Time when the stream took it, Pending how many are behind it.
	Sequence uint64
	Time     time.Time
	Pending  uint64
	// ID and MAC are its headers.
	ID, MAC string
	Payload []byte
}

// Source is where results come from: [NATS], or a test.
type Source interface {
	// Open makes the stream where it is missing, and says what it is.
	Open(ctx context.Context) (Stream, error)
	// Read delivers the messages from the number first on, in order, as they come. It returns when ctx ends, when deliver fails, or when the stream must be
	// opened anew.
	Read(ctx context.Context, first uint64, deliver func(Message) error) error
}

// Ledger is where results go: a [ledger.Ledger].
type Ledger interface {
	Position(ctx context.Context) (ledger.Position, error)
	Record(ctx context.Context, batch []ledger.Entry) error
}

// Config is what a [Consumer] needs.
type Config struct {
	// Source and Ledger are required.
	Source Source
	Ledger Ledger
	// Verify says whether a battle pod of this city made the message: [ticket.Keys.Verify] of keys that nobody else uses, for they are not for
	// more than one goroutine. A key must stay until what it signed is read. Required.
	Verify func(mac string, message []byte) bool
	// OnRecorded is told of results once they are in the ledger, in the order of the stream, those that were there before too. It must not block for
	// long. What was recorded just before the process died is not told again. Default is nobody.
	OnRecorded func([]report.Result)
	// Log takes what happens. Default is none.
	Log *slog.Logger
}

// Stats are what a [Consumer] has counted since its start.
type Stats struct {
	// Connected is whether the stream is being read.
	Connected bool
	// Messages counts those that were read, Batches the transactions that they took.
	Messages, Batches uint64
	// Forged, Malformed and Misnamed count messages passed over: with another MAC, with no result in them, and with the identity of another battle.
	Forged, Malformed, Misnamed uint64
	// Missed counts messages that the stream had forgotten before they were read.
	Missed uint64
	// Restarts counts how often the stream was opened anew after a failure, of NATS or of the ledger.
	Restarts uint64
	// Lag is how many messages were not yet in the ledger when last heard of, Delay how long the last one took from the stream to there.
	Lag   uint64
	Delay time.Duration
}

// The bounds of a batch: as many messages, or as long after the first one.
const (
	maxBatch  = 256
	batchTime = 5 * time.Millisecond
)

// The wait before the stream is opened anew: doubled each time that nothing came of it.
const (
	minWait = 100 * time.Millisecond
	maxWait = 2 * time.Second
)

// Consumer reads results into the ledger.
type Consumer struct {
	cfg     Config
	refusal rate.Sometimes
	mu      sync.Mutex // guards stats
	stats   Stats
}

// New returns a consumer for [Consumer.Run].
func New(cfg Config) *Consumer {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.OnRecorded == nil {
		cfg.OnRecorded = func([]report.Result) {}
	}
	return &Consumer{cfg: cfg, refusal: rate.Sometimes{First: 10, Interval: time.Second}}
}

// Stats returns what has been counted.
func (c *Consumer) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *Consumer) count(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.stats)
}

// Run reads until ctx ends, whatever fails meanwhile: it tries again for ever. It gives up only on a ledger that is damaged
// ([ledger.ErrDamaged]), for that is mended by opening it anew: let the process end and start again.
func (c *Consumer) Run(ctx context.Context) error {
	wait, last := minWait, ""
	for {
		before := c.Stats().Messages
		err := c.session(ctx)
		c.count(func(s *Stats) { s.Connected = false })
		if ctx.Err() != nil {
			return nil //nolint:nilerr // It was told to end.
		}
		if errors.Is(err, ledger.ErrDamaged) {
			return fmt.Errorf("record results: %w", err)
		}
		c.count(func(s *Stats) { s.Restarts++ })
		if c.Stats().Messages != before {
			wait, last = minWait, ""
		}
		if err.Error() != last { // not the same each time while NATS is away
			last = err.Error()
			c.cfg.Log.Warn("results are not being read: trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, maxWait)
	}
}

// session opens the stream and reads it until something fails.
func (c *Consumer) session(ctx context.Context) error {
	stream, err := c.cfg.Source.Open(ctx)
	if err != nil {
		return fmt.Errorf("open stream of results: %w", err)
	}
	r, err := c.start(ctx, stream)
	if err != nil {
		return err
	}
	c.count(func(s *Stats) { s.Connected, s.Lag = true, stream.Last-min(stream.Last, r.next-1) })

	// Messages are read while those before them are recorded; where that takes longer, reading waits.
	messages := make(chan Message, 2*maxBatch)
	reading, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- c.cfg.Source.Read(reading, r.next, func(m Message) error {
			select {
			case messages <- m:
				return nil
			case <-reading.Done():
				return context.Cause(reading)
			}
		})
		close(messages)
	}()
	err = r.record(ctx, messages)
	stop()
	readErr := <-done
	if err == nil {
		err = fmt.Errorf("read stream of results: %w", readErr)
	}
	return err
}

// reader is the way through one stream.
type reader struct {
	*Consumer
	created time.Time
	next    uint64 // the message that is expected
	anew    bool   // there may be none before the first one that comes
}

// start finds where to begin.
func (c *Consumer) start(ctx context.Context, stream Stream) (*reader, error) {
	at, err := c.cfg.Ledger.Position(ctx)
	if err != nil {
		return nil, err
	}
	if at.Created.Equal(stream.Created) && at.Sequence <= stream.Last {
		return &reader{Consumer: c, created: stream.Created, next: at.Sequence + 1}, nil
	}
	if at != (ledger.Position{}) {
		c.cfg.Log.Warn("the stream of results was made anew: reading it from its start",
			"created", stream.Created, "last", stream.Last, "position_created", at.Created, "position", at.Sequence)
	}
	// The old position goes first. Left there, it could lie inside the new stream by the time of the next start.
	if err := c.cfg.Ledger.Record(ctx, []ledger.Entry{{At: ledger.Position{Created: stream.Created}}}); err != nil {
		return nil, err
	}
	return &reader{Consumer: c, created: stream.Created, next: 1, anew: true}, nil
}

// record takes messages until there are no more, and returns what the ledger says if it fails.
func (r *reader) record(ctx context.Context, messages <-chan Message) error {
	batch := make([]Message, 0, maxBatch)
	for m := range messages {
		batch = append(batch[:0], m)
		timer := time.NewTimer(batchTime)
	collect:
		for len(batch) < maxBatch {
			select {
			case m, ok := <-messages:
				if !ok {
					break collect
				}
				batch = append(batch, m)
			case <-timer.C:
				break collect
			}
		}
		timer.Stop()
		if err := r.take(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// take records a batch and tells of it.
func (r *reader) take(ctx context.Context, batch []Message) error {
	entries := make([]ledger.Entry, 0, len(batch))
	recorded := make([]report.Result, 0, len(batch))
	next, anew, missed := r.next, r.anew, uint64(0)
	for i := range batch {
		m := &batch[i]
		if m.Sequence < next {
			continue // has been here
		}
		if m.Sequence > next && !anew {
			missed += m.Sequence - next
		}
		next, anew = m.Sequence+1, false
		e := ledger.Entry{At: ledger.Position{Created: r.created, Sequence: m.Sequence}}
		if result, ok := r.result(m); ok {
			e.Result = &result
			recorded = append(recorded, result)
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil
	}
	if err := r.cfg.Ledger.Record(ctx, entries); err != nil {
		return err
	}
	r.next, r.anew = next, anew
	if missed > 0 {
		r.cfg.Log.Error("the stream of results had forgotten some before they were read", "missed", missed, "before", next)
	}
	last := batch[len(batch)-1]
	r.count(func(s *Stats) {
		s.Messages += uint64(len(entries))
		s.Batches++
		s.Missed += missed
		s.Lag, s.Delay = last.Pending, max(0, time.Since(last.Time))
	})
	if len(recorded) > 0 {
		r.cfg.OnRecorded(recorded)
	}
	return nil
}

// result is what a message says, if it counts.
func (r *reader) result(m *Message) (report.Result, bool) {
	result, why := report.Result{}, ""
	var err error
	switch {
	case !r.cfg.Verify(m.MAC, m.Payload):
		why, err = "forged", errors.New("has a MAC that is not of this city")
		r.count(func(s *Stats) { s.Forged++ })
	default:
		if result, err = Parse(m.Payload); err != nil {
			why = "malformed"
			r.count(func(s *Stats) { s.Malformed++ })
		} else if id := m.ID; identity(&id) != nil || id != result.Battle {
			why, err = "misnamed", errors.New("has not the identity of its battle")
			r.count(func(s *Stats) { s.Misnamed++ })
		}
	}
	if err == nil {
		return result, true
	}
	// Not what it says: whoever wrote it would write our log.
	r.refusal.Do(func() {
		r.cfg.Log.Warn("passed a message over that is no result", "why", why, "sequence", m.Sequence, "error", err)
	})
	return report.Result{}, false
}
