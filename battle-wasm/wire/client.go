package wire

import (
	"encoding/binary"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

var le = binary.LittleEndian

// Join asks for a place in a battle.
type Join struct {
	// Nonce is the player's random choice; answers carry it, so that a player can tell its own from a forged or an old one.
	Nonce uint64
	// Cookie is that of the [Challenge], all zero in the first Join.
	Cookie [CookieSize]byte
	// Ticket is the sealed ticket that the lobby has given.
	Ticket [ticket.Size]byte
}

// AppendTo appends the packet to b: fields, then zeros up to [JoinSize].
func (j *Join) AppendTo(b []byte) []byte {
	b = appendHeader(b, KindJoin)
	b = le.AppendUint64(b, j.Nonce)
	b = append(b, j.Cookie[:]...)
	b = append(b, j.Ticket[:]...)
	var padding [JoinSize - joinFields]byte
	return append(b, padding[:]...)
}

const joinFields = headerSize + 8 + CookieSize + ticket.Size

// ParseJoin fills j from a packet.
func ParseJoin(b []byte, j *Join) error {
	if err := check(b, KindJoin, JoinSize); err != nil {
		return err
	}
	for _, x := range b[joinFields:] {
		if x != 0 {
			return ErrValue
		}
	}
	j.Nonce = le.Uint64(b[3:])
	copy(j.Cookie[:], b[11:])
	copy(j.Ticket[:], b[11+CookieSize:])
	return nil
}

// Leave gives up a player's place.
type Leave struct {
	// Token is the session's, from [Welcome].
	Token uint64
}

// AppendTo appends the packet to b.
func (l *Leave) AppendTo(b []byte) []byte {
	return le.AppendUint64(appendHeader(b, KindLeave), l.Token)
}

// ParseLeave fills l from a packet.
func ParseLeave(b []byte, l *Leave) error {
	if err := check(b, KindLeave, LeaveSize); err != nil {
		return err
	}
	l.Token = le.Uint64(b[3:])
	return nil
}
