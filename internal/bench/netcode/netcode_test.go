package netcode

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/loopback"
)

// What the document claims is measured here too, on a shorter battle.
func TestLinks(t *testing.T) {
	t.Parallel()
	l, err := measureLink("lossy", loopback.Config{Delay: 3, Loss: 50}, 20)
	require.NoError(t, err)
	require.LessOrEqual(t, l.Ratio, maxRatio)
	require.LessOrEqual(t, l.MedianBytes, maxMedian)
	require.NotZero(t, l.LostOnce)
	require.LessOrEqual(t, float64(l.Lost), maxLostRatio*float64(l.LostOnce))
	require.NotZero(t, l.Checked)
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := Report{Command: "arena bench netcode", Quick: true, Links: []Link{
		{Name: "good", MedianBytes: 20, P99Bytes: 40, MedianWhole: 200, Ratio: 0.1, Inputs: 100},
		{Name: "bad", MedianBytes: 201, P99Bytes: 400, MedianWhole: 400, Ratio: 0.5, Inputs: 100, LostOnce: 50, Lost: 1},
	}}
	c := &r.Compute
	c.Rounds, c.Runtime = 2, "a runtime"
	require.NoError(t, c.take(&c.Native, `{"Rooms":60,"Ticks":10,"Mean":4000,"P99":5000,"Clock":"processor time"}`))
	require.NoError(t, c.take(&c.Native, `{"Rooms":60,"Ticks":10,"Mean":3000,"P99":6000,"Clock":"processor time"}`))
	require.NoError(t, c.take(&c.Native, `{"Rooms":60,"Ticks":10,"Mean":3500,"P99":4000,"Clock":"processor time"}`))
	require.NoError(t, c.take(&c.Wasm, `{"Rooms":60,"Ticks":10,"Mean":6000,"P99":9001,"Allocations":1,"Clock":"wall time"}`))
	require.ErrorContains(t, c.take(&c.Wasm, "nothing"), "read what tickbench printed")
	require.EqualValues(t, 3000, c.Native.Mean, "the round with the least mean counts")
	var b bytes.Buffer
	r.Markdown(&b)
	for _, want := range []string{
		"| good | 20 B | 40 B | 200 B | 0.100 | pass | pass |", "| bad | 201 B | 400 B | 400 B | 0.500 | miss | miss |",
		"| bad | 100 | 50 | 1 | 0.0200 | miss |", "| P99 | 6.00 µs | 9.00 µs | 1.50 | miss |", "| heap allocations per tick of all rooms | 0 | 1 |  | miss |",
		"quick run", "the native side counts processor time, the Wasm side wall time",
	} {
		require.Contains(t, b.String(), want)
	}
}
