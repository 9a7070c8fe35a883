package bitpack

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		type number struct {
			v int32
			n uint
		}
		var numbers []number
		w := NewWriter([]byte{0xEE})
		bits := uint(0)
		for range rng.IntN(40) {
			n := uint(1 + rng.IntN(32))
			v := int32(rng.Uint32()) >> (32 - n)
			require.True(t, Fits(v, n))
			require.True(t, n == 32 || !Fits(1<<(n-1), n))
			numbers = append(numbers, number{v, n})
			w.Put(uint32(v), n)
			bits += n
		}
		b := w.Bytes()
		require.Len(t, b, 1+int(bits+7)/8)
		require.EqualValues(t, 0xEE, b[0], "what was there before stays")
		r := NewReader(b[1:])
		for _, want := range numbers {
			require.Equal(t, want.v, r.Signed(want.n))
		}
		require.True(t, r.Done())
		r.Get(8)
		require.False(t, r.Done(), "there is nothing more")
	}
}

// TestWindow holds Window to what a Reader reads from the same place, beyond the end too.
func TestWindow(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for size := MinWindow; size < 20; size++ {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		for at := uint(0); at < uint(8*size+100); at++ {
			r := NewReader(b)
			for range at {
				r.Get(1)
			}
			want := uint64(r.Get(25)) | uint64(r.Get(32))<<25
			from, shift := Window(b, at)
			require.Equal(t, want, binary.LittleEndian.Uint64(b[from:])>>shift&(1<<57-1), "%d bytes, from bit %d", size, at)
		}
	}
}

func TestDone(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		b    []byte
		read []uint
		want bool
	}{
		"nothing of nothing":   {want: true},
		"a byte":               {b: []byte{0xFF}, read: []uint{8}, want: true},
		"filled up with zeros": {b: []byte{0x0F}, read: []uint{4}, want: true},
		"with something else":  {b: []byte{0x1F}, read: []uint{4}},
		"a byte too many":      {b: []byte{0, 0}, read: []uint{8}},
		"a byte left unread":   {b: []byte{0}},
		"a bit too few":        {b: []byte{0}, read: []uint{9}},
		"much too few":         {read: []uint{32, 32}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := NewReader(tt.b)
			for _, n := range tt.read {
				r.Get(n)
			}
			require.Equal(t, tt.want, r.Done())
		})
	}
}

// FuzzReader holds the reader to this: whatever is read, it does not panic, and what was written again is the same.
func FuzzReader(f *testing.F) {
	f.Add([]byte{1, 2, 3}, []byte{3, 32, 17})
	f.Fuzz(func(t *testing.T, b, widths []byte) {
		r, w := NewReader(b), NewWriter(nil)
		for _, n := range widths {
			w.Put(r.Get(uint(n%33)), uint(n%33))
		}
		if got := w.Bytes(); r.Done() && string(got) != string(b) {
			t.Errorf("%x is %x when written again", b, got)
		}
	})
}
