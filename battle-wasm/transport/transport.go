// Package transport is what the battle server needs of the machine that it runs on. The packages wasi and native provide it.
package transport

import "errors"

// Addr is a player's address: IPv4, as battle servers are reached by their node's address.
type Addr struct {
	IP   [4]byte
	Port uint16
}

// ErrAgain says that nothing can be done just now: no packet has come, no connection waits, a buffer is full.
var ErrAgain = errors.New("not ready")

// ErrTruncated says that a packet was longer than the buffer it was read into.
var ErrTruncated = errors.New("packet longer than its buffer")

// Clock tells the time.
type Clock interface {
	// Now is a monotonic time in ns, from an arbitrary start.
	Now() int64
	// Wall is the time in ms since 1970, as far as the machine knows it.
	Wall() int64
}

// Packets sends and receives datagrams. Neither method blocks or allocates.
type Packets interface {
	// Receive reads a datagram into b. The error is [ErrAgain] where none has come, [ErrTruncated] where it was too long for b.
	Receive(b []byte) (n int, from Addr, err error)
	// Send sends b as one datagram.
	Send(b []byte, to Addr) error
}

// Waiter sleeps.
type Waiter interface {
	// Wait returns when the [Clock] has reached deadline or, before that, when a datagram can be received. It may return early.
	Wait(deadline int64)
	// Rest is a Wait that also returns when a connection can be accepted, or one of conns be read. Of conns it looks at [MaxWatched] at most. It must not keep
	// them.
	Rest(deadline int64, conns []Conn)
}

// MaxWatched is at how many connections a [Waiter] looks.
const MaxWatched = 16

// Conn is the number of an open connection.
type Conn int32

// Streams are connections. No method blocks.
type Streams interface {
	// Read reads up to len(b) bytes; 0 without an error is the peer's end.
	Read(c Conn, b []byte) (int, error)
	// Write writes what it can of b.
	Write(c Conn, b []byte) (int, error)
	// Close closes the connection.
	Close(c Conn)
}

// Listener serves connections.
type Listener interface {
	Streams
	// Accept takes a connection that waits. The error is [ErrAgain] where none does.
	Accept() (Conn, error)
}

// Dialer makes connections.
type Dialer interface {
	Streams
	// Dial begins a connection. Until it is there Read and Write fail with [ErrAgain]; where it cannot be, with another error.
	Dial(to Addr) (Conn, error)
}

// Machine is all of it.
type Machine interface {
	Clock
	Packets
	Waiter
	Listener
	Dialer
	// Local says whether the peer of a connection is on this machine.
	Local(c Conn) bool
	// Log writes whole lines to where the pod's log is read.
	Log(lines []byte)
	// Entropy fills b with bytes that nobody can guess.
	Entropy(b []byte) error
}
