package slo

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNodeStarts(t *testing.T) {
	t.Parallel()
	var took []time.Duration
	for i := range 200 {
		took = append(took, time.Duration(200-i)*time.Millisecond)
	}
	require.Equal(t, NodeStarts{Node: "n1", Starts: 200, P50: 100, P99: 198}, NewNodeStarts("n1", took))
	require.Equal(t, 200*time.Millisecond, took[0], "what is given stays as it is")
	require.Equal(t, NodeStarts{Node: "n1", Starts: 3, P50: 2, P99: 3}, NewNodeStarts("n1", []time.Duration{3e6, 1e6, 2e6}), "of few the slowest counts")
}

func TestWithColdStarts(t *testing.T) {
	t.Parallel()
	before := Report{Pass: true, Verdicts: []Verdict{{Name: "rtt_p50", Pass: true}}}
	slow := before.WithColdStarts([]NodeStarts{{Node: "n1", P99: 9.99}, {Node: "n2", P99: 10}})
	require.Equal(t, Verdict{Name: "cold_start", Unit: "ms", Value: new(10.0), Comparison: "<", Threshold: 10}, slow.Verdicts[1], "the slowest node counts")
	require.False(t, slow.Pass)
	require.Len(t, before.Verdicts, 1)

	quick := before.WithColdStarts([]NodeStarts{{Node: "n1", P99: 9.99}, {Node: "n2", P99: 8}})
	require.True(t, quick.Pass)
	require.Equal(t, 9.99, *quick.Verdicts[1].Value)
	require.Equal(t, quick.ColdStarts, NewOutcome("", "", 1, quick).ColdStarts)
	var text strings.Builder
	quick.Table(&text)
	require.Contains(t, text.String(), "cold start P99, slowest node")
	require.Contains(t, text.String(), "cold starts on n2 beside its pods: P50 0.00, P99 8.00 ms")

	require.False(t, before.WithColdStarts(nil).Pass, "what could not be measured is missed")
	late := before
	late.Pass = false
	require.False(t, late.WithColdStarts(quick.ColdStarts).Pass, "what was missed before stays so")
}
