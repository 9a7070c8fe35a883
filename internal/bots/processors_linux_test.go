package bots

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProcessors(t *testing.T) {
	t.Parallel()
	before, stolenBefore := processors()
	time.Sleep(300 * time.Millisecond)
	after, stolen := processors()
	// Each processor's time is told in hundredths of a second, and a stolen one of which nothing was heard meanwhile may lag behind.
	require.InDelta(t, 0.3*float64(runtime.NumCPU()), after-before, 0.2*float64(runtime.NumCPU()))
	require.GreaterOrEqual(t, stolen, stolenBefore)
	require.Less(t, stolen, after)
}
