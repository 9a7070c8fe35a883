// Package pace tells whether the program is interpreted, by how long it takes to count. A Wasm module cannot ask what runs it, and a runtime that cannot use a
// module's native code (it is for another version or processor) says so in its log at most, and interprets the module all the same.
package pace

// A step takes compiled code some 2 ns, and 10 ns on the slowest processors that anybody plays on; an interpreter has some 20 instructions of Wasm to look at in it,
// for 2 ns each at the very least.
const (
	steps = 2000
	limit = 25 // ns for a step
	tries = 10
)

// Interpreted measures for 4 µs in compiled code, and for some ms where it is true. Now is a clock in ns. One short try is enough, for in the others the processor
// may have been given to somebody else.
func Interpreted(now func() int64) bool {
	for range tries {
		began := now()
		x := uint64(began) | 1
		for range steps {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		// The steps never come to 0. The compiler does not know that, and so cannot leave them out.
		if now()-began < steps*limit || x == 0 {
			return false
		}
	}
	return true
}
