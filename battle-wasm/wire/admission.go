package wire

import "errors"

// Challenge answers a [Join] that has no valid cookie: the player proves its address by sending the cookie back.
type Challenge struct {
	// Nonce is that of the Join.
	Nonce uint64
	// Cookie is to be sent back in the next Join. It is good for at least 10 s, from the same address, with the same nonce.
	Cookie [CookieSize]byte
}

// AppendTo appends the packet to b.
func (c *Challenge) AppendTo(b []byte) []byte {
	return append(le.AppendUint64(appendHeader(b, KindChallenge), c.Nonce), c.Cookie[:]...)
}

// ParseChallenge fills c from a packet.
func ParseChallenge(b []byte, c *Challenge) error {
	if err := check(b, KindChallenge, ChallengeSize); err != nil {
		return err
	}
	c.Nonce = le.Uint64(b[3:])
	copy(c.Cookie[:], b[11:])
	return nil
}

// Welcome gives a player its place.
type Welcome struct {
	// Nonce is that of the Join.
	Nonce uint64
	// Token is the session's secret: it goes into every packet that the player sends from now on, from the same address.
	Token uint64
	// Room is the room's number on this server.
	Room uint16
	// Player is the player's number in the room, below [MaxPlayers].
	Player uint8
	// TickRate is the number of ticks a second.
	TickRate uint16
	// Tick is the battle's tick now.
	Tick uint32
	// EndTick is the tick at which the battle ends.
	EndTick uint32
	// Width and Height are the arena's size, in the units of [Player].
	Width, Height uint16
}

// AppendTo appends the packet to b.
func (w *Welcome) AppendTo(b []byte) []byte {
	b = appendHeader(b, KindWelcome)
	b = le.AppendUint64(b, w.Nonce)
	b = le.AppendUint64(b, w.Token)
	b = le.AppendUint16(b, w.Room)
	b = append(b, w.Player)
	b = le.AppendUint16(b, w.TickRate)
	b = le.AppendUint32(b, w.Tick)
	b = le.AppendUint32(b, w.EndTick)
	b = le.AppendUint16(b, w.Width)
	return le.AppendUint16(b, w.Height)
}

// ParseWelcome fills w from a packet.
func ParseWelcome(b []byte, w *Welcome) error {
	if err := check(b, KindWelcome, WelcomeSize); err != nil {
		return err
	}
	if b[21] >= MaxPlayers || le.Uint16(b[22:]) == 0 {
		return ErrValue
	}
	*w = Welcome{
		Nonce:    le.Uint64(b[3:]),
		Token:    le.Uint64(b[11:]),
		Room:     le.Uint16(b[19:]),
		Player:   b[21],
		TickRate: le.Uint16(b[22:]),
		Tick:     le.Uint32(b[24:]),
		EndTick:  le.Uint32(b[28:]),
		Width:    le.Uint16(b[32:]),
		Height:   le.Uint16(b[34:]),
	}
	return nil
}

// Reason is why a player was refused.
type Reason uint8

// The reasons of a [Reject].
const (
	// ReasonVersion: the server speaks another version; it is in the packet's header.
	ReasonVersion Reason = 1
	// ReasonFull: no room has a place left. Another server may have.
	ReasonFull Reason = 2
	// ReasonRate: too many packets came from this address. Try again in a second.
	ReasonRate Reason = 3
	// ReasonSession: the token is not, or no longer, that of a session of this address. Join again.
	ReasonSession Reason = 4
	// ReasonTicket: the ticket is not for this pod, or expired, used, forged or altered, or its battle is over. Ask the lobby for another.
	ReasonTicket Reason = 5

	reasonLast = ReasonTicket
)

// String names the reason as metrics do.
func (r Reason) String() string {
	switch r {
	case ReasonVersion:
		return "version"
	case ReasonFull:
		return "full"
	case ReasonRate:
		return "rate"
	case ReasonSession:
		return "session"
	case ReasonTicket:
		return "ticket"
	default:
		return "unknown"
	}
}

// Reject refuses a [Join], or an [Input] of a session that is over.
type Reject struct {
	// Nonce is that of the Join, 0 where an Input is refused.
	Nonce uint64
	// Reason is why.
	Reason Reason
}

// AppendTo appends the packet to b.
func (r *Reject) AppendTo(b []byte) []byte {
	return append(le.AppendUint64(appendHeader(b, KindReject), r.Nonce), byte(r.Reason))
}

// ParseReject fills r from a packet. The version of a Reject is not checked beyond its header's place: it tells a player of
// another version why it is refused, so its format is the same in all versions.
func ParseReject(b []byte, r *Reject) error {
	kind, err := PeekKind(b)
	switch {
	case err != nil && !errors.Is(err, ErrVersion):
		return err
	case kind != KindReject:
		return ErrKind
	case len(b) != RejectSize:
		return ErrLength
	case b[11] == 0 || Reason(b[11]) > reasonLast:
		return ErrValue
	}
	r.Nonce, r.Reason = le.Uint64(b[3:]), Reason(b[11])
	return nil
}
