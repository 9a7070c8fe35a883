package battle

import (
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

func TestRollTimeout(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		replicas, room int
		drain          time.Duration
		want           int
	}{
		// 4 replicas of room for 10 old pods: 4, 4, and 2 that nobody waits for.
		"some room":         {10, 14, 5 * time.Minute, 120 + 20 + 2*315},
		"room for all":      {10, 20, 5 * time.Minute, 120 + 20},
		"none as planned":   {16, 16, 5 * time.Minute, 120 + 32 + 3*315},
		"unknown":           {10, 0, 30 * time.Second, 120 + 20 + 3*45},
		"one pod":           {1, 1, time.Hour, 120 + 2},
		"part of a second":  {4, 4, 1500 * time.Millisecond, 120 + 8 + 3*17},
		"more than can use": {2, 100, time.Minute, 124},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &ServiceArgs{Battle: config.Battle{Replicas: tt.replicas, DrainTimeout: tt.drain}, Room: tt.room}
			require.Equal(t, tt.want, a.rollTimeout())
		})
	}
}

// A shim is given a module's bytes and cannot load a library, and nothing stands before it that could choose.
func TestCommandIsTheModuleWhereANodeHasAShim(t *testing.T) {
	t.Parallel()
	command := func(engines ...config.Engine) pulumi.StringArray {
		cluster := &k3s.Cluster{}
		for _, engine := range engines {
			var n config.Node
			n.Wasm.Engine = engine
			cluster.Nodes = append(cluster.Nodes, n)
		}
		return (&builder{args: &ServiceArgs{Cluster: cluster}}).command()
	}
	require.Empty(t, command(config.EngineCrun, config.EngineCrun))
	require.Equal(t, pulumi.StringArray{pulumi.String("/app.wasm")}, command(config.EngineCrun, config.EngineShim))
}
