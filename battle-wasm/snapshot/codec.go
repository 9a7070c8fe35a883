package snapshot

import (
	"errors"
	"math/bits"

	"github.com/edge-arena/edge-arena/battle-wasm/bitpack"
	"github.com/edge-arena/edge-arena/battle-wasm/sim"
)

// MaxSize is the most bytes that a written state has: ten players of whom nothing was as reckoned.
const MaxSize = (sim.MaxPlayers*maxPlayerBits + 7) / 8

const maxPlayerBits = 1 + 1 + 1 + 4 + (1 + 2 + 2*maxPlaceBits) + (1 + 16) + (2 + 16) + (2 + 16) + (1 + 7 + 8 + 16)

// maxPlaceBits is enough for a difference of places in the largest arena: 4095 units.
const maxPlaceBits = 21

// ErrMalformed is the error of a state that nobody has written.
var ErrMalformed = errors.New("malformed snapshot")

// Codec writes and reads the states of one battle.
type Codec struct {
	motion    sim.Motion
	placeBits uint // of a difference between two places
}

// NewCodec returns the codec of a battle whose players move like that.
func NewCodec(m sim.Motion) Codec {
	w, h := m.Size()
	return Codec{motion: m, placeBits: uint(bits.Len32(uint32(max(w, h)))) + 1}
}

// What follows the first bit of a player who is not as was reckoned, that bit included: either only its aim differs, by a little, or anything may.
const (
	trembles = 0b01
	elsewise = 0b11
)

// Append appends s, written against base, which must not be newer. The base of a state that is to be read without another is the zero [State].
func (c *Codec) Append(b []byte, s, base *State) []byte {
	w := bitpack.NewWriter(b)
	ticks := s.Tick - base.Tick
	for i := range s.Players {
		p, was := &s.Players[i], &base.Players[i]
		x, y, aim := was.reckon(&c.motion, ticks)
		// Most go on as they did, and of many others only the hand trembles.
		switch off := p.Aim - aim; {
		case p.X != x || p.Y != y || !p.like(was) || !bitpack.Fits(int32(int16(off)), shortAngle):
			w.Put(elsewise, 2)
			if w.Bit(p.Present) {
				reckoned := was.Predict(c.motion, ticks)
				c.put(&w, p, &reckoned)
			}
		case off == 0:
			w.Bit(false)
		default:
			w.Put(trembles|uint32(off)<<2, 2+shortAngle)
		}
	}
	return w.Bytes()
}

// like says whether the player is as it was in all but place and aim.
func (p *Player) like(was *Player) bool {
	return p.Present == was.Present && p.Alive == was.Alive && !p.Fired && !p.Hit && p.MoveX == was.MoveX && p.MoveY == was.MoveY && p.Turn == was.Turn &&
		p.Health == was.Health && p.Lives == was.Lives && p.Score == was.Score
}

// put writes a player who is not as was reckoned.
func (c *Codec) put(w *bitpack.Writer, p, was *Player) {
	if f, g := flags(p), flags(was); w.Bit(f != g) {
		w.Put(f, flagBits)
	}
	if dx, dy := p.X-was.X, p.Y-was.Y; w.Bit(dx != 0 || dy != 0) {
		n := c.class(dx, dy)
		w.Put(n, 2)
		w.Put(uint32(dx), c.width(n))
		w.Put(uint32(dy), c.width(n))
	}
	if w.Bit(p.MoveX != was.MoveX || p.MoveY != was.MoveY) {
		w.Put(uint32(p.MoveX), 8)
		w.Put(uint32(p.MoveY), 8)
	}
	putAngle(w, p.Aim-was.Aim)
	putAngle(w, uint16(p.Turn-was.Turn))
	if w.Bit(p.Health != was.Health || p.Lives != was.Lives || p.Score != was.Score) {
		w.Put(uint32(p.Health), 7)
		w.Put(uint32(p.Lives), 8)
		w.Put(uint32(p.Score), 16)
	}
}

// width gives the number of bits in which differences of places of a class are written.
func (c *Codec) width(class uint32) uint {
	return [...]uint{8, 11, 14, c.placeBits}[class]
}

func (c *Codec) class(dx, dy int32) uint32 {
	for n := range uint32(3) {
		if bits := c.width(n); bitpack.Fits(dx, bits) && bitpack.Fits(dy, bits) {
			return n
		}
	}
	return 3
}

// shortAngle is the number of bits of a small difference of angles.
const shortAngle = 10

func putAngle(w *bitpack.Writer, difference uint16) {
	if !w.Bit(difference != 0) {
		return
	}
	if w.Bit(bitpack.Fits(int32(int16(difference)), shortAngle)) {
		w.Put(uint32(difference), shortAngle)
		return
	}
	w.Put(uint32(difference), 16)
}

func angle(r *bitpack.Reader) uint16 {
	switch {
	case !r.Bit():
		return 0
	case r.Bit():
		return uint16(r.Signed(shortAngle))
	}
	return uint16(r.Get(16))
}

const flagBits = 3

func flags(p *Player) uint32 {
	f := uint32(0)
	for i, set := range [flagBits]bool{p.Alive, p.Fired, p.Hit} {
		if set {
			f |= 1 << i
		}
	}
	return f
}

// Read fills s, whose Tick is set, from what [Codec.Append] wrote against base.
func (c *Codec) Read(b []byte, s, base *State) error {
	r := bitpack.NewReader(b)
	w, h := c.motion.Size()
	for i := range s.Players {
		p := &s.Players[i]
		*p = base.Players[i].Predict(c.motion, s.Tick-base.Tick)
		if !r.Bit() {
			continue
		}
		if !r.Bit() {
			if !p.Present {
				return ErrMalformed
			}
			p.Aim += uint16(r.Signed(shortAngle))
			continue
		}
		if !r.Bit() {
			*p = Player{}
			continue
		}
		p.Present = true
		c.get(&r, p)
		if p.X < 0 || p.X > w || p.Y < 0 || p.Y > h || p.Health > sim.MaxHealth || p.MoveX == -128 || p.MoveY == -128 {
			return ErrMalformed
		}
	}
	if !r.Done() {
		return ErrMalformed
	}
	return nil
}

func (c *Codec) get(r *bitpack.Reader, p *Player) {
	if r.Bit() {
		f := r.Get(flagBits)
		p.Alive, p.Fired, p.Hit = f&1 != 0, f&2 != 0, f&4 != 0
	}
	if r.Bit() {
		n := c.width(r.Get(2))
		p.X += r.Signed(n)
		p.Y += r.Signed(n)
	}
	if r.Bit() {
		p.MoveX, p.MoveY = int8(r.Get(8)), int8(r.Get(8))
	}
	p.Aim += angle(r)
	p.Turn += int16(angle(r))
	if r.Bit() {
		p.Health, p.Lives, p.Score = uint8(r.Get(7)), uint8(r.Get(8)), uint16(r.Get(16))
	}
}
