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

// Buttons is the set of buttons that are held down.
type Buttons uint8

// The buttons.
const (
	ButtonFire Buttons = 1 << iota

	buttonsKnown = ButtonFire
)

// MaxAckDelay is the longest [Input.AckDelay], in µs.
const MaxAckDelay = 1<<16 - 1

// Input is what a player does. A player sends one per tick of its own.
type Input struct {
	// Token is the session's, from [Welcome].
	Token uint64
	// Seq counts a player's inputs from 1. The server takes only an input that is newer than all before it.
	Seq uint32
	// AckTick is the tick of the newest snapshot that the player has.
	AckTick uint32
	// AckDelay is for how long, in µs, the player has had that snapshot: [MaxAckDelay] for longer, and where there is none.
	AckDelay uint16
	// MoveX and MoveY are the direction and speed asked for, -127 to 127 each; the server cuts the vector to a length of 127.
	MoveX, MoveY int8
	// Aim is the direction of sight: a full turn is 65536, 0 is along x, a quarter along y.
	Aim uint16
	// Buttons are those held down.
	Buttons Buttons
}

// AppendTo appends the packet to b.
func (i *Input) AppendTo(b []byte) []byte {
	b = appendHeader(b, KindInput)
	b = le.AppendUint64(b, i.Token)
	b = le.AppendUint32(b, i.Seq)
	b = le.AppendUint32(b, i.AckTick)
	b = le.AppendUint16(b, i.AckDelay)
	b = append(b, byte(i.MoveX), byte(i.MoveY))
	b = le.AppendUint16(b, i.Aim)
	return append(b, byte(i.Buttons))
}

// ParseInput fills i from a packet.
func ParseInput(b []byte, i *Input) error {
	if err := check(b, KindInput, InputSize); err != nil {
		return err
	}
	in := Input{
		Token:    le.Uint64(b[3:]),
		Seq:      le.Uint32(b[11:]),
		AckTick:  le.Uint32(b[15:]),
		AckDelay: le.Uint16(b[19:]),
		MoveX:    int8(b[21]),
		MoveY:    int8(b[22]),
		Aim:      le.Uint16(b[23:]),
		Buttons:  Buttons(b[25]),
	}
	if in.Seq == 0 || in.MoveX == -128 || in.MoveY == -128 || in.Buttons&^buttonsKnown != 0 {
		return ErrValue
	}
	*i = in
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
