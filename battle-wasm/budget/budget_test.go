package budget

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMeter(t *testing.T) {
	t.Parallel()
	const rate, period = 120, 8_333_333
	m := NewMeter(rate)
	for range 10 { // up and down again
		run := func(percent int64) {
			for tick := range 2 * rate {
				busy := percent * period / 100
				if tick%25 == 0 {
					busy = 5 * period // now and then something else has the processor
				}
				m.Observe(busy, period)
			}
		}
		run(30)
		require.Equal(t, 300, m.Share())
		require.False(t, m.Overloaded())
		run(70)
		require.Equal(t, 700, m.Share())
		require.False(t, m.Overloaded(), "below the bound")
		run(80)
		require.Equal(t, 800, m.Share())
		require.True(t, m.Overloaded())
		run(70)
		require.True(t, m.Overloaded(), "not low enough to take on more")
		run(60)
		require.False(t, m.Overloaded())
	}
	for range 2 * rate {
		m.Observe(50*period, period)
	}
	require.Equal(t, 2000, m.Share())
	for range 2 * rate {
		m.Observe(0, period)
	}
	require.Equal(t, step, m.Share())
}

func TestNothingAllocates(t *testing.T) {
	m := NewMeter(120)
	require.Zero(t, testing.AllocsPerRun(1000, func() { m.Observe(1, 100) }))
}
