package wire

import "github.com/edge-arena/edge-arena/battle-wasm/bitpack"

// Buttons is the set of buttons that are held down.
type Buttons uint8

// The buttons.
const (
	ButtonFire Buttons = 1 << iota

	buttonsKnown = ButtonFire
)

// MaxAckDelay is the longest [Input.AckDelay], in µs.
const MaxAckDelay = 1<<16 - 1

// MaxEarlier is the most earlier inputs that a packet repeats: an input is lost only if as many packets in a row are, and the one that brought it.
const MaxEarlier = 7

// MaxBack is how many ticks may lie between a snapshot and the one that it is written against.
const MaxBack = 63

// Command is what a player does in one tick of its own.
type Command struct {
	// MoveX and MoveY are the direction and speed asked for, -127 to 127 each; the server cuts the vector to a length of 127.
	MoveX, MoveY int8
	// Aim is the direction of sight: a full turn is 65536, 0 is along x, a quarter along y.
	Aim uint16
	// Buttons are those held down.
	Buttons Buttons
	// Seen says which tick the player saw the others at: so many before AckTick.
	Seen uint8
}

// Input is what a player does. A player sends one per tick of its own.
type Input struct {
	// Token is the session's, from [Welcome].
	Token uint64
	// Seq counts a player's inputs from 1. The server takes only an input that is newer than all before it.
	Seq uint32
	// AckTick is the tick of the newest snapshot that the player has, 0 for none: what is written against it can be read.
	AckTick uint32
	// AckDelay is for how long, in µs, the player has had that snapshot: [MaxAckDelay] for longer, and where there is none.
	AckDelay uint16
	// Command is what the player does.
	Command
	// Repeated is the number of Earlier inputs that are repeated, in case they were lost: those before this one, the newest first.
	Repeated uint8
	Earlier  [MaxEarlier]Command
}

const (
	commandBits = 8 + 8 + 16 + 1 + 8
	earlierBits = 1 + 16 + 1 + 16 + 1 + 1 + 8
)

// AppendTo appends the packet to b.
func (i *Input) AppendTo(b []byte) []byte {
	b = appendHeader(b, KindInput)
	b = le.AppendUint64(b, i.Token)
	b = le.AppendUint32(b, i.Seq)
	b = le.AppendUint32(b, i.AckTick)
	b = le.AppendUint16(b, i.AckDelay)
	b = append(b, i.Repeated)
	w := bitpack.NewWriter(b)
	c := &i.Command
	w.Put(uint32(c.MoveX), 8)
	w.Put(uint32(c.MoveY), 8)
	w.Put(uint32(c.Aim), 16)
	w.Put(uint32(c.Buttons), 1)
	w.Put(uint32(c.Seen), 8)
	for n := range i.Earlier[:i.Repeated] {
		e := &i.Earlier[n]
		if w.Bit(e.MoveX != c.MoveX || e.MoveY != c.MoveY) {
			w.Put(uint32(e.MoveX), 8)
			w.Put(uint32(e.MoveY), 8)
		}
		if w.Bit(e.Aim != c.Aim) {
			w.Put(uint32(e.Aim), 16)
		}
		w.Put(uint32(e.Buttons), 1)
		if w.Bit(e.Seen != c.Seen) {
			w.Put(uint32(e.Seen), 8)
		}
		c = e
	}
	return w.Bytes()
}

// ParseInput fills i from a packet. Of Earlier those beyond Repeated are zero.
func ParseInput(b []byte, i *Input) error {
	if err := check(b, KindInput, max(MinInputSize, min(len(b), MaxInputSize))); err != nil {
		return err
	}
	in := Input{Token: le.Uint64(b[3:]), Seq: le.Uint32(b[11:]), AckTick: le.Uint32(b[15:]), AckDelay: le.Uint16(b[19:]), Repeated: b[21]}
	if in.Repeated > MaxEarlier || in.Seq <= uint32(in.Repeated) {
		return ErrValue
	}
	r := bitpack.NewReader(b[inputHead:])
	c := &in.Command
	*c = Command{MoveX: int8(r.Get(8)), MoveY: int8(r.Get(8)), Aim: uint16(r.Get(16)), Buttons: Buttons(r.Get(1)), Seen: uint8(r.Get(8))}
	good := c.valid()
	for n := range in.Earlier[:in.Repeated] {
		e := &in.Earlier[n]
		*e = *c
		if r.Bit() {
			e.MoveX, e.MoveY = int8(r.Get(8)), int8(r.Get(8))
			good = good && (e.MoveX != c.MoveX || e.MoveY != c.MoveY)
		}
		if r.Bit() {
			e.Aim = uint16(r.Get(16))
			good = good && e.Aim != c.Aim
		}
		e.Buttons = Buttons(r.Get(1))
		if r.Bit() {
			e.Seen = uint8(r.Get(8))
			good = good && e.Seen != c.Seen
		}
		good = good && e.valid()
		c = e
	}
	switch {
	case !r.Done():
		return ErrLength
	case !good:
		return ErrValue
	}
	*i = in
	return nil
}

func (c *Command) valid() bool {
	return c.MoveX != -128 && c.MoveY != -128 && c.Buttons&^buttonsKnown == 0
}
