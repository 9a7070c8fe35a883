package machine_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/machine"
)

func TestProcessors(t *testing.T) {
	t.Parallel()
	before, err := machine.ReadProcessors()
	require.NoError(t, err)
	time.Sleep(300 * time.Millisecond)
	after, err := machine.ReadProcessors()
	require.NoError(t, err)
	// Each processor's time is told in hundredths of a second, and a stolen one of which nothing was heard meanwhile may lag behind.
	require.InDelta(t, 0.3*float64(runtime.NumCPU()), after.All-before.All, 0.2*float64(runtime.NumCPU()))
	require.GreaterOrEqual(t, after.Stolen, before.Stolen)
	require.Less(t, after.Busy, after.All)
}

func TestSince(t *testing.T) {
	t.Parallel()
	before := machine.Processors{All: 100, Busy: 50, Stolen: 1}
	busy, stolen := machine.Processors{All: 110, Busy: 54, Stolen: 2}.Since(before)
	require.InDelta(t, .4, busy, 1e-9)
	require.InDelta(t, .1, stolen, 1e-9)
	busy, stolen = before.Since(before)
	require.Zero(t, busy)
	require.Zero(t, stolen)
}

func TestMemory(t *testing.T) {
	t.Parallel()
	used, available, err := machine.Memory()
	require.NoError(t, err)
	require.Positive(t, used)
	require.Positive(t, available)
}
