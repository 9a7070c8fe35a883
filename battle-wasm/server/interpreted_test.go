package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/httpd"
)

// Whoever runs the city is told where the native code is not used: by the metrics, and once by the log.
func TestInterpretedIsTold(t *testing.T) {
	t.Parallel()
	for interpreted, want := range map[bool]string{false: "battle_interpreted 0\n", true: "battle_interpreted 1\n"} {
		m := &fakeMachine{now: 1000 * second}
		cfg := config.Default()
		cfg.Tickets = keys(t)
		l, err := NewLoop(cfg, m, Build{Version: "test", Runtime: "fake", Interpreted: interpreted})
		require.NoError(t, err)
		require.Contains(t, string(l.server.appendMetrics(nil, httpd.Counts{})), want)
		l.server.flushJournal(m)
		if interpreted {
			require.Contains(t, string(m.log), `"level":"WARN","msg":"interpreted: `)
		} else {
			require.NotContains(t, string(m.log), "interpreted")
		}
	}
}
