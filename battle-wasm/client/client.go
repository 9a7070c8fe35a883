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
	"syscall"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/peer"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// RejectError is the server's refusal.
type RejectError struct{ Reason wire.Reason }

// Error gives the reason.
func (e *RejectError) Error() string { return "rejected by the server: " + e.Reason.String() }

// Client is one player, with a socket of its own. One goroutine may send while another joins or receives.
type Client struct {
	conn    *net.UDPConn
	start   time.Time
	session atomic.Pointer[peer.Session] // nil before the first
	out     [wire.JoinSize]byte          // what Send and Leave write
	in      [wire.MaxPacketSize]byte     // what Join and Receive read
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

// SyscallConn gives the socket, for whoever serves very many players without this package's reads.
func (c *Client) SyscallConn() (syscall.RawConn, error) { return c.conn.SyscallConn() }

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
			if !stop() {
				// It is about to set a deadline, if it has not yet, and later reads would fail of it.
				return wire.Welcome{}, fmt.Errorf("join %s: %w", c.conn.RemoteAddr(), context.Cause(ctx))
			}
			c.session.Store(peer.New(&welcome))
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

// Send sends an input whose Seq and Command are set, and with it those before it that may have been lost.
func (c *Client) Send(in *wire.Input) error {
	s := c.session.Load()
	if s == nil {
		return errNoSession
	}
	s.Fill(in, c.micros())
	_, err := c.conn.Write(in.AppendTo(c.out[:0]))
	return err
}

// errNoSession is the error of a player who has not joined.
var errNoSession = errors.New("no session: join first")

func (c *Client) micros() int64 { return time.Since(c.start).Microseconds() }

// Leave gives the place up. It is sent once: where it gets lost, the server notices the silence.
func (c *Client) Leave() error {
	s := c.session.Load()
	if s == nil {
		return errNoSession
	}
	leave := wire.Leave{Token: s.Token()}
	_, err := c.conn.Write(leave.AppendTo(c.out[:0]))
	return err
}

// Event is what the server said: Kind tells which of the others is filled.
type Event struct {
	// Kind is [wire.KindSnapshot], [wire.KindEnd] or [wire.KindReject].
	Kind     wire.Kind
	Snapshot peer.Snapshot
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
		kind, err := wire.PeekKind(c.in[:n])
		if s := c.session.Load(); err == nil && s != nil && c.understand(s, kind, c.in[:n], e) {
			e.Kind = kind
			return nil
		}
	}
}

// understand fills e with a packet of the session, and says whether it was one.
func (c *Client) understand(s *peer.Session, kind wire.Kind, b []byte, e *Event) bool {
	switch kind {
	case wire.KindSnapshot:
		return s.Take(b, c.micros(), &e.Snapshot)
	case wire.KindEnd:
		return wire.ParseEnd(b, &e.End) == nil && e.End.Token == s.Token()
	case wire.KindReject:
		return wire.ParseReject(b, &e.Reject) == nil && e.Reject.Nonce == 0
	}
	return false
}
