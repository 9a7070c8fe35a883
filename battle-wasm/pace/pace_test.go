package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestInterpreted(t *testing.T) {
	t.Parallel()
	began := time.Now()
	real := func() int64 { return int64(time.Since(began)) }
	// The race detector takes its time too.
	require.False(t, Interpreted(func() int64 { return real() / 40 }), "a test is compiled")
	require.True(t, Interpreted(func() int64 { return real() * 1000 }), "an interpreter is slower than that")

	// Only once was the processor ours.
	clock, calls := int64(0), 0
	require.False(t, Interpreted(func() int64 {
		if calls++; calls != 2*tries {
			clock += steps * limit
		}
		return clock
	}))
}
