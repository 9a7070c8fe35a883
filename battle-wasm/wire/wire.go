// Package wire is the binary format of the packets between a player and the battle server.
//
// Every packet is one UDP datagram. It starts with three bytes, the same in all versions of the format: [Magic], the
// version, the [Kind]. All integers are little endian. A packet of a kind has one exact length, but for [Input], [Snapshot] and [End], whose length
// follows from what is in them: a parser accepts nothing shorter, longer or out of range.
//
// A player comes in with three packets and a ticket (package ticket), which it has from the lobby:
//
//	player                          server
//	Join{Nonce, Ticket}         →
//	                            ←   Challenge{Nonce, Cookie}
//	Join{Nonce, Cookie, Ticket} →
//	                            ←   Welcome{Nonce, Token, …}  or  Reject{Nonce, Reason}
//	Input{Token, Seq, …}        →
//	                            ←   Snapshot, once a tick
//	Leave{Token}                →
//	                            ←   End, a few times over when the battle is over, and again when its result is recorded
//
// The server keeps nothing, and does not look at the ticket, until the cookie has come back, so an address that was forged takes no place. Before that it
// answers a Join alone, and [JoinSize] is padded above the size of every answer, so nobody can use the server to amplify a flood.
// Datagrams get lost. An Input repeats the newest of those that no snapshot has acknowledged, and says which snapshot its player has; the next one is
// written against that, and whole where there is none (package snapshot). A packet fits into any network's MTU: [MaxPacketSize] is far below 1200 bytes. A player repeats its Join, with the cookie once it has one, until it is welcomed; the same nonce from the same address gets the
// same Welcome. After it every packet carries what somebody who does not see the traffic cannot guess: the player's the session's [Welcome.Token], the
// server's its low half, [Snapshot.Tag], or all of it.
//
// Encoders append to a caller's buffer and parsers fill a caller's struct: neither allocates.
package wire

import (
	"errors"

	"github.com/edge-arena/edge-arena/battle-wasm/snapshot"
)

// Magic is the first byte of every packet.
const Magic = 0xEA

// Version is the version of the format that this package speaks.
const Version = 4

// Kind says what a packet is.
type Kind uint8

// The kinds of packets. Kinds below 16 go from the player to the server, the others come back.
const (
	KindJoin      Kind = 1
	KindInput     Kind = 2
	KindLeave     Kind = 3
	KindChallenge Kind = 16
	KindWelcome   Kind = 17
	KindReject    Kind = 18
	KindSnapshot  Kind = 19
	KindEnd       Kind = 20
)

// String names the kind as metrics do.
func (k Kind) String() string {
	switch k {
	case KindJoin:
		return "join"
	case KindInput:
		return "input"
	case KindLeave:
		return "leave"
	case KindChallenge:
		return "challenge"
	case KindWelcome:
		return "welcome"
	case KindReject:
		return "reject"
	case KindSnapshot:
		return "snapshot"
	case KindEnd:
		return "end"
	default:
		return "unknown"
	}
}

const headerSize = 3

// MaxPlayers is the most players that a room, and so a [Snapshot], can hold.
const MaxPlayers = 10

// The sizes of packets in bytes.
const (
	JoinSize        = 128
	inputHead       = headerSize + 8 + 4 + 4 + 2 + 1
	MinInputSize    = inputHead + (commandBits+7)/8
	MaxInputSize    = inputHead + (commandBits+MaxEarlier*earlierBits+7)/8
	LeaveSize       = headerSize + 8
	ChallengeSize   = headerSize + 8 + CookieSize
	WelcomeSize     = headerSize + 8 + 8 + 2 + 1 + 2 + 4 + 4 + 2 + 2
	RejectSize      = headerSize + 8 + 1
	snapshotHead    = headerSize + 4 + 4 + 4 + 2 + 1
	MaxSnapshotSize = snapshotHead + snapshot.MaxSize
	endHead         = headerSize + 8 + 4 + 1 + 1 + 1
	scoreSize       = 1 + 2
	MaxEndSize      = endHead + MaxPlayers*scoreSize

	// MaxPacketSize is the largest packet of any kind. What is larger can be dropped unread.
	MaxPacketSize = MaxSnapshotSize
)

// CookieSize is the length of the cookie that proves an address.
const CookieSize = 16

// The reasons for which a parser refuses a packet. Parsers return them unwrapped.
var (
	ErrShort   = errors.New("packet too short")
	ErrLength  = errors.New("packet has the wrong length")
	ErrMagic   = errors.New("packet is not of this protocol")
	ErrVersion = errors.New("packet has another version")
	ErrKind    = errors.New("packet is of another kind")
	ErrValue   = errors.New("packet has a value out of range")
)

// PeekKind returns the kind of a packet whose magic and version are right.
func PeekKind(b []byte) (Kind, error) {
	switch {
	case len(b) < headerSize:
		return 0, ErrShort
	case b[0] != Magic:
		return 0, ErrMagic
	case b[1] != Version:
		return Kind(b[2]), ErrVersion
	}
	return Kind(b[2]), nil
}

// check verifies the header and the exact length of a packet.
func check(b []byte, want Kind, size int) error {
	kind, err := PeekKind(b)
	switch {
	case err != nil:
		return err
	case kind != want:
		return ErrKind
	case len(b) != size:
		return ErrLength
	}
	return nil
}

func appendHeader(b []byte, k Kind) []byte { return append(b, Magic, Version, byte(k)) }
