package monitoring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/monitoring"
)

// The case's numbers, as they stand there.
func TestObjectivesAreTheCases(t *testing.T) {
	t.Parallel()
	o := monitoring.Objectives()
	require.Equal(t, 10*time.Millisecond, o.RTTP50.Duration())
	require.Equal(t, 20*time.Millisecond, o.RTTP99.Duration())
	require.Equal(t, 50*time.Millisecond, o.RTTP999.Duration())
	require.InDelta(t, 120, o.TickRate.Limit, 0)
	require.Equal(t, 10*time.Millisecond, o.ColdStart.Duration())
	require.InDelta(t, 0.9999, o.Availability.Target, 0)
	require.Equal(t, 10*time.Second, o.Recovery.Duration())
	require.Len(t, o.All(), 7)
	names := map[string]bool{}
	for _, each := range o.All() {
		require.Regexp(t, `^[a-z]+(-[a-z0-9]+)*$`, each.Name)
		require.False(t, names[each.Name], each.Name)
		names[each.Name] = true
		require.NotEmpty(t, each.Title, each.Name)
		require.NotEmpty(t, each.Promise, each.Name)
		require.Regexp(t, `^4\.\d, `, each.Source, "%s: where the case says so", each.Name)
		require.Equal(t, each.Target != 0, each.Events != "", each.Name)
		require.Equal(t, each.Events == "", each.Errors == "", each.Name)
		require.Less(t, each.Target, 1.0, each.Name)
		require.True(t, each.Limit > 0 || each.Target > 0, each.Name)
	}
	require.Len(t, o.Ratios(), 5)
}

// What the gate and `arena slo` hold a city to is what its alerts do.
func TestConfigHoldsCitiesToTheSameNumbers(t *testing.T) {
	t.Parallel()
	o, slo := monitoring.Objectives(), config.Defaults().SLO
	require.Equal(t, o.RTTP50.Duration(), slo.RTTP50)
	require.Equal(t, o.RTTP99.Duration(), slo.RTTP99)
	require.Equal(t, o.RTTP999.Duration(), slo.RTTP999)
	require.InDelta(t, o.LeastTickRate, slo.TickRate, 0)
	require.InDelta(t, o.LeastTickRate/o.TickRate.Limit, o.TickRate.Target, 1e-12)
}
