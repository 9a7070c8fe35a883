package slo

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDistribution(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		valueAndCount []int64
		want          []Bucket
	}{
		"nothing measured":                   {nil, nil},
		"bounds are round":                   {[]int64{100, 3, 200, 1, 9_000, 5, 19_500, 2}, []Bucket{{.2, 4}, {10, 5}, {20, 2}}},
		"neighbors share a bucket":           {[]int64{8_100, 3, 8_900, 1}, []Bucket{{9, 4}}},
		"what is at a limit is not below it": {[]int64{9_990, 1, 10_000, 1}, []Bucket{{10, 1}, {11.2, 1}}},
		"lost inputs, up to the longest":     {[]int64{1_000, 1, 1_500_000, 2, 3_000_000, 1}, []Bucket{{1, 1}, {3000.319, 3}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, distributionOf(times(t, tt.valueAndCount...)))
		})
	}
}

func TestDistributionIsShort(t *testing.T) {
	t.Parallel()
	var spread []int64
	for us := int64(1); us < time.Minute.Microseconds(); us += us/50 + 1 {
		spread = append(spread, us, 2)
	}
	h := times(t, spread...)
	got := distributionOf(h)
	require.LessOrEqual(t, len(got), mostBuckets)
	require.Greater(t, len(got), mostBuckets/2)
	var sum int64
	for i, b := range got {
		sum += b.Count
		if i > 0 {
			require.Greater(t, b.UpToMs, got[i-1].UpToMs)
		}
	}
	require.Equal(t, h.TotalCount(), sum)
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	value := 25.5
	r := Report{
		Started: time.Unix(1_700_000_000, 0).UTC(), Verdicts: []Verdict{{Name: "rtt_p99", Unit: "ms", Value: &value, Comparison: "<", Threshold: 20}},
		Conditions: Conditions{Pods: 2}, Warnings: []string{"late"}, Total: Measured{RTT: Times{Count: 9, P99: 25.5}, InputsScheduled: 10, InputsLost: 1},
		Pods: []Pod{{Measured: Measured{TickRate: 120}}, {Measured: Measured{TickRate: 118}}}, Distribution: []Bucket{{UpToMs: 28, Count: 9}},
	}
	want := Outcome{
		Subject: "abc", Image: "battle@sha256:1", Started: r.Started, Attempts: 2, Verdicts: r.Verdicts, Conditions: r.Conditions,
		RTT: r.Total.RTT, TickRate: 118, InputsScheduled: 10, InputsLost: 1, Distribution: r.Distribution, Warnings: []string{"late"},
	}
	got := NewOutcome("abc", "battle@sha256:1", 2, r)
	require.Equal(t, want, got)

	content, err := json.Marshal(got)
	require.NoError(t, err)
	back, err := ReadOutcome(content)
	require.NoError(t, err)
	require.Equal(t, &want, back)
}

func TestReadOutcome(t *testing.T) {
	t.Parallel()
	none, err := ReadOutcome(nil)
	require.NoError(t, err)
	require.Nil(t, none)
	_, err = ReadOutcome([]byte("{"))
	require.EqualError(t, err, "read a gate's outcome: unexpected end of JSON input")
}
