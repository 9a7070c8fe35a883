package bench

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/bench/chart"
	"github.com/edge-arena/edge-arena/internal/bench/ticks"
	"github.com/edge-arena/edge-arena/internal/slo"
)

var update = flag.Bool("update", false, "write the golden files anew")

func report() *Report {
	times := func(scale float64) Times {
		return Times{Count: 10, Min: scale, P50: 2 * scale, P99: 3 * scale, P999: 4 * scale, Max: 5 * scale}
	}
	battle := &Battle{
		Pods: 10, BotsPerPod: 10, TickRate: 120, Rounds: 2, DurationSec: 15,
		Wasm: Side{
			RTT: times(2), RTTLessTickWait: times(.2), TickRate: 119.9, Inputs: 1000, InputsLost: 1, CoresPerPod: .06, PSSPerPod: 26e6, RSSPerPod: 34e6,
			Weight: PodWeight{Libraries: 6e6, Own: 20e6, Shim: 5e6, Pause: 1e5}, Lateness: ticks.Times{P50: .1, P99: .5, P999: .9}, Compute: ticks.Times{P50: .05, P99: .2, P999: .3},
			Curve: []chart.Point{{Value: 2}, {Percentile: 50, Value: 4}, {Percentile: 99.99, Value: 10}},
		},
		Native: Side{
			RTT: times(1), RTTLessTickWait: times(.1), TickRate: 120, Inputs: 1000, CoresPerPod: .03, PSSPerPod: 2e6, RSSPerPod: 4e6,
			Weight: PodWeight{Libraries: 1e6, Own: 1e6, Shim: 5e6, Pause: 1e5}, Lateness: ticks.Times{P50: .1, P99: .4, P999: .6}, Compute: ticks.Times{P50: .03, P99: .1, P999: .2},
			Curve: []chart.Point{{Value: 1}, {Percentile: 50, Value: 2}, {Percentile: 99.99, Value: 5}},
		},
	}
	battle.Hosted = battle.Native
	battle.Hosted.CoresPerPod, battle.Hosted.Weight.Own = .09, 60e6
	return &Report{
		Battle: battle, Saving: savingOf(battle),
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Command: "arena bench",
		Machine: slo.Machine{OS: "linux", Arch: "amd64", Kernel: "6.1", CPU: "A CPU", Cores: 2, Memory: 8e9},
		Load:    "0.1 0.2 0.3", K3s: "v1.30.4+k3s1, official release", WasmEdge: "0.14.1",
		ColdStart: coldStart(times),
		Density:   density(times),
		Images:    &Images{Objective: imageObjective, Wasm: 1.5e6, Native: 6e6, Hosted: 4e6, Module: 2e6, Compiled: 4e6, Binary: 3e6},
		City: &City{
			Pods: 10, Objective: cityObjective, Storage: 150e6,
			With:    Weights{groupK3s: 500e6, groupBattle: 260e6, groupLobby: 30e6, groupNATS: 20e6, groupGatekeeper: 400e6},
			Without: Weights{groupK3s: 500e6, groupLobby: 30e6, groupNATS: 20e6, groupGatekeeper: 80e6},
		},
		Lobby: &Lobby{
			JoinRate: 200, Rounds: 2, DurationSec: 20, WithPolicy: Joins{Times: times(1.5), Refused: 1}, WithoutPolicy: Joins{Times: times(1)},
			Decision: Times{Count: 20000, P50: .0123, P99: .0456}, PlainPerSecond: 500, Ledger: []LedgerRate{{1, 400}, {256, 10000}},
		},
		NoOp: &NoOp{Seconds: []float64{7.5, 8.5}, Objective: noOpObjective},
	}
}

func TestReportGoldens(t *testing.T) {
	t.Parallel()
	var markdown, text strings.Builder
	report().Markdown(&markdown)
	report().Table(&text)
	for name, got := range map[string]string{"report.md": markdown.String(), "report.txt": text.String()} {
		file := filepath.Join("testdata", name)
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), got, "go test ./internal/bench -update writes it anew")
	}
}

func TestReportTellsOnlyWhatWasMeasured(t *testing.T) {
	t.Parallel()
	r := &Report{Quick: true, NoOp: &NoOp{Seconds: []float64{1}}}
	var text, raw strings.Builder
	r.Table(&text)
	require.Contains(t, text.String(), "warning: this was a quick run, not to be quoted\n")
	require.NotContains(t, text.String(), "Cold start")
	require.NoError(t, r.WriteJSON(&raw))
	var back Report
	require.NoError(t, json.Unmarshal([]byte(raw.String()), &back))
	require.Equal(t, *r, back)
	require.NotContains(t, raw.String(), "battle")
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	r := report()
	require.Empty(t, r.Warnings())
	r.Battle.Wasm.LateP99 = tolerated + .5
	require.Len(t, r.Warnings(), 1)
	require.Contains(t, r.Warnings()[0], "the bots of the Wasm pods sent 1% of their inputs 2.5 ms or more late")
}

func TestWriteMarkdown(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "benchmarks.md")
	r := &Report{Command: "arena bench"}
	require.NoError(t, os.WriteFile(file, []byte("# Numbers\n\n"+begin+"\nold\n"+end+"\n\nMore.\n"), 0o600))
	for range 2 {
		require.NoError(t, r.WriteMarkdown(file))
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Regexp(t, `(?s)^# Numbers\n\n`+begin+"\n\nMeasured by `arena bench`.*\n"+end+"\n\nMore.\n$", string(got))
		require.NotContains(t, string(got), "old")
	}
	require.NoError(t, os.WriteFile(file, []byte(end+begin), 0o600))
	require.ErrorContains(t, r.WriteMarkdown(file), "has no "+begin+" with an "+end+" behind it")
	other := filepath.Join(t.TempDir(), "new.md")
	require.NoError(t, report().WriteMarkdown(other))
	text, err := os.ReadFile(other)
	require.NoError(t, err)
	for _, name := range []string{"rtt", "tick-lateness", "tick-compute", "memory", "cold-start", "cold-start-parts"} {
		require.Contains(t, string(text), "](charts/"+name+".svg)\n")
		svg, err := os.ReadFile(filepath.Join(filepath.Dir(other), "charts", name+".svg"))
		require.NoError(t, err)
		require.Contains(t, string(svg), "</svg>")
	}
}

func TestTimesOf(t *testing.T) {
	t.Parallel()
	ms := func(values ...int) (all []time.Duration) {
		for _, v := range values {
			all = append(all, time.Duration(v)*time.Millisecond)
		}
		return all
	}
	var hundred []int
	for i := 100; i > 0; i-- {
		hundred = append(hundred, i)
	}
	tests := map[string]struct {
		all  []time.Duration
		want Times
	}{
		"none":    {nil, Times{}},
		"one":     {ms(7), Times{Count: 1, Min: 7, P50: 7, P99: 7, P999: 7, Max: 7}},
		"two":     {ms(9, 1), Times{Count: 2, Min: 1, P50: 1, P99: 9, P999: 9, Max: 9}},
		"hundred": {ms(hundred...), Times{Count: 100, Min: 1, P50: 50, P99: 99, P999: 100, Max: 100}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, timesOf(tt.all))
		})
	}
}

func TestRunRefusesAnUnknownPart(t *testing.T) {
	t.Parallel()
	_, err := Run(context.Background(), Config{Parts: []string{"battle", "speed"}}, nil)
	require.EqualError(t, err, `there is no part "speed": want some of battle, coldstart, density, image, city, lobby, noop`)
}
