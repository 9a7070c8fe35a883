package chaos

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/players"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		battles map[string]fate
		held    map[string]int
		want    Report
		missing int
		err     string
	}{
		"all recorded": {
			battles: map[string]fate{"a": {over: true, recorded: true}, "b": {over: true}, "c": {}},
			held:    map[string]int{"a": 1, "b": 1, "of-others": 1},
			want:    Report{Recorded: 1, InLedger: 2},
		},
		"one lost": {
			battles: map[string]fate{"a": {over: true, recorded: true}},
			want:    Report{Recorded: 1, Lost: []string{"a"}}, missing: 1,
			err: "1 recorded battles are not in the ledger: [a]",
		},
		"one that died with its pod before it was recorded": {
			battles: map[string]fate{"a": {over: true}},
			want:    Report{Recorded: 1, Unrecorded: 1}, missing: 1,
		},
		"one that is there twice": {
			battles: map[string]fate{"a": {over: true, recorded: true}},
			held:    map[string]int{"a": 2},
			want:    Report{Recorded: 1, InLedger: 1, Double: []string{"a"}},
			err:     "1 battles are in the ledger more than once: [a]",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &run{battles: tt.battles, report: Report{Recorded: 1}}
			require.Equal(t, tt.missing, r.compare(tt.held))
			require.Equal(t, tt.want, r.report)
			if tt.err == "" {
				require.NoError(t, r.report.Err())
				return
			}
			require.EqualError(t, r.report.Err(), tt.err)
		})
	}
}

func TestARunThatProvesNothingFails(t *testing.T) {
	t.Parallel()
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer full.Close()
	kills := 0
	cfg := Config{
		Lobby: players.Lobby{URL: full.URL}, Token: func(string) (string, error) { return "t", nil }, Players: 1,
		Kills: 3, Ways: []Kill{{Name: "it", Weight: 1, Do: func(context.Context) error { kills++; return nil }}}, Pause: time.Millisecond,
		Ledger: func(context.Context) (map[string]int, error) { return map[string]int{}, nil }, Log: io.Discard,
	}
	report, err := Run(context.Background(), cfg)
	require.NoError(t, err)
	require.Equal(t, 3, kills)
	require.Equal(t, map[string]int{"it": 3}, report.Kills)
	require.Positive(t, report.Refused)
	require.EqualError(t, report.Err(), "no battle was recorded: nothing is proven")

	cfg.Ways[0].Do = func(context.Context) error { return errors.New("it would not die") }
	_, err = Run(context.Background(), cfg)
	require.EqualError(t, err, "kill 1, it: it would not die")
}
