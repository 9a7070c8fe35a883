package sim

import "github.com/edge-arena/edge-arena/battle-wasm/rewind"

// random is a splitmix64 generator: one word of state, which is part of the arena's.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below gives a number below n. Its bias is under n/2³², too small to matter in an arena.
func (r *random) below(n uint32) uint32 {
	return uint32(r.next() >> 32 * uint64(n) >> 32)
}

// direction gives the cosine and sine of an angle, scaled by directionScale.
func direction(angle uint16) (cos, sin int64) { return sine(angle + 1<<14), sine(angle) }

// sine is a Taylor polynomial over the first quarter, in integers: floating point would round differently where the compiler fuses operations.
func sine(angle uint16) int64 {
	const quarter = 1 << 14
	x := int64(angle & (quarter - 1))
	if angle&quarter != 0 {
		x = quarter - x
	}
	// The coefficients are those of sin(πx/2), scaled: π/2, (π/2)³/3!, (π/2)⁵/5!, (π/2)⁷/7!.
	x2 := x * x >> directionBits
	y := 1306 - x2*77>>directionBits
	y = 10583 - x2*y>>directionBits
	y = 25736 - x2*y>>directionBits
	y = min(x*y>>directionBits, directionScale)
	if angle >= 2*quarter {
		return -y
	}
	return y
}

// cut shortens a vector that is longer than moveFull to that length.
func cut(x, y int32) (int32, int32) {
	square := x*x + y*y
	if square <= moveFull*moveFull {
		return x, y
	}
	length := root(square)
	return x * moveFull / length, y * moveFull / length
}

// root is the square root of a number below 2³⁰, rounded up: a cut vector is never too long.
func root(n int32) int32 {
	r := int32(0)
	for bit := int32(1 << 14); bit > 0; bit >>= 1 {
		if (r+bit)*(r+bit) < n {
			r += bit
		}
	}
	if n > 0 {
		r++
	}
	return r
}

// fnv is a 64-bit FNV-1a hash over words.
type fnv uint64

const fnvStart fnv = 0xcbf29ce484222325

func (h *fnv) add(words ...uint64) {
	for _, w := range words {
		for range 8 {
			*h = (*h ^ fnv(w&0xff)) * 0x100000001b3
			w >>= 8
		}
	}
}

// Hash sums up the whole state: two arenas with the same hash will stay the same under the same inputs.
func (a *Arena) Hash() uint64 {
	h := fnvStart
	h.add(uint64(a.Tick), uint64(a.end), uint64(a.motion.width), uint64(a.motion.height), uint64(a.motion.speed), uint64(a.cooldown), uint64(a.respawn),
		uint64(a.rewind), uint64(a.rand))
	for i := range a.Players {
		p := &a.Players[i]
		h.add(bit(p.Present)|bit(p.Alive)<<1|bit(p.Fired)<<2|bit(p.Hit)<<3,
			uint64(p.X), uint64(p.Y), uint64(p.Aim), uint64(p.Health), uint64(p.Score), uint64(p.cooldown), uint64(p.respawn),
			uint64(p.MoveX), uint64(p.MoveY), uint64(p.Turn), uint64(p.turned), uint64(p.Lives), uint64(p.still))
	}
	for back := range min(uint32(rewind.Depth), a.Tick) {
		for _, at := range a.history.Seen(a.Tick - back) {
			h.add(uint64(at.X), uint64(at.Y), bit(at.Alive))
		}
	}
	return uint64(h)
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
