// Package client plays in a battle: it joins, sends inputs, receives snapshots and leaves.
package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// RejectError is the server's refusal.
type RejectError struct{ Reason wire.Reason }

// Error gives the reason.
func (e *RejectError) Error() string { return "rejected by the server: " + e.Reason.String() }

// Client is one player, with a socket of its own. One goroutine may send while another joins or receives.
type Client struct {
	conn  *net.UDPConn
	start time.Time
	token atomic.Uint64
	have  atomic.Uint64            // the newest snapshot of the session: its tick, and below that the low half of when it came, in µs since start
	out   [wire.JoinSize]byte      // what Send and Leave write
	in    [wire.MaxPacketSize]byte // what Join and Receive read
}

// Dial opens a socket to the server at address (`host:port`). Nothing is sent before [Client.Join].
func Dial(ctx context.Context, address string) (*Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "udp", address)
	if err != nil {
		return nil, fmt.Errorf("reach battle server: %w", err)
	}
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("reach battle server: got a %T", conn), conn.Close())
	}
	return &Client{conn: udp, start: time.Now()}, nil
}

// Close closes the socket; a Receive that waits ends with [net.ErrClosed].
func (c *Client) Close() error { return c.conn.Close() }

// SetReadDeadline ends a Receive that waits longer with [os.ErrDeadlineExceeded].
func (c *Client) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// How long an answer to a Join is waited for before the Join is sent again: at first little, for datagrams get lost, then more.
const (
	firstWait = 50 * time.Millisecond
	lastWait  = 500 * time.Millisecond
	// rateWait is what the server asks of those whom it answers with [wire.ReasonRate].
	rateWait = time.Second
)

// errChallenged says that the server sent a cookie, which the next Join is to bring back.
var errChallenged = errors.New("challenged")

// Join takes the place that a sealed ticket is for, instead of the one that the client may have. It repeats itself until it is answered or ctx ends; a
// server that does not give the place answers with a [*RejectError].
func (c *Client) Join(ctx context.Context, sealed [ticket.Size]byte) (wire.Welcome, error) {
	var nonce [8]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return wire.Welcome{}, fmt.Errorf("join: %w", err)
	}
	join := wire.Join{Nonce: binary.LittleEndian.Uint64(nonce[:]), Ticket: sealed}
	// The end of ctx ends the read as well.
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		welcome, err := c.ask(ctx, &join, wait)
		for errors.Is(err, errChallenged) && ctx.Err() == nil {
			welcome, err = c.ask(ctx, &join, wait)
		}
		if err == nil {
			c.token.Store(welcome.Token)
			c.have.Store(0)
			return welcome, c.conn.SetReadDeadline(time.Time{})
		}
		var refused *RejectError
		pause := wait
		switch {
		case errors.As(err, &refused) && refused.Reason == wire.ReasonRate:
			pause = rateWait
		case errors.As(err, &refused), errors.Is(err, net.ErrClosed):
			return wire.Welcome{}, fmt.Errorf("join %s: %w", c.conn.RemoteAddr(), err)
		case errors.Is(err, os.ErrDeadlineExceeded):
			pause = 0 // it has been waited already
		}
		// What is left is a refused port, most likely, which comes back at once: the server may be about to start.
		if err := sleep(ctx, pause); err != nil {
			return wire.Welcome{}, fmt.Errorf("join %s: %w", c.conn.RemoteAddr(), err)
		}
	}
}

// ask sends join and waits for the answer to it. A cookie that comes is put into join.
func (c *Client) ask(ctx context.Context, join *wire.Join, wait time.Duration) (wire.Welcome, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return wire.Welcome{}, err
	}
	// Looked at after the deadline is set: from here on the end of ctx brings it forward.
	if ctx.Err() != nil {
		return wire.Welcome{}, ctx.Err()
	}
	var buf [wire.JoinSize]byte
	if _, err := c.conn.Write(join.AppendTo(buf[:0])); err != nil {
		return wire.Welcome{}, err
	}
	for {
		n, err := c.conn.Read(c.in[:])
		if err != nil {
			return wire.Welcome{}, err
		}
		b := c.in[:n]
		var challenge wire.Challenge
		var welcome wire.Welcome
		var reject wire.Reject
		switch {
		case wire.ParseChallenge(b, &challenge) == nil && challenge.Nonce == join.Nonce && challenge.Cookie != join.Cookie:
			join.Cookie = challenge.Cookie
			return wire.Welcome{}, errChallenged
		case wire.ParseWelcome(b, &welcome) == nil && welcome.Nonce == join.Nonce:
			return welcome, nil
		case wire.ParseReject(b, &reject) == nil && reject.Nonce == join.Nonce:
			return wire.Welcome{}, &RejectError{Reason: reject.Reason}
		}
		// Anything else is late: of an earlier session, or of an earlier Join.
	}
}

// sleep waits for d, or fails as soon as ctx has ended.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return context.Cause(ctx)
}

// Send sends an input; its Token, AckTick and AckDelay are filled in.
func (c *Client) Send(in *wire.Input) error {
	in.Token = c.token.Load()
	in.AckTick, in.AckDelay = 0, wire.MaxAckDelay
	if have := c.have.Load(); have != 0 {
		in.AckTick = uint32(have >> 32)
		in.AckDelay = uint16(min(c.micros()-uint32(have), wire.MaxAckDelay))
	}
	_, err := c.conn.Write(in.AppendTo(c.out[:0]))
	return err
}

// micros is the low half of the time in µs: differences are right for an hour.
func (c *Client) micros() uint32 { return uint32(time.Since(c.start).Microseconds()) }

// got notes a snapshot, unless a newer one has come before it.
func (c *Client) got(tick uint32) {
	if have := c.have.Load(); tick > uint32(have>>32) {
		c.have.Store(uint64(tick)<<32 | uint64(c.micros()))
	}
}

// Leave gives the place up. It is sent once: where it gets lost, the server notices the silence.
func (c *Client) Leave() error {
	leave := wire.Leave{Token: c.token.Load()}
	_, err := c.conn.Write(leave.AppendTo(c.out[:0]))
	return err
}

// Event is what the server said: Kind tells which of the others is filled.
type Event struct {
	// Kind is [wire.KindSnapshot], [wire.KindEnd] or [wire.KindReject].
	Kind     wire.Kind
	Snapshot wire.Snapshot
	// End ends the session: the battle is over. It may come again, when what became of its result is known.
	End wire.End
	// Reject ends the session: the server does not know it any more.
	Reject wire.Reject
}

// Receive waits for the next packet of the session and fills e with it. Packets that are malformed, forged or of an earlier session are
// passed over.
func (c *Client) Receive(e *Event) error {
	for {
		n, err := c.conn.Read(c.in[:])
		if err != nil {
			return err
		}
		b := c.in[:n]
		kind, err := wire.PeekKind(b)
		if err != nil {
			continue
		}
		switch kind {
		case wire.KindSnapshot:
			err = wire.ParseSnapshot(b, &e.Snapshot)
			if err == nil && e.Snapshot.Tag != uint32(c.token.Load()) {
				continue
			}
		case wire.KindEnd:
			err = wire.ParseEnd(b, &e.End)
			if err == nil && e.End.Token != c.token.Load() {
				continue
			}
		case wire.KindReject:
			err = wire.ParseReject(b, &e.Reject)
			if err == nil && e.Reject.Nonce != 0 {
				continue
			}
		default:
			continue
		}
		if err == nil {
			if e.Kind = kind; kind == wire.KindSnapshot {
				c.got(e.Snapshot.Tick)
			}
			return nil
		}
	}
}
