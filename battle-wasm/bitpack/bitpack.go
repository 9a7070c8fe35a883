// Package bitpack writes and reads numbers of any number of bits, one right after the other. Nothing allocates but the growth of a caller's buffer.
package bitpack

import "encoding/binary"

// Writer appends bits to a buffer, the lowest of a number first.
type Writer struct {
	b    []byte
	bits uint64
	n    uint
}

// NewWriter returns a writer that appends to b.
func NewWriter(b []byte) Writer { return Writer{b: b} }

// Put writes the low n bits of v; n is 32 at most.
func (w *Writer) Put(v uint32, n uint) {
	w.bits |= uint64(v&(1<<n-1)) << w.n
	if w.n += n; w.n >= 32 {
		w.b = binary.LittleEndian.AppendUint32(w.b, uint32(w.bits))
		w.bits >>= 32
		w.n -= 32
	}
}

// Bit writes one bit, and returns it.
func (w *Writer) Bit(v bool) bool {
	bit := uint32(0)
	if v {
		bit = 1
	}
	w.Put(bit, 1)
	return v
}

// Bytes fills the last byte up with zeros and returns the buffer.
func (w *Writer) Bytes() []byte {
	for n := uint(0); n < w.n; n += 8 {
		w.b = append(w.b, byte(w.bits>>n))
	}
	w.bits, w.n = 0, 0
	return w.b
}

// MinWindow is the least length of a buffer that [Window] is for, in bytes.
const MinWindow = 8

// Window says where the bits of b are from the one with number at on: in the 8 bytes at from, shifted down. These are 57 at least, where b has as many, and zeros beyond
// its end. It has no branches, and is for who reads so many packets that a [Reader] costs too much. b has at least [MinWindow] bytes.
func Window(b []byte, at uint) (from, shift uint) {
	from = min(at/8, uint(len(b)-MinWindow))
	return from, at - 8*from
}

// Reader reads what a [Writer] wrote.
type Reader struct {
	b    []byte
	bits uint64
	n    uint
	over bool
}

// NewReader returns a reader of b.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Get reads n bits; n is 32 at most. Beyond the end it reads zeros, and [Reader.Done] says so.
func (r *Reader) Get(n uint) uint32 {
	for r.n < n {
		if len(r.b) == 0 {
			r.over, r.n = true, n
			break
		}
		r.bits |= uint64(r.b[0]) << r.n
		r.b = r.b[1:]
		r.n += 8
	}
	v := uint32(r.bits) & (1<<n - 1)
	r.bits >>= n
	r.n -= n
	return v
}

// Bit reads one bit.
func (r *Reader) Bit() bool { return r.Get(1) == 1 }

// Signed reads a number of n bits in two's complement.
func (r *Reader) Signed(n uint) int32 { return int32(r.Get(n)<<(32-n)) >> (32 - n) }

// Fits says whether v can be written in n bits in two's complement.
func Fits(v int32, n uint) bool { return v>>(n-1) == 0 || v>>(n-1) == -1 }

// Done says whether all that there was has been read, and no more: the bits that fill up the last byte are zero.
func (r *Reader) Done() bool { return !r.over && len(r.b) == 0 && r.n < 8 && r.bits == 0 }
