package report

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/fleet"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/modules/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

var taken = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// outcome is what a gate found that measured these percentiles, in ms, and this tick rate.
func outcome(p50, p99, p999, ticks float64) *slo.Outcome {
	below := func(name string, value, limit float64) slo.Verdict {
		return slo.Verdict{Name: name, Unit: "ms", Value: &value, Comparison: "<", Threshold: limit, Pass: value < limit}
	}
	g := &slo.Outcome{
		Started: taken.Add(-time.Hour), Attempts: 1, RTT: slo.Times{P50: p50, P99: p99, P999: p999, Max: p999}, TickRate: ticks,
		Verdicts: []slo.Verdict{
			below("rtt_p50", p50, 10), below("rtt_p99", p99, 20), below("rtt_p999", p999, 50),
			{Name: "tick_rate", Unit: "1/s", Value: &ticks, Comparison: ">=", Threshold: 119.5, Pass: ticks >= 119.5},
		},
		InputsScheduled: 12000, Pass: true,
		Distribution: []slo.Bucket{{UpToMs: p50, Count: 6000}, {UpToMs: p99, Count: 5900}, {UpToMs: p999, Count: 100}},
	}
	for _, v := range g.Verdicts {
		g.Pass = g.Pass && v.Pass
	}
	return g
}

// small has one city of each result.
func small() fleet.Snapshot {
	at := func(lat, lon float64) *config.Location { return &config.Location{Latitude: lat, Longitude: lon} }
	slow := outcome(4, 26, 80, 118)
	slow.Warnings, slow.RolledBackTo, slow.InputsLost = []string{"the bots were late"}, "registry/battle@sha256:12", 60
	return fleet.Snapshot{Taken: taken, Regions: []fleet.RegionStatus{
		{
			Name: "east", Canary: true, State: fleet.Failed, Error: "update failed:\ncity ningbo missed its objectives", Log: "east.log", Seconds: 74.6,
			Waves: []string{"first", "rest"}, Currency: "USD",
			Cities: []fleet.CityStatus{
				{Name: "hangzhou", Wave: "first", Location: at(30.27, 120.16), State: fleet.Done, Nodes: 2, Pods: 20, FreePods: 5, K3s: "v1.30.4+k3s1", WasmEdge: "0.14.1", Gate: outcome(3, 9, 14, 120), Cost: 80, Baseline: 400},
				{Name: "ningbo", Wave: "rest", Location: at(29.87, 121.54), State: fleet.Failed, Error: "gate: 3 of 4 objectives missed", Nodes: 2, Pods: 20, K3s: "v1.30.4+k3s1", WasmEdge: "0.14.1", Gate: slow, Cost: 80, Baseline: 400},
				{Name: "wenzhou", Wave: "rest", Location: at(28.0, 120.67), State: fleet.Failed, Step: "install K3s", Error: "ssh: connection refused", Nodes: 1, Pods: 10, Cost: 40, Baseline: 200},
			},
		},
		{
			Name: "west", State: fleet.Stopped, Waves: []string{"all"}, Currency: "USD",
			Cities: []fleet.CityStatus{
				{Name: "chengdu", Wave: "all", Location: at(30.66, 104.07), State: fleet.Owed, Nodes: 3, Pods: 30, FreePods: 2, Cost: 1120, Baseline: 1600, Owed: &fleet.Debt{Since: taken.Add(-48 * time.Hour), Reason: "node cd-2: connection timed out"}, Gate: outcome(5, 12, 22, 119.9)},
				{Name: "lhasa", Wave: "all", State: fleet.Untouched, Nodes: 1, Pods: 5, Cost: 40, Baseline: 100},
				{Name: "xian", Wave: "all", Location: at(34.34, 108.94), State: fleet.Running, Step: "gate", Nodes: 1, Pods: 5, Cost: 40, Baseline: 100},
			},
		},
	}}
}

func render(t *testing.T, s fleet.Snapshot, o Options) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, Write(&b, s, o))
	requireBalanced(t, b.String())
	return b.String()
}

// requireBalanced fails where an element is not closed, or closed by another.
func requireBalanced(t *testing.T, html string) {
	t.Helper()
	html = regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAllString(html, "")
	html = regexp.MustCompile(`<(meta|link|input)\b([^>]*)>`).ReplaceAllString(html, "<$1$2/>")
	d := xml.NewDecoder(strings.NewReader(html))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	got := render(t, small(), Options{Title: "Fleet of the test", GeneratedBy: "arena fleet report"})
	// The style and the coast are files of their own.
	got = regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAllString(got, "<style></style>")
	got = regexp.MustCompile(`(class="land"[^>]* d=)"[^"]*"`).ReplaceAllString(got, `$1""`)
	file := filepath.Join("testdata", "small.html")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "go test ./internal/fleet/report -update writes it anew")
}

func TestNamesAndErrorsAreEscaped(t *testing.T) {
	t.Parallel()
	const hostile = `</title></svg></style><script>alert("1")</script><img src=x onerror=alert(1)> ' " & {{.}}`
	s := small()
	gate := outcome(30, 40, 60, 1)
	gate.Verdicts = append(gate.Verdicts, slo.Verdict{Name: hostile, Unit: hostile, Comparison: hostile})
	gate.RolledBackTo, gate.Warnings = hostile, []string{hostile}
	r := &s.Regions[0]
	r.Name, r.Error, r.Log, r.Currency, r.State, r.Waves = hostile, hostile, hostile, hostile, hostile, []string{hostile}
	for i := range r.Cities {
		c := &r.Cities[i]
		c.Name, c.Wave, c.Step, c.Error, c.K3s, c.WasmEdge, c.Gate = hostile, hostile, hostile, hostile, hostile, hostile, gate
		c.Owed = &fleet.Debt{Reason: hostile}
	}
	r.Cities[0].Location, r.Cities[1].Owed, r.Cities[2].State = nil, nil, fleet.State(hostile)
	html := render(t, s, Options{Title: hostile, GeneratedBy: hostile})
	require.NotContains(t, html, "<script")
	require.NotContains(t, html, "<img")
	require.NotContains(t, html, "[[") // html/template's mark of a value that it refused
	require.NotContains(t, html, "ZgotmplZ")
	require.Equal(t, 1, strings.Count(html, "</title></head>")+strings.Count(html, "</title>\n<style>"))
	require.Contains(t, html, "&lt;script&gt;alert(&#34;1&#34;)")
	require.Equal(t, 1, strings.Count(html, "</style>"))
}

func TestNothingIsLoaded(t *testing.T) {
	t.Parallel()
	html := render(t, small(), Options{})
	require.Contains(t, html, `content="default-src 'none';`)
	require.NotRegexp(t, `https?://|<script|@import|url\(`, html)
}

func TestEmptySnapshot(t *testing.T) {
	t.Parallel()
	html := render(t, fleet.Snapshot{}, Options{})
	for _, want := range []string{
		"<h1>Fleet report</h1>", "<b>0</b> <span>regions</span>", "No city says where it lies.", "There is no region.", "As of <time>–</time>",
	} {
		require.Contains(t, html, want)
	}
	require.NotContains(t, html, "<footer>")
	require.NotContains(t, html, "cost a month")
}

func TestCityWithoutGate(t *testing.T) {
	t.Parallel()
	html := render(t, fleet.Snapshot{Regions: []fleet.RegionStatus{{
		Name: "south", Waves: []string{"all"}, Cities: []fleet.CityStatus{{Name: "guangzhou", State: fleet.Done, Nodes: 1, Pods: 4}},
	}}}, Options{})
	require.Contains(t, html, "Not measured: guangzhou")
	require.Contains(t, html, "guangzhou</a>, south: no result yet") // though it has no location
	require.NotContains(t, html, "<figure>")
	row := regexp.MustCompile(`<tr class="city.*</tr>`).FindString(html)
	require.Equal(t, 4, strings.Count(row, `<td class="number">–</td>`), "three times and a rate are unknown")
}

func TestCurrenciesDoNotAddUp(t *testing.T) {
	t.Parallel()
	s := small()
	s.Regions[1].Currency = "CNY"
	html := render(t, s, Options{})
	require.Contains(t, html, `<th scope="row">All in CNY</th><td class="number">5</td><td class="number">40</td><td class="number">2</td><td class="number">1,200 CNY</td>`)
	require.Contains(t, html, `<th scope="row">All in USD</th><td class="number">5</td><td class="number">50</td><td class="number">5</td><td class="number">200 USD</td>`)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteReportsThatItCannotWrite(t *testing.T) {
	t.Parallel()
	require.EqualError(t, Write(broken{}, small(), Options{}), "write fleet report: disk full")
}

func TestResultOf(t *testing.T) {
	t.Parallel()
	held, slow := outcome(1, 2, 3, 120), outcome(30, 40, 60, 120)
	tests := map[string]struct {
		city fleet.CityStatus
		want result
	}{
		"held":                       {fleet.CityStatus{State: fleet.Done, Gate: held}, pass},
		"missed":                     {fleet.CityStatus{State: fleet.Failed, Gate: slow}, miss},
		"missed yet done":            {fleet.CityStatus{State: fleet.Done, Gate: slow}, miss},
		"failed before the gate":     {fleet.CityStatus{State: fleet.Failed}, failed},
		"failed after an old gate":   {fleet.CityStatus{State: fleet.Failed, Gate: held}, failed},
		"owed":                       {fleet.CityStatus{State: fleet.Owed, Gate: held}, owed},
		"owed by its debt":           {fleet.CityStatus{State: fleet.Done, Gate: held, Owed: &fleet.Debt{}}, owed},
		"running after an old gate":  {fleet.CityStatus{State: fleet.Running, Gate: held}, pending},
		"done without a gate":        {fleet.CityStatus{State: fleet.Done}, pending},
		"untouched with an old gate": {fleet.CityStatus{State: fleet.Untouched, Gate: slow}, untouched},
		"nothing known":              {fleet.CityStatus{}, untouched},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, resultOf(&tt.city))
		})
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	tests := map[string][2]string{
		"small time": {"3.14", millis(3.14159)}, "time": {"31.4", millis(31.4159)}, "long time": {"314", millis(314.159)},
		"money": {"1,234,568", money(1234567.8)}, "little money": {"0", money(.2)}, "debt": {"−1,000", money(-1000)}, "hundreds": {"999", money(999)},
		"saved": {"75%", saved(100, 400)}, "dearer": {"−50%", saved(150, 100)}, "no baseline": {"–", saved(1, 0)},
		"duration": {"1m15s", took(74.6)}, "no time": {"–", when(time.Time{})}, "one": {"1 pod", plural(1, "pod", "pods")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt[0], tt[1])
		})
	}
}
