package slo

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/edge-arena/edge-arena/monitoring"
)

// coldStart is the name of the objective in verdicts.
const coldStart = "cold_start"

// NodeStarts are cold starts of the battle server on one node: each from the start of the OCI runtime until the server first answered. Times are in ms.
type NodeStarts struct {
	// Node is its name.
	Node string `json:"node"`
	// Starts is how many were measured.
	Starts int `json:"starts"`
	// P50 and P99 are percentiles: below 100 starts P99 is the slowest.
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// NewNodeStarts sums up what starts on a node took; there is one at least.
func NewNodeStarts(node string, took []time.Duration) NodeStarts {
	sorted := slices.Sorted(slices.Values(took))
	at := func(share float64) float64 { return ms(sorted[int(math.Ceil(share*float64(len(sorted))))-1]) }
	return NodeStarts{Node: node, Starts: len(took), P50: at(0.5), P99: at(0.99)}
}

// WithColdStarts adds cold starts to a report, and the verdict on them: the node that is the slowest at P99 must be below the limit.
func (r Report) WithColdStarts(starts []NodeStarts) Report {
	v := Verdict{Name: coldStart, Unit: "ms", Comparison: "<", Threshold: ms(monitoring.Objectives().ColdStart.Duration())}
	for _, s := range starts {
		if v.Value == nil || s.P99 > *v.Value {
			v.Value, v.Pass = new(s.P99), s.P99 < v.Threshold
		}
	}
	r.ColdStarts = starts
	r.Verdicts = append(slices.Clone(r.Verdicts), v)
	r.Pass = r.Pass && v.Pass
	return r
}

// line says what was measured on a node, for people.
func (s NodeStarts) line() string {
	return fmt.Sprintf("%d cold starts on %s beside its pods: P50 %s, P99 %s ms from the start of the runtime to the first answer", s.Starts, s.Node, millis(s.P50), millis(s.P99))
}
