package results

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/ledger"
)

var key = "1:" + strings.Repeat("5a", 32)

func keys(t testing.TB) *ticket.Keys {
	k, err := ticket.ParseKeys(key)
	require.NoError(t, err)
	return k
}

// fakeStream is a stream in memory, that can be made anew, forget, and fail.
type fakeStream struct {
	mu       sync.Mutex
	changed  chan struct{}
	created  time.Time
	first    uint64 // number of the first message that it still has
	messages []Message
	down     error            // what Open and Read say
	failAt   map[uint64]error // Read fails once instead of delivering this message
	again    bool             // each message is delivered twice
	reads    []uint64         // where reads began
}

func newStream() *fakeStream {
	return &fakeStream{created: time.Now(), first: 1, changed: make(chan struct{}), failAt: map[uint64]error{}}
}

func (f *fakeStream) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeStream) Open(context.Context) (Stream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Stream{Created: f.created, Last: f.first + uint64(len(f.messages)) - 1}, f.down
}

func (f *fakeStream) Read(ctx context.Context, first uint64, deliver func(Message) error) error {
	f.mu.Lock()
	created, next := f.created, first
	f.reads = append(f.reads, first)
	f.mu.Unlock()
	for {
		f.mu.Lock()
		changed, err := f.changed, f.down
		next = max(next, f.first)
		if err == nil && created != f.created {
			err = errors.New("consumer deleted")
		}
		var m *Message
		if i := next - f.first; err == nil && i < uint64(len(f.messages)) {
			m = &f.messages[i]
			m.Pending = uint64(len(f.messages)) - i - 1
			err = f.failAt[next]
			delete(f.failAt, next)
		}
		copies := 1
		if f.again {
			copies = 2
		}
		f.mu.Unlock()
		switch {
		case err != nil:
			return err
		case m == nil:
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-changed:
			}
		default:
			for range copies {
				if err := deliver(*m); err != nil {
					return err
				}
			}
			next++
		}
	}
}

// add appends a message as a battle pod would make it.
func (f *fakeStream) add(t testing.TB, r report.Result) {
	f.addMessage(Message{ID: r.Battle, MAC: string(keys(t).Sign(nil, payload(t, r))), Payload: payload(t, r)})
}

func (f *fakeStream) addMessage(m Message) {
	f.change(func() {
		m.Sequence, m.Time = f.first+uint64(len(f.messages)), time.Now()
		f.messages = append(f.messages, m)
	})
}

// anew makes the stream anew, empty.
func (f *fakeStream) anew() {
	f.change(func() { f.created, f.first, f.messages = f.created.Add(time.Hour), 1, nil })
}

// fakeLedger keeps what it is given, and can fail.
type fakeLedger struct {
	mu      sync.Mutex
	at      ledger.Position
	battles map[string]int // how often each was recorded
	sizes   []int
	fail    error
	slow    time.Duration
}

func (f *fakeLedger) Position(context.Context) (ledger.Position, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at, f.fail
}

func (f *fakeLedger) Record(ctx context.Context, batch []ledger.Entry) error {
	time.Sleep(f.slow)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil || ctx.Err() != nil {
		return errors.Join(f.fail, ctx.Err())
	}
	for _, e := range batch {
		if e.Result != nil {
			f.battles[e.Result.Battle]++
		}
	}
	f.at = batch[len(batch)-1].At
	f.sizes = append(f.sizes, len(batch))
	return nil
}

// running is a consumer that runs.
type running struct {
	*Consumer
	t    *testing.T
	stop context.CancelFunc
	done chan error

	mu   sync.Mutex
	told []string // battles that the callback was told
	log  bytes.Buffer
}

func run(t *testing.T, s Source, l Ledger) *running {
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, stop: cancel, done: make(chan error, 1)}
	r.Consumer = New(Config{
		Source: s, Ledger: l, Verify: keys(t).Verify, Log: slog.New(slog.NewJSONHandler(&locked{r: r}, nil)),
		OnRecorded: func(all []report.Result) {
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, one := range all {
				r.told = append(r.told, one.Battle)
			}
		},
	})
	go func() { r.done <- r.Run(ctx) }()
	t.Cleanup(r.end)
	return r
}

// end stops the consumer, as its service does.
func (r *running) end() {
	r.stop()
	err, open := <-r.done
	if open {
		close(r.done)
		require.NoError(r.t, err)
	}
}

func (r *running) until(what string, cond func(Stats) bool) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return cond(r.Stats()) }, 20*time.Second, time.Millisecond, what)
}

func (r *running) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

type locked struct{ r *running }

func (l *locked) Write(b []byte) (int, error) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	return l.r.log.Write(b)
}

func newFakeLedger() *fakeLedger { return &fakeLedger{battles: map[string]int{}} }

func TestConsume(t *testing.T) {
	t.Parallel()
	s, l := newStream(), newFakeLedger()
	for n := range 3 {
		s.add(t, sample(n+1))
	}
	r := run(t, s, l)
	r.until("those there", func(s Stats) bool { return s.Messages == 3 })
	s.add(t, sample(4))
	r.until("one that comes", func(s Stats) bool { return s.Messages == 4 && s.Lag == 0 && s.Connected })
	r.end()
	require.False(t, r.Stats().Connected)
	require.Equal(t, map[string]int{id(1): 1, id(2): 1, id(3): 1, id(4): 1}, l.battles)
	require.Equal(t, []string{id(1), id(2), id(3), id(4)}, r.told)
	require.Equal(t, ledger.Position{Created: s.created, Sequence: 4}, l.at)
	require.Empty(t, r.logged())

	s.add(t, sample(5))
	r = run(t, s, l)
	r.until("the one since", func(s Stats) bool { return s.Messages == 1 })
	require.Equal(t, []uint64{1, 5}, s.reads)
}

func TestBatches(t *testing.T) {
	t.Parallel()
	s, l := newStream(), newFakeLedger()
	for n := range 1000 {
		s.add(t, sample(n+1))
	}
	r := run(t, s, l)
	r.until("all", func(s Stats) bool { return s.Messages == 1000 })
	r.end()
	require.LessOrEqual(t, slices.Max(l.sizes), maxBatch)
	require.Greater(t, slices.Max(l.sizes), 1)
	require.Len(t, l.battles, 1000)
}

func TestWhatIsNoResult(t *testing.T) {
	t.Parallel()
	s, l := newStream(), newFakeLedger()
	good := payload(t, sample(1))
	mac := string(keys(t).Sign(nil, good))
	other, err := ticket.ParseKeys("1:" + strings.Repeat("00", 32))
	require.NoError(t, err)
	signed := func(text string) string { return string(keys(t).Sign(nil, []byte(text))) }
	for _, m := range []Message{
		{ID: id(1), MAC: string(other.Sign(nil, good)), Payload: good},
		{ID: id(1), Payload: good},
		{ID: id(1), MAC: mac, Payload: bytes.Replace(good, []byte(`"points":3`), []byte(`"points":9`), 1)},
		{ID: id(1), MAC: signed("{"), Payload: []byte("{")},
		{ID: id(1), MAC: signed(`{"pod":"Ann Smith"}`), Payload: []byte(`{"pod":"Ann Smith"}`)},
		{ID: id(2), MAC: mac, Payload: good},
		{MAC: mac, Payload: good},
	} {
		s.addMessage(m)
	}
	r := run(t, s, l)
	r.until("all are passed over", func(s Stats) bool { return s.Messages == 7 })
	st := r.Stats()
	require.Equal(t, [3]uint64{3, 2, 2}, [3]uint64{st.Forged, st.Malformed, st.Misnamed})
	s.addMessage(Message{ID: strings.ToUpper(id(1)), MAC: mac, Payload: good})
	r.until("the good one behind them", func(s Stats) bool { return s.Messages == 8 })
	r.end()
	require.Equal(t, map[string]int{id(1): 1}, l.battles)
	require.Equal(t, uint64(8), l.at.Sequence)
	require.Equal(t, []string{id(1)}, r.told)
	for _, want := range []string{`"why":"forged"`, `"why":"malformed"`, `"why":"misnamed"`, `"sequence":4`} {
		require.Contains(t, r.logged(), want)
	}
	require.NotContains(t, r.logged(), "Ann")
}

// A session that fails at any message is gone on with at that message.
func TestSessionsThatFail(t *testing.T) {
	t.Parallel()
	s, l := newStream(), newFakeLedger()
	for n := range 20 {
		s.add(t, sample(n+1))
	}
	s.failAt = map[uint64]error{1: errors.New("no heartbeat"), 2: errors.New("consumer deleted"), 20: errors.New("no heartbeat")}
	s.again = true
	r := run(t, s, l)
	r.until("all", func(s Stats) bool { return s.Messages == 20 })
	require.Equal(t, uint64(3), r.Stats().Restarts)
	s.change(func() { s.down = errors.New("no servers available") })
	r.until("disconnected", func(s Stats) bool { return !s.Connected && s.Restarts > 5 })
	require.Equal(t, 1, strings.Count(r.logged(), "open stream of results: no servers available"))
	s.change(func() { s.down = nil })
	s.add(t, sample(21))
	r.until("connected again", func(s Stats) bool { return s.Messages == 21 && s.Connected })
	r.end()
	require.Len(t, l.battles, 21)
	for b, n := range l.battles {
		require.Equal(t, 1, n, b)
	}
	require.Len(t, r.told, 21)
	require.Contains(t, r.logged(), "read stream of results: no heartbeat")
}

func TestStreamMadeAnew(t *testing.T) {
	t.Parallel()
	s, l := newStream(), newFakeLedger()
	for n := range 5 {
		s.add(t, sample(n+1))
	}
	r := run(t, s, l)
	r.until("all", func(s Stats) bool { return s.Messages == 5 })
	require.NotContains(t, r.logged(), "made anew")
	s.anew()
	s.add(t, sample(6))
	r.until("the first of the new one", func(s Stats) bool { return s.Messages == 6 })
	r.end()
	require.Contains(t, r.logged(), "made anew")
	require.Equal(t, ledger.Position{Created: s.created, Sequence: 1}, l.at)
	require.Equal(t, 1, l.battles[id(6)])

	// Made anew while the lobby is away, and longer by now than the old one was.
	s.anew()
	for n := range 3 {
		s.add(t, sample(n+7))
	}
	r = run(t, s, l)
	r.until("all of the new one", func(s Stats) bool { return s.Messages == 3 })
	r.end()
	require.Len(t, l.battles, 9)

	// The same stream from an older copy: it ends before the position. That is noted before anything is read.
	l.at.Sequence = 100
	s.failAt[1] = errors.New("no heartbeat")
	r = run(t, s, l)
	r.until("again from its start", func(s Stats) bool { return s.Messages == 3 })
	r.end()
	require.Equal(t, uint64(3), l.at.Sequence)
	require.Contains(t, r.logged(), `"position":100`)
	require.Equal(t, 1, strings.Count(r.logged(), "made anew"))
	require.Zero(t, r.Stats().Missed)
}

func TestForgottenMessages(t *testing.T) {
	t.Parallel()
	s, l := newStream(), newFakeLedger()
	s.first = 11 // the lobby's first start: what was before it is not its loss
	s.add(t, sample(11))
	r := run(t, s, l)
	r.until("the first", func(s Stats) bool { return s.Messages == 1 })
	require.Zero(t, r.Stats().Missed)
	r.end()
	s.change(func() { s.first, s.messages = 15, nil })
	s.add(t, sample(15))
	r = run(t, s, l)
	r.until("the one left", func(s Stats) bool { return s.Messages == 1 })
	require.Equal(t, uint64(3), r.Stats().Missed) // 12, 13, 14
	require.Contains(t, r.logged(), `"missed":3,"before":16`)
}

func TestLedgerThatFails(t *testing.T) {
	t.Parallel()
	s, l := newStream(), newFakeLedger()
	l.fail = errors.New("disk is full")
	s.add(t, sample(1))
	r := run(t, s, l)
	r.until("tried again", func(s Stats) bool { return s.Restarts > 2 })
	require.Contains(t, r.logged(), "disk is full")
	l.mu.Lock()
	l.fail = nil
	l.mu.Unlock()
	r.until("recorded", func(s Stats) bool { return s.Messages == 1 })

	l.mu.Lock()
	l.fail = ledger.ErrDamaged
	l.mu.Unlock()
	s.add(t, sample(2))
	err := <-r.done
	close(r.done)
	require.ErrorIs(t, err, ledger.ErrDamaged)
	require.ErrorContains(t, err, "record results: ")
	require.Equal(t, []string{id(1)}, r.told) // nothing that is not in the ledger
}

func TestSlowLedgerHoldsReadingUp(t *testing.T) {
	t.Parallel()
	s, l := newStream(), newFakeLedger()
	l.slow = 10 * time.Millisecond
	for n := range 5 * maxBatch {
		s.add(t, sample(n+1))
	}
	r := run(t, s, l)
	r.until("all", func(s Stats) bool { return s.Messages == 5*maxBatch })
	require.Len(t, l.battles, 5*maxBatch)
}

// Whatever stops when, each battle is in the real ledger once.
func TestStopsAtAnyMoment(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := newStream()
	const battles = 400
	go func() {
		for n := range battles {
			s.add(t, sample(n+1))
			if n%7 == 0 {
				s.add(t, sample(n+1)) // its acknowledgment was lost
				time.Sleep(time.Millisecond)
			}
			if n == battles/2 {
				s.change(func() { s.created = s.created.Add(time.Second) }) // the stream comes from a copy
			}
		}
	}()
	for done := false; !done; {
		l, err := ledger.Open(t.Context(), path)
		require.NoError(t, err)
		r := run(t, s, l)
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		r.end()
		n, err := l.Count(t.Context())
		require.NoError(t, err)
		done = n >= battles
		require.NoError(t, l.Close())
	}
	l, err := ledger.Open(t.Context(), path)
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	n, err := l.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, battles, n)
	for n := range battles {
		b, err := ticket.ParseID(id(n + 1))
		require.NoError(t, err)
		got, err := l.Battle(t.Context(), b)
		require.NoError(t, err)
		require.Equal(t, sample(n+1), got)
	}
}
