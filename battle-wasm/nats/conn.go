// Package nats is the least of a NATS client that a battle server needs: it publishes, and hears what is sent to its inbox.
//
// It never blocks: all that happens happens in [Conn.Pump], in the gaps of a tick loop, and its memory is bounded. A server that cannot be
// reached is tried again and again; meanwhile [Conn.Publish] refuses, and what matters stays with the caller.
//
// The connection is not encrypted: a TLS stack would double the module. It stays inside the city's network, the password lets a client publish and no
// more, and whoever reads what a battle pod publishes checks the MAC on it.
package nats

import (
	"errors"
	"strconv"

	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// The bounds, times in ns.
const (
	second = int64(1e9)
	// firstPause and lastPause are how long is waited before the server is tried again, doubling.
	firstPause = second / 10
	lastPause  = 5 * second
	// handshakeLimit is how long a connection may take until it is usable.
	handshakeLimit = 5 * second
	// pingEvery is how long nothing may come before the server is asked whether it is there, silenceLimit before it is taken for gone.
	pingEvery    = 5 * second
	silenceLimit = 12 * second
	// outLimit is the most bytes that wait to be written. maxLine and maxPayload bound what the server may say.
	outLimit   = 64 << 10
	maxLine    = 4 << 10
	maxPayload = 4 << 10
)

// Options say where the server is and who calls.
type Options struct {
	// Address is the server's. Required.
	Address transport.Addr
	// User and Password let the client in. Default is none.
	User, Password string
	// Name is how the server's operator knows the client. It must need no quoting in JSON.
	Name string
	// Inbox is the prefix of the subjects that are listened to, with a dot at its end. Required.
	Inbox string
	// Handler gets what is sent to the inbox: the subject without the prefix, and the payload. Neither may be kept. Required.
	Handler func(subject, payload []byte)
}

// state is how far a connection has come.
type state uint8

const (
	closed   state = iota
	greeting       // the server's INFO is waited for
	proving        // CONNECT is out, the answer to the PING behind it is waited for
	ready
)

// Counts is what a connection has seen.
type Counts struct {
	// Connects are the connections that became usable, Failures those that ended or never did.
	Connects, Failures uint64
	// Published are the messages that were given to a connection, Dropped those that were refused.
	Published, Dropped uint64
}

// Conn is a client. Its zero value is not usable: see [New].
type Conn struct {
	streams transport.Dialer
	opts    Options
	id      transport.Conn
	state   state
	counts  Counts

	retryAt int64 // when a closed connection is tried again
	pause   int64
	since   int64 // of the state, for the limit of the handshake
	heard   int64 // when something came last
	pinged  bool  // a PING is out

	out    []byte
	outPos int
	in     parser
	buf    [4096]byte
}

// New returns a client that is not connected yet.
func New(streams transport.Dialer, opts Options) *Conn {
	c := &Conn{streams: streams, opts: opts, pause: firstPause, out: make([]byte, 0, 4096)}
	c.in.conn = c
	return c
}

// Ready says whether messages can be published.
func (c *Conn) Ready() bool { return c.state == ready }

// Counts returns what the client has seen.
func (c *Conn) Counts() Counts { return c.counts }

// Pump does what can be done now: connects, reads, writes.
func (c *Conn) Pump(now int64) {
	if c.state == closed {
		if now < c.retryAt {
			return
		}
		c.dial(now)
	}
	if c.state != closed {
		c.read(now)
	}
	if c.state != closed {
		c.watch(now)
	}
	if c.state != closed {
		c.write(now)
	}
}

func (c *Conn) dial(now int64) {
	id, err := c.streams.Dial(c.opts.Address)
	if err != nil {
		c.fail(now, false)
		return
	}
	c.id, c.state, c.since, c.heard, c.pinged = id, greeting, now, now, false
	c.out, c.outPos = c.out[:0], 0
	c.in.reset()
}

// fail closes what there is, and waits before the next try.
func (c *Conn) fail(now int64, open bool) {
	if open {
		c.streams.Close(c.id)
	}
	c.counts.Failures++
	c.state = closed
	c.retryAt = now + c.pause
	c.pause = min(2*c.pause, lastPause)
}

// Close ends the connection for good.
func (c *Conn) Close() {
	if c.state != closed {
		c.streams.Close(c.id)
	}
	c.state, c.retryAt = closed, 1<<62
}

func (c *Conn) read(now int64) {
	for {
		n, err := c.streams.Read(c.id, c.buf[:])
		switch {
		case errors.Is(err, transport.ErrAgain):
			return
		case err != nil || n == 0:
			c.fail(now, true)
			return
		}
		c.heard, c.pinged = now, false
		if !c.in.feed(c.buf[:n]) {
			c.fail(now, true)
			return
		}
		if n < len(c.buf) {
			return
		}
	}
}

// watch ends a connection that does not get anywhere.
func (c *Conn) watch(now int64) {
	switch {
	case c.state != ready && now-c.since > handshakeLimit, now-c.heard > silenceLimit:
		c.fail(now, true)
	case c.state == ready && now-c.heard > pingEvery && !c.pinged:
		c.pinged = true
		c.out = append(c.out, "PING\r\n"...)
	}
}

func (c *Conn) write(now int64) {
	for c.outPos < len(c.out) {
		n, err := c.streams.Write(c.id, c.out[c.outPos:])
		if errors.Is(err, transport.ErrAgain) {
			return
		}
		if err != nil {
			c.fail(now, true)
			return
		}
		c.outPos += n
	}
	c.out, c.outPos = c.out[:0], 0
}

// Header is a line of a message's head.
type Header struct {
	Name  string
	Value []byte
}

// Publish gives a message to the connection, with the inbox subject `Inbox+reply` to answer to unless reply is empty. It says whether it was taken: a
// message that was can still be lost with the connection.
func (c *Conn) Publish(subject, reply string, headers []Header, payload []byte) bool {
	head := len("NATS/1.0\r\n") + len("\r\n")
	for _, h := range headers {
		head += len(h.Name) + len(": \r\n") + len(h.Value)
	}
	if c.state != ready || len(c.out)-c.outPos+head+len(payload)+len(subject)+len(reply)+len(c.opts.Inbox)+64 > outLimit {
		c.counts.Dropped++
		return false
	}
	b := c.out
	b = append(b, "HPUB "...)
	b = append(append(b, subject...), ' ')
	if reply != "" {
		b = append(append(append(b, c.opts.Inbox...), reply...), ' ')
	}
	b = strconv.AppendInt(b, int64(head), 10)
	b = strconv.AppendInt(append(b, ' '), int64(head+len(payload)), 10)
	b = append(b, "\r\nNATS/1.0\r\n"...)
	for _, h := range headers {
		b = append(append(b, h.Name...), ": "...)
		b = append(append(b, h.Value...), "\r\n"...)
	}
	b = append(b, "\r\n"...)
	c.out = append(append(b, payload...), "\r\n"...)
	c.counts.Published++
	return true
}

// greeted answers the server's INFO.
func (c *Conn) greeted() {
	if c.state != greeting {
		return // INFO comes again when the server's cluster changes
	}
	c.state = proving
	b := c.out
	b = append(b, `CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"lang":"edge-arena","version":"1","protocol":1,"name":"`...)
	b = append(append(b, c.opts.Name...), `","user":"`...)
	b = append(append(b, c.opts.User...), `","pass":"`...)
	b = append(append(b, c.opts.Password...), "\"}\r\nSUB "...)
	c.out = append(append(b, c.opts.Inbox...), "> 1\r\nPING\r\n"...)
}

// ponged is the server's word that all before the PING was taken.
func (c *Conn) ponged() {
	if c.state == proving {
		c.state, c.pause = ready, firstPause
		c.counts.Connects++
	}
}

// message hands on what was sent to the inbox.
func (c *Conn) message(subject, payload []byte) {
	if n := len(c.opts.Inbox); len(subject) > n && string(subject[:n]) == c.opts.Inbox {
		c.opts.Handler(subject[n:], payload)
	}
}
