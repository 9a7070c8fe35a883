package results

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

func id(n int) string { return fmt.Sprintf("%032x", n) }

// sample is the result of battle n.
func sample(n int) report.Result {
	return report.Result{
		Battle: id(n), Pod: "real-time-battle-7d4b9c-x2x4z", Run: "00000000000000ff", Room: 15, Outcome: report.Finished,
		StartedAt: 1_800_000_000_000, EndedAt: 1_800_000_300_000, Ticks: 36_000, TickRate: 120,
		Players: []report.Score{{Player: id(1000), Points: 3}, {Player: id(1001), Points: -1, Left: true}},
	}
}

func payload(t testing.TB, r report.Result) []byte {
	b, err := json.Marshal(r)
	require.NoError(t, err)
	return b
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*report.Result)
		want   string // the error; empty is none
	}{
		"as it comes":                {func(*report.Result) {}, ""},
		"nobody":                     {func(r *report.Result) { r.Players = nil }, ""},
		"a clock that was put right": {func(r *report.Result) { r.EndedAt = r.StartedAt - 1 }, ""},
		"the same player twice":      {func(r *report.Result) { r.Players = append(r.Players, r.Players[0]) }, ""},
		"most players":               {func(r *report.Result) { r.Players = make40(40) }, ""},
		"drained":                    {func(r *report.Result) { r.Outcome, r.Ticks = report.Drained, 0 }, ""},
		"no battle":                  {func(r *report.Result) { r.Battle = "" }, "battle: identity must be 32 hexadecimal digits"},
		"a battle of bots":           {func(r *report.Result) { r.Battle = id(0) }, "battle: is that of bots that measure"},
		"no pod":                     {func(r *report.Result) { r.Pod = "" }, "pod: must be a name of lower-case letters, digits, dots and hyphens"},
		"a pod with a line":          {func(r *report.Result) { r.Pod = "a\nb" }, "pod: must be a name of lower-case letters, digits, dots and hyphens"},
		"a pod's name too long":      {func(r *report.Result) { r.Pod = strings.Repeat("a", 254) }, "pod: must be a name of lower-case letters, digits, dots and hyphens"},
		"no run":                     {func(r *report.Result) { r.Run = "" }, "run: must be 16 hexadecimal digits"},
		"a run with a sign":          {func(r *report.Result) { r.Run = "+00000000000000f" }, "run: must be 16 hexadecimal digits"},
		"a room below":               {func(r *report.Result) { r.Room = -1 }, "room: must be 0 to 65534, not -1"},
		"any room":                   {func(r *report.Result) { r.Room = ticket.AnyRoom }, "room: must be 0 to 65534, not 65535"},
		"no outcome":                 {func(r *report.Result) { r.Outcome = "" }, "outcome: must be finished, abandoned or drained"},
		"lost":                       {func(r *report.Result) { r.Outcome = "lost" }, "outcome: must be finished, abandoned or drained"},
		"no start":                   {func(r *report.Result) { r.StartedAt = 0 }, "startedAt: must be 1 to 7258118400000, not 0"},
		"an end in µs":               {func(r *report.Result) { r.EndedAt *= 1000 }, "endedAt: must be 1 to 7258118400000, not 1800000300000000"},
		"ticks below":                {func(r *report.Result) { r.Ticks = -1 }, "ticks: must be 0 to 2147483647, not -1"},
		"no tick rate":               {func(r *report.Result) { r.TickRate = 0 }, "tickRate: must be 1 to 1000, not 0"},
		"too many players":           {func(r *report.Result) { r.Players = make40(41) }, "players: are 41, more than 40"},
		"no player":                  {func(r *report.Result) { r.Players[1].Player = "Ann" }, "players[1].player: identity must be 32 hexadecimal digits"},
		"points too many": {func(r *report.Result) { r.Players[1].Points = 1 << 40 },
			"players[1].points: must be -2147483647 to 2147483647, not 1099511627776"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := sample(7)
			tc.change(&want)
			got, err := Parse(payload(t, want))
			if tc.want != "" {
				require.EqualError(t, err, tc.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func make40(n int) (players []report.Score) {
	for i := range n {
		players = append(players, report.Score{Player: id(i + 1)})
	}
	return players
}

func TestParseJSON(t *testing.T) {
	t.Parallel()
	good := string(payload(t, sample(0xabc)))
	upper := strings.Replace(good, id(0xabc), strings.ToUpper(id(0xabc)), 1)
	got, err := Parse([]byte(upper))
	require.NoError(t, err)
	require.Equal(t, sample(0xabc), got)
	got, err = Parse([]byte(`{"new":{"a":[1]},` + good[1:]))
	require.NoError(t, err)
	require.Equal(t, sample(0xabc), got)

	for name, tc := range map[string]struct{ text, want string }{
		"nothing":      {"", "is not the JSON of a result: unexpected end of JSON input"},
		"null":         {"null", "battle: identity must be 32 hexadecimal digits"},
		"a list":       {"[]", "is not the JSON of a result: json: cannot unmarshal array"},
		"cut off":      {good[:len(good)-1], "unexpected end of JSON input"},
		"twice":        {good + good, "invalid character '{' after top-level value"},
		"a fraction":   {strings.Replace(good, `"room":15`, `"room":1.5`, 1), "cannot unmarshal number 1.5"},
		"a text":       {strings.Replace(good, `"room":15`, `"room":"15"`, 1), "cannot unmarshal string"},
		"out of range": {strings.Replace(good, `"room":15`, `"room":99999999999999999999`, 1), "cannot unmarshal number 99999999999999999999"},
		"too long":     {good + strings.Repeat(" ", maxPayload), "more than 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(tc.text))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(payload(f, sample(1)))
	f.Add([]byte(`{"battle":"` + strings.ToUpper(id(0xabcdef)) + `"}`))
	f.Add([]byte(`{"players":[null,{}],"ROOM":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err != nil {
			require.Zero(t, r)
			return
		}
		// What is taken can be stored and found, and reads the same again.
		again, err := Parse(payload(t, r))
		require.NoError(t, err)
		require.Equal(t, r, again)
		b, err := ticket.ParseID(r.Battle)
		require.NoError(t, err)
		require.Equal(t, r.Battle, b.String())
		require.NotZero(t, b)
		require.LessOrEqual(t, len(r.Players), report.MaxPlayers)
	})
}
