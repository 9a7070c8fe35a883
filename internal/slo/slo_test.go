package slo

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/client/clienttest"
	"github.com/edge-arena/edge-arena/internal/bots"
)

// times returns a histogram of n values each, in µs.
func times(t *testing.T, valueAndCount ...int64) *hdrhistogram.Histogram {
	t.Helper()
	h := hdrhistogram.New(1, time.Minute.Microseconds(), 3)
	for i := 0; i < len(valueAndCount); i += 2 {
		require.NoError(t, h.RecordValues(valueAndCount[i], valueAndCount[i+1]))
	}
	return h
}

func TestEvaluatePercentiles(t *testing.T) {
	t.Parallel()
	limits := Default()
	tests := map[string]struct {
		rtt  *hdrhistogram.Histogram
		want map[string]bool
	}{
		"all well below":                       {times(t, 5_000, 1000), map[string]bool{"rtt_p50": true, "rtt_p99": true, "rtt_p999": true}},
		"P50 just below":                       {times(t, 9_991, 1000), map[string]bool{"rtt_p50": true, "rtt_p99": true, "rtt_p999": true}},
		"P50 at the limit":                     {times(t, 10_000, 1000), map[string]bool{"rtt_p50": false, "rtt_p99": true, "rtt_p999": true}},
		"just over 1 % slow":                   {times(t, 1_000, 989, 20_000, 11), map[string]bool{"rtt_p50": true, "rtt_p99": false, "rtt_p999": true}},
		"1 % slow, as allowed":                 {times(t, 1_000, 990, 20_000, 10), map[string]bool{"rtt_p50": true, "rtt_p99": true, "rtt_p999": true}},
		"just over 1 in 1000 very slow":        {times(t, 1_000, 9_989, 50_000, 11), map[string]bool{"rtt_p50": true, "rtt_p99": true, "rtt_p999": false}},
		"lost inputs, which count as time-out": {times(t, 1_000, 980, 1_000_000, 20), map[string]bool{"rtt_p50": true, "rtt_p99": false, "rtt_p999": false}},
		"nothing measured":                     {times(t), map[string]bool{"rtt_p50": false, "rtt_p99": false, "rtt_p999": false}},
		"no histogram":                         {nil, map[string]bool{"rtt_p50": false, "rtt_p99": false, "rtt_p999": false}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := map[string]bool{}
			for _, v := range Evaluate(limits, bots.Result{Total: bots.Stats{RTT: tt.rtt}}) {
				got[v.Name] = v.Pass
				if v.Name != "tick_rate" {
					require.Equal(t, tt.rtt != nil && tt.rtt.TotalCount() > 0, v.Value != nil)
				}
			}
			tt.want["tick_rate"] = false // there are no pods
			require.Equal(t, tt.want, got)
		})
	}
}

func TestEvaluateTickRate(t *testing.T) {
	t.Parallel()
	pod := func(ticks int64) bots.TargetResult {
		return bots.TargetResult{Stats: bots.Stats{Ticks: ticks, Ticking: 10 * time.Second}}
	}
	tests := map[string]struct {
		pods  []bots.TargetResult
		value float64
		pass  bool
	}{
		"at the limit":                     {[]bots.TargetResult{pod(1195)}, 119.5, true},
		"just below":                       {[]bots.TargetResult{pod(1194)}, 119.4, false},
		"the slowest counts, not the mean": {[]bots.TargetResult{pod(1200), pod(1190), pod(1210)}, 119, false},
		"a pod that was never heard of":    {[]bots.TargetResult{pod(1200), {}}, 0, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := Evaluate(Default(), bots.Result{Targets: tt.pods})[3]
			require.Equal(t, Verdict{Name: "tick_rate", Unit: "1/s", Value: &tt.value, Comparison: ">=", Threshold: 119.5, Pass: tt.pass}, v)
		})
	}
}

func targetsOf(servers ...*clienttest.Server) []Target {
	var targets []Target
	for i, s := range servers {
		targets = append(targets, Target{Pod: "battle-" + string(rune('a'+i)), Node: "local-1", Address: s.Address()})
	}
	return targets
}

var short = Config{Bots: 2, Warmup: 100 * time.Millisecond, Duration: 400 * time.Millisecond, Timeout: 200 * time.Millisecond}

func TestRunReports(t *testing.T) {
	t.Parallel()
	cfg := short
	cfg.Objectives = Objectives{RTTP50: time.Minute, RTTP99: time.Minute, RTTP999: time.Minute, TickRate: 60}
	r, err := Run(context.Background(), cfg, targetsOf(clienttest.Start(t, clienttest.Options{}), clienttest.Start(t, clienttest.Options{})))
	require.NoError(t, err)
	require.True(t, r.Pass)
	require.Equal(t, Conditions{Pods: 2, BotsPerPod: 2, TickRate: 120, WarmupSec: .1, DurationSec: .4, TimeoutSec: .2}, r.Conditions)
	require.Positive(t, r.Machine.Cores)

	var raw bytes.Buffer
	require.NoError(t, r.WriteJSON(&raw))
	var back Report
	require.NoError(t, json.Unmarshal(raw.Bytes(), &back))
	require.Equal(t, r, back)
	require.Contains(t, raw.String(), `"pod": "battle-b"`)

	var table strings.Builder
	r.Table(&table)
	for _, want := range []string{"2 pods, 2 bots each", "battle-a", "local-1", "RTT P999", "< 60000 ms", "pass", ">= 60 1/s"} {
		require.Contains(t, table.String(), want)
	}
	require.NotContains(t, table.String(), "miss")
}

func TestRunTellsOfAMiss(t *testing.T) {
	t.Parallel()
	// A delay beyond P50's limit, and one pod of two that stands still.
	slow, dead := clienttest.Start(t, clienttest.Options{Delay: 30 * time.Millisecond}), clienttest.Start(t, clienttest.Options{Delay: 30 * time.Millisecond})
	dead.Stall(time.Hour)
	r, err := Run(context.Background(), short, targetsOf(slow, dead))
	require.NoError(t, err)
	require.False(t, r.Pass)
	for _, v := range r.Verdicts {
		require.False(t, v.Pass, v.Name)
	}
	require.Zero(t, *r.Verdicts[3].Value, "the slowest pod counts, not the mean")
	require.Equal(t, r.Pods[1].InputsScheduled, r.Pods[1].InputsLost)
	var table strings.Builder
	r.Table(&table)
	require.Contains(t, table.String(), "miss")
	require.NotContains(t, table.String(), "pass")
}

func TestRunFails(t *testing.T) {
	t.Parallel()
	_, err := Run(context.Background(), Config{}, nil)
	require.EqualError(t, err, "measure objectives: bots: targets: none given")
	_, err = Run(context.Background(), Config{Objectives: Objectives{RTTP50: 1}}, nil)
	require.EqualError(t, err, "objectives: every limit must be more than zero")
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	calm := times(t, 100, 1000)
	tests := map[string]struct {
		result bots.Result
		want   string
	}{
		"none":        {bots.Result{Lateness: times(t, 100, 9_995, 9_000, 5)}, ""},
		"late bots":   {bots.Result{Lateness: times(t, 100, 980, 3_500, 20)}, "1% of the inputs were sent 3.5 ms or more after their time"},
		"stalls":      {bots.Result{Lateness: times(t, 100, 995, 9_000, 5)}, "0.1% of the inputs were sent 9.0 ms or more after their time"},
		"a busy host": {bots.Result{Lateness: calm, Stolen: 0.0123}, "the host of the bots' machine has taken 1.2% of its processor time away"},
		"a calm host": {bots.Result{Lateness: calm, Stolen: 0.01}, ""},
		"failures":    {bots.Result{Lateness: calm, Total: bots.Stats{SendsFailed: 3}}, "3 inputs could not be sent"},
		"forged acks": {bots.Result{Lateness: calm, Total: bots.Stats{BadAcks: 2}}, "2 snapshots acknowledged inputs that were never sent"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(warnings(tt.result), "\n")
			if tt.want == "" {
				require.Empty(t, got)
			}
			require.Contains(t, got, tt.want)
		})
	}
}

func TestCPUModel(t *testing.T) {
	t.Parallel()
	require.Equal(t, "A: fast one", cpuModel([]byte("processor\t: 0\nmodel name\t: A: fast one\nmodel name\t: other\n")))
	require.Empty(t, cpuModel([]byte("Processor: arm\n")))
}

func TestMemTotal(t *testing.T) {
	t.Parallel()
	require.Equal(t, int64(2048<<10), memTotal([]byte("MemFree:  1 kB\nMemTotal:       2048 kB\n")))
	require.Zero(t, memTotal([]byte("MemTotal: much\n")))
	require.Zero(t, memTotal(nil))
}
