package journal

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

func TestLines(t *testing.T) {
	t.Parallel()
	j := New("north/beijing", "battle-1")
	at := time.Date(2028, 2, 29, 23, 59, 58, 7e6, time.UTC)
	j.Info(at.UnixMilli(), "player joined").Number("room", 3).ID("battle", &ticket.ID{0: 0xAB}).ID("player", &ticket.ID{}).End()
	j.Error(at.UnixMilli(), "no \"good\"\n\\").Text("reason", "").End()
	require.Equal(t, `{"time":"2028-02-29T23:59:58.007Z","level":"INFO","msg":"player joined","city":"north/beijing","pod":"battle-1","room":3,"battle":"ab000000000000000000000000000000"}
{"time":"2028-02-29T23:59:58.007Z","level":"ERROR","msg":"no \"good\"\u000a\\","city":"north/beijing","pod":"battle-1"}
`, string(j.Pending()))
	for line := range bytes.Lines(j.Pending()) {
		require.True(t, json.Valid(line), string(line))
	}
	j.Clear()
	require.Empty(t, j.Pending())
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for ms := int64(0); ms < 4e12; ms += 86400000*13 + 12345678 {
		require.Equal(t, time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z"), string(appendTime(nil, ms)))
	}
}

func TestWhatDoesNotFitIsDropped(t *testing.T) {
	t.Parallel()
	j := New("", "")
	for range 1000 {
		j.Info(0, strings.Repeat("x", 100)).End()
	}
	require.LessOrEqual(t, len(j.Pending()), room)
	require.EqualValues(t, 1000-bytes.Count(j.Pending(), []byte("\n")), j.Dropped())
	require.NotZero(t, j.Dropped())
	j.Clear()
	j.Info(0, "again").End()
	require.Contains(t, string(j.Pending()), "again")
}

func TestNothingAllocates(t *testing.T) {
	j := New("a", "b")
	id := ticket.ID{1}
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		j.Warn(1.7e12, "player left").Number("room", 9).ID("player", &id).Text("reason", "idle").End()
		j.Clear()
	}))
}
