package wire

import "github.com/edge-arena/edge-arena/battle-wasm/bitpack"

// Buttons is the set of buttons that are held down.
type Buttons uint8

// The buttons.
const (
	ButtonFire Buttons = 1 << iota
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

// The bits of the newest command, of one before it in which all is another, and of one in which nothing is.
const (
	commandBits    = 8 + 8 + 16 + 1 + 8
	earlierBits    = 1 + 16 + 1 + 16 + 1 + 1 + 8
	earlierMinBits = 1 + 1 + 1 + 1
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

// ParseInput fills i from a packet. Earlier inputs beyond Repeated keep what they were, and after an error i means nothing.
func ParseInput(b []byte, i *Input) error {
	if err := check(b, KindInput, max(MinInputSize, min(len(b), MaxInputSize))); err != nil {
		return err
	}
	i.Token, i.Seq, i.AckTick, i.AckDelay, i.Repeated = le.Uint64(b[3:]), le.Uint32(b[11:]), le.Uint32(b[15:]), le.Uint16(b[19:]), b[21]
	if i.Repeated > MaxEarlier || i.Seq <= uint32(i.Repeated) {
		return ErrValue
	}
	at := uint(8 * inputHead)
	from, shift := bitpack.Window(b, at)
	w := le.Uint64(b[from:]) >> shift
	at += commandBits
	c := &i.Command
	c.MoveX, c.MoveY, c.Aim, c.Buttons, c.Seen = int8(w), int8(w>>8), uint16(w>>16), Buttons(w>>32)&1, uint8(w>>33)
	good := c.MoveX != -128 && c.MoveY != -128
	for n := range i.Earlier[:i.Repeated] {
		e := &i.Earlier[n]
		bits, changed := e.after(c, b, at)
		at += bits
		good = good && changed
		c = e
	}
	from, shift = bitpack.Window(b, at)
	switch {
	case (at+7)/8 != uint(len(b)) || le.Uint64(b[from:])>>shift != 0:
		return ErrLength // too short, too long, or the last byte is not filled up with zeros
	case !good:
		return ErrValue
	}
	return nil
}

// after fills in an earlier command, which begins at a bit of b, given the one after it. It returns how many bits that was, and whether they make sense: what is said to be another
// value is.
func (c *Command) after(next *Command, b []byte, at uint) (bits uint, good bool) {
	from, shift := bitpack.Window(b, at)
	w := le.Uint64(b[from:]) >> shift
	*c = *next
	bits, good = earlierMinBits, true
	if w&1 != 0 {
		c.MoveX, c.MoveY = int8(w>>1), int8(w>>9)
		good = c.MoveX != -128 && c.MoveY != -128 && (c.MoveX != next.MoveX || c.MoveY != next.MoveY)
		w >>= 16
		bits += 16
	}
	if w&2 != 0 {
		c.Aim = uint16(w >> 2)
		good = good && c.Aim != next.Aim
		w >>= 16
		bits += 16
	}
	c.Buttons = Buttons(w>>2) & 1
	if w&8 != 0 {
		c.Seen = uint8(w >> 4)
		good = good && c.Seen != next.Seen
		bits += 8
	}
	return bits, good
}
