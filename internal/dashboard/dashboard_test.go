package dashboard

import (
	"context"
	"errors"
	"flag"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func span() Span {
	to := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	return Span{From: to.Add(-time.Minute), To: to, Step: 15 * time.Second}
}

// fake answers queries by their text.
type fake map[string]Answer

func (f fake) Range(_ context.Context, expr string, _ Span) (Answer, error) {
	a, ok := f["range "+expr]
	if !ok {
		return a, errors.New("nobody asked for range " + expr)
	}
	return a, nil
}

func (f fake) Instant(_ context.Context, expr string, _ Span) (Answer, error) {
	a, ok := f["now "+expr]
	if !ok {
		return a, errors.New("nobody asked for now " + expr)
	}
	return a, nil
}

// over are points a step apart, the last at the end; a NaN is a gap.
func over(s Span, values ...float64) (points []Point) {
	for i, v := range values {
		if !math.IsNaN(v) {
			points = append(points, Point{At: s.To.Add(-time.Duration(len(values)-1-i) * s.Step), Value: v})
		}
	}
	return points
}

const board = `{"title": "A city", "description": "What it does.", "panels": [
	{"type": "row", "title": "Now", "gridPos": {"h": 1, "w": 24, "x": 0, "y": 0}},
	{"type": "timeseries", "title": "RTT", "description": "How long.", "gridPos": {"h": 8, "w": 12, "x": 0, "y": 1}, "fieldConfig": {"defaults": {"unit": "s"}},
		"targets": [{"refId": "A", "expr": "rtt{city=~\"$city\"}[$__rate_interval]", "legendFormat": "{{pod}} <b>"}]},
	{"type": "stat", "title": "Players", "description": "How many.", "gridPos": {"h": 4, "w": 4, "x": 12, "y": 1}, "targets": [{"refId": "A", "expr": "players", "instant": true, "legendFormat": "players"}]},
	{"type": "table", "title": "Promises", "description": "Which.", "gridPos": {"h": 4, "w": 8, "x": 16, "y": 1},
		"transformations": [{"id": "merge"}, {"id": "organize", "options": {"renameByName": {"Value #A": "Bad", "objective": "Promise"}}}], "targets": [
		{"refId": "A", "expr": "bad", "instant": true}, {"refId": "B", "expr": "spent", "instant": true}]},
	{"type": "heatmap", "title": "Ticks", "description": "How late.", "gridPos": {"h": 8, "w": 12, "x": 0, "y": 9}, "targets": [{"refId": "A", "expr": "ticks", "legendFormat": "{{le}}"}]},
	{"type": "logs", "title": "Lines", "description": "What was said.", "gridPos": {"h": 8, "w": 12, "x": 12, "y": 9}, "targets": [
		{"refId": "A", "expr": "{room=\"$room\"}", "datasource": {"type": "loki"}}]},
	{"type": "timeseries", "title": "Nothing", "description": "Never.", "gridPos": {"h": 8, "w": 24, "x": 0, "y": 17}, "targets": [{"refId": "A", "expr": "none"}]}]}`

func TestDrawGolden(t *testing.T) {
	t.Parallel()
	s := span()
	prometheus := fake{
		`range rtt{city=~".*"}[1m0s]`: {Series: []Series{
			{Labels: map[string]string{"pod": "b"}, Points: over(s, .004, math.NaN(), math.NaN(), .012)},
			{Labels: map[string]string{"pod": "a"}, Points: over(s, .005, .006, .0055, .02)},
		}},
		"now players": {Series: []Series{{Points: over(s, 1234)}}},
		"now bad":     {Series: []Series{{Labels: map[string]string{"objective": "rtt-p99"}, Points: over(s, .25)}}},
		"now spent":   {Series: []Series{{Labels: map[string]string{"objective": "rtt-p99"}, Points: over(s, 2)}, {Labels: map[string]string{"objective": "rtt-p50"}, Points: over(s, 0)}}},
		"range ticks": {Series: []Series{{Labels: map[string]string{"le": "+Inf"}, Points: over(s, 9, 5)}, {Labels: map[string]string{"le": "0.001"}, Points: over(s, 9, 4)}}},
		"range none":  {},
	}
	loki := fake{`range {room="7"}`: {Lines: []Line{{At: s.From, Text: "first"}, {At: s.To, Text: `{"msg": "<script>"}`}}}}
	b, err := Parse(board)
	require.NoError(t, err)
	var page strings.Builder
	require.NoError(t, Draw(t.Context(), &page, b, Sources{Prometheus: prometheus, Loki: loki}, map[string]string{"city": ".*", "room": "7"}, s))
	require.NotContains(t, page.String(), "<script>", "what a log says is no markup")
	require.NotContains(t, page.String(), "a <b>")
	file := filepath.Join("testdata", "page.html")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(page.String()), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), page.String(), "go test ./internal/dashboard -update writes it anew")

	delete(prometheus, "now players")
	delete(prometheus, "range none")
	err = Draw(t.Context(), &page, b, Sources{Prometheus: prometheus, Loki: loki}, map[string]string{"city": ".*", "room": "7"}, s)
	require.EqualError(t, err, "draw dashboard A city: panel \"Players\": nobody asked for now players\npanel \"Nothing\": nobody asked for range none")
}

func TestParse(t *testing.T) {
	t.Parallel()
	_, err := Parse(`{"title": "A", "panels": [{"type": "piechart", "title": "B"}]}`)
	require.EqualError(t, err, `read dashboard A: panel "B": there is no way to draw a "piechart"`)
	_, err = Parse(`{`)
	require.ErrorContains(t, err, "read dashboard: ")
}

func TestExpand(t *testing.T) {
	t.Parallel()
	variables := map[string]string{"pod": "a", "podless": "b"}
	require.Equal(t, "x{p='a',q='b',r='a'}[1m0s] y[1m0s] 15s", Expand("x{p='$pod',q='$podless',r='${pod}'}[$__rate_interval] y[$__range] $__interval", variables, span()))
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value float64
		unit  string
		want  string
	}{
		{0, "s", "0 s"}, {.00001234, "s", "12.3 µs"}, {.0123, "s", "12.3 ms"}, {1.5, "s", "1.5 s"}, {3661, "s", "1h1m1s"},
		{.9999, "percentunit", "100 %"}, {.123, "percentunit", "12.3 %"}, {1 << 20, "bytes", "1 MiB"}, {1500, "Bps", "1.5 kB/s"},
		{1200, "ops", "1.2 k/s"}, {120, "hertz", "120 Hz"}, {1, "bool_yes_no", "yes"}, {0, "bool_yes_no", "no"}, {12345, "none", "12.3 k"}, {-3, "", "-3"},
	} {
		require.Equal(t, tt.want, format(tt.value, tt.unit))
	}
}

func TestAPI(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers := map[string]string{
			"up":      `{"data": {"resultType": "vector", "result": [{"metric": {"job": "a"}, "value": [1767323040.5, "1"]}, {"metric": {"job": "b"}, "value": [1767323040, "NaN"]}]}}`,
			"rate":    `{"data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1767323025, "2"], [1767323040, "+Inf"]]}]}}`,
			"1":       `{"data": {"resultType": "scalar", "result": [1767323040, "1"]}}`,
			`{a="b"}`: `{"data": {"resultType": "streams", "result": [{"stream": {"a": "b"}, "values": [["1767323040000000001", "hello", {}]]}]}}`,
			"odd":     `{"data": {"resultType": "string", "result": [1, "x"]}}`,
		}
		answer, ok := answers[r.FormValue("query")]
		if !ok {
			http.Error(w, "parse error", http.StatusBadRequest)
			return
		}
		require.True(t, r.URL.Path == "/api/v1/query" && r.FormValue("time") == "1767323040.000" ||
			r.URL.Path == "/api/v1/query_range" && r.FormValue("start") == "1767322980.000" && r.FormValue("step") == "15", r.URL)
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	api := API{URL: server.URL + "/api/v1"}
	at := span().To
	got, err := api.Instant(t.Context(), "up", span())
	require.NoError(t, err)
	require.Equal(t, Answer{Series: []Series{{Labels: map[string]string{"job": "a"}, Points: []Point{{at.Add(500 * time.Millisecond), 1}}}}}, got, "what is no number is no point")
	got, err = api.Range(t.Context(), "rate", span())
	require.NoError(t, err)
	require.Equal(t, Answer{Series: []Series{{Labels: map[string]string{}, Points: []Point{{at.Add(-15 * time.Second), 2}}}}}, got)
	got, err = api.Instant(t.Context(), "1", span())
	require.NoError(t, err)
	require.Equal(t, []Point{{at, 1}}, got.Series[0].Points)
	got, err = api.Range(t.Context(), `{a="b"}`, span())
	require.NoError(t, err)
	require.Equal(t, []Line{{at.Add(1), map[string]string{"a": "b"}, "hello"}}, got.Lines)
	_, err = api.Instant(t.Context(), "odd", span())
	require.EqualError(t, err, `query odd: read the answer: it is a "string"`)
	_, err = api.Instant(t.Context(), "what", span())
	require.EqualError(t, err, "query what: 400 Bad Request: parse error\n")
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2"]]}]}}`))
	f.Add([]byte(`{"data": {"resultType": "streams", "result": [{"stream": {}, "values": [["1", "hello"]]}]}}`))
	f.Add([]byte(`{"data": {"resultType": "scalar", "result": [1, "NaN"]}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		answer, err := decode(content)
		if err != nil {
			return
		}
		for _, s := range answer.Series {
			for _, p := range s.Points {
				require.False(t, math.IsNaN(p.Value) || math.IsInf(p.Value, 0))
			}
		}
	})
}
