package netcode

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
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
	r.Sockets = Sockets{Rooms: 6, Seconds: 10, Native: Pod{RoomTick: 50, OnTime: 0.5, P50: 4, P99: 9}, Wasm: &Pod{RoomTick: 150, OnTime: 1, P50: 4, P99: 8, SentLate: 3}}
	var b bytes.Buffer
	r.Markdown(&b)
	r.Sockets.Wasm = nil
	require.Contains(t, r.Sockets.section().Rows[0][2], "not measured")
	for _, want := range []string{
		"| good | 20 B | 40 B | 200 B | 0.100 | pass | pass |", "| bad | 201 B | 400 B | 400 B | 0.500 | miss | miss |",
		"| bad | 100 | 50 | 1 | 0.0200 | miss |", "| P99 | 6.00 µs | 9.00 µs | 1.50 | miss |", "| heap allocations per tick of all rooms | 0 | 1 |  | miss |",
		"| processor time of a room's tick | 50.0 µs | 150.0 µs | 3.00 |", "| rooms per core at 120 Hz | 167 | 56 | 0.33 |", "| rooms per core as required | pass | miss |  |",
		"late: the machine is short of processor", "quick run", "the native side counts processor time, the Wasm side wall time",
	} {
		require.Contains(t, b.String(), want)
	}
}

// TestSockets plays on a native server for a moment.
func TestSockets(t *testing.T) {
	t.Setenv("PATH", withoutWasmEdge(t))
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	s, err := measureSockets(context.Background(), Config{Root: root, Quick: true, Log: io.Discard})
	require.NoError(t, err)
	require.Nil(t, s.Wasm)
	require.Positive(t, s.Native.RoomTick)
	require.Positive(t, s.Native.P50)
}

// withoutWasmEdge is PATH without the places that have WasmEdge, whose compiler takes a minute.
func withoutWasmEdge(t *testing.T) string {
	t.Helper()
	var kept []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, "wasmedge")); err != nil {
			kept = append(kept, dir)
		}
	}
	return strings.Join(kept, string(filepath.ListSeparator))
}
