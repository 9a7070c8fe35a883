package joinpolicy

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// decision is what the log says of one. It must not name anybody: what is no pseudonym is left out.
type decision struct {
	at             time.Time
	result         Result
	battle, player string
	revision       string
	eval           time.Duration
}

// append writes the decision as a line of JSON. No value needs escapes: they are identities, numbers and our own words.
func (d *decision) append(b []byte) []byte {
	var id [16]byte
	_, _ = rand.Read(id[:]) // does not fail
	b = append(b, `{"time":"`...)
	b = d.at.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","decision_id":"`...)
	b = hex.AppendEncode(b, id[:])
	b = append(b, `","result":"`...)
	b = append(b, d.result...)
	b = append(b, `","battle":"`...)
	b = appendID(b, d.battle)
	b = append(b, `","player":"`...)
	b = appendID(b, d.player)
	b = append(b, `","revision":"`...)
	b = append(b, d.revision...)
	b = append(b, `","eval_ns":`...)
	b = strconv.AppendInt(b, d.eval.Nanoseconds(), 10)
	return append(b, "}\n"...)
}

// appendID appends an identity, and nothing of what is none.
func appendID(b []byte, s string) []byte {
	id, err := ticket.ParseID(s)
	if err != nil {
		return b
	}
	return hex.AppendEncode(b, id[:])
}

// decisionLog writes decisions beside those who make them.
type decisionLog struct {
	w       io.Writer
	queue   chan decision
	dropped atomic.Uint64
	done    chan struct{}
	err     error

	mu     sync.RWMutex // guards closing the queue while others add to it
	closed bool
}

func newDecisionLog(w io.Writer, size int) *decisionLog {
	l := &decisionLog{w: w, queue: make(chan decision, size), done: make(chan struct{})}
	go l.run()
	return l
}

// add takes a decision, or drops it where the log is behind.
func (l *decisionLog) add(d decision) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		l.dropped.Add(1)
		return
	}
	select {
	case l.queue <- d:
	default:
		l.dropped.Add(1)
	}
}

// most is the size from which on waiting lines are written.
const most = 32 << 10

// run writes what comes, as many lines at once as are waiting.
func (l *decisionLog) run() {
	defer close(l.done)
	b := make([]byte, 0, most+512)
	lines := uint64(0)
	for d := range l.queue {
		b = d.append(b)
		lines++
		if len(l.queue) > 0 && len(b) < most {
			continue
		}
		if _, err := l.w.Write(b); err != nil {
			l.dropped.Add(lines)
			l.err = fmt.Errorf("write decision log: %w", err)
		}
		b, lines = b[:0], 0
	}
}

// close writes what waits and returns the last error of the log.
func (l *decisionLog) close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.queue)
	}
	l.mu.Unlock()
	<-l.done
	return l.err
}
