package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	orchestrator "github.com/edge-arena/edge-arena/internal/fleet"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/modules/config"
)

var what = What{Battle: "sha256:b", PortAllocator: "sha256:p", K3s: "v1.30.4+k3s1, official release", File: "f"}

func report() *Report {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &Report{
		Started: at, Command: "arena bench-fleet", Machine: slo.Machine{OS: "linux", Arch: "amd64", Kernel: "6.1", CPU: "A CPU", Cores: 2, Memory: 24e9},
		Load: "0.1 0.2 0.3", K3s: what.K3s,
		Regions: []Region{
			{Name: "east", What: what, Started: at, WasmEdge: "0.14.1", Nodes: 5, Seconds: 321.4, Load: Load{Machine: 15.3e9, Before: 2e9, Containers: 11.2e9, Busy: .87}, Cities: []City{
				{Name: "shanghai", Wave: "canary", State: "done", Nodes: 4, Pods: 50, Ready: 50, Seconds: 120, P50: 4.6, P99: 11.5, TickRate: 119.99},
				{Name: "suzhou", Wave: "rest", State: "done", Nodes: 1, Pods: 16, Ready: 16, Restarts: 1, Seconds: 80, P50: 5, P99: 43.2, Warned: true, TickRate: 118},
			}},
			{Name: "north", What: what, Started: at, Error: "wave canary failed\nmore", Nodes: 2, Seconds: 60, Load: Load{Machine: 3e9, Containers: 900e6, Busy: 1}, Cities: []City{
				{Name: "beijing", Wave: "canary", State: "failed", Error: "install K3s on beijing-1: a | b\nmore", Nodes: 1, Pods: 16, Seconds: 60},
				{Name: "tianjin", Wave: "rest", State: "untouched", Nodes: 1, Pods: 16},
			}},
			{Name: "south", What: what, Started: at, Error: "region south takes about 18.0 GB of memory"},
		},
		Overhead: []Overhead{
			{What: what, Started: at, Cities: 1, Pods: 4, Steps: 11, Pulumi: Side{Seconds: 30, CPUSeconds: 5.5, PeakRSS: 600e6}, Plain: Side{Seconds: 24, CPUSeconds: .5, PeakRSS: 20e6}},
			{What: what, Started: at, Cities: 16, Pods: 64, Steps: 176, Pulumi: Side{Seconds: 200, CPUSeconds: 60, PeakRSS: 4e9}, Plain: Side{Seconds: 160, CPUSeconds: 8, PeakRSS: 320e6}},
		},
	}
}

func TestReportGoldens(t *testing.T) {
	t.Parallel()
	var markdown, text strings.Builder
	report().Markdown(&markdown)
	report().Table(&text)
	golden(t, "report.md", markdown.String())
	golden(t, "report.txt", text.String())
}

func TestReportTellsOnlyWhatWasMeasured(t *testing.T) {
	t.Parallel()
	r := report()
	r.Regions = nil
	var markdown strings.Builder
	r.Markdown(&markdown)
	require.NotContains(t, markdown.String(), "region after region")
	require.Contains(t, markdown.String(), "What the orchestration costs")
	require.Empty(t, r.Warnings())
}

func TestWriteMarkdown(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "benchmarks.md")
	require.NoError(t, os.WriteFile(file, []byte("# Before\n\n"+begin+"\nold\n"+end+"\n\nafter\n"), 0o600))
	require.NoError(t, report().WriteMarkdown(file))
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(content), "# Before\n\n"+begin+"\n\nMeasured by `arena bench-fleet`."))
	require.True(t, strings.HasSuffix(string(content), "\n"+end+"\n\nafter\n"))
	require.NotContains(t, string(content), "old")

	require.NoError(t, os.WriteFile(file, []byte("no marks"), 0o600))
	require.ErrorContains(t, report().WriteMarkdown(file), "benchmarks.md: has no "+begin)
	require.NoError(t, report().WriteMarkdown(filepath.Join(t.TempDir(), "new.md")))
}

func TestRegionsAreResumed(t *testing.T) {
	t.Parallel()
	other := what
	other.Battle = "sha256:other"
	tests := map[string]struct {
		kept *Region
		want bool
	}{
		"never measured":        {nil, false},
		"measured":              {&Region{What: what}, true},
		"failed":                {&Region{What: what, Error: "no"}, false},
		"with another image":    {&Region{What: other}, false},
		"of an earlier version": {&Region{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "regions", "east.json")
			if tt.kept != nil {
				require.NoError(t, keep(file, tt.kept))
			}
			got, err := readResult[Region](file)
			require.NoError(t, err)
			require.Equal(t, tt.want, got.done(what))
		})
	}
}

func TestResultsAreKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "regions")
	none, err := recall[Region](dir)
	require.NoError(t, err)
	require.Empty(t, none)
	want := report().Regions[:2]
	for _, r := range want {
		require.NoError(t, keep(filepath.Join(dir, r.Name+".json"), r))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600))
	got, err := recall[Region](dir)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "west.json"), []byte("{"), 0o600))
	_, err = recall[Region](dir)
	require.ErrorContains(t, err, "west.json: unexpected end of JSON input")
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	cfg := &config.Region{Cities: []config.City{{Name: "a", Nodes: make([]config.Node, 4)}, {Name: "b", Nodes: make([]config.Node, 1)}}}
	var r Region
	r.adopt(cfg, orchestrator.Snapshot{Regions: []orchestrator.RegionStatus{{Cities: []orchestrator.CityStatus{
		{Name: "a", Wave: "canary", State: orchestrator.Done, Started: start, Finished: start.Add(time.Minute), Nodes: 4, Pods: 50, WasmEdge: "0.14.1", Gate: &slo.Outcome{
			RTT: slo.Times{P50: 5, P99: 9}, TickRate: 120, Warnings: []string{"late"},
		}},
		{Name: "b", Wave: "rest", State: orchestrator.Untouched, Nodes: 1, Pods: 16},
	}}}})
	require.Equal(t, Region{Nodes: 5, WasmEdge: "0.14.1", Cities: []City{
		{Name: "a", Wave: "canary", State: "done", Nodes: 4, Pods: 50, Seconds: 60, P50: 5, P99: 9, Warned: true, TickRate: 120},
		{Name: "b", Wave: "rest", State: "untouched", Nodes: 1, Pods: 16},
	}}, r)
	require.Equal(t, 1, r.doneCities())
}

func TestSpread(t *testing.T) {
	t.Parallel()
	median, most := spread([]City{{P99: 3}, {}, {P99: 9}, {P99: 5}, {P99: 4}}, func(c City) float64 { return c.P99 })
	require.Equal(t, []float64{4, 9}, []float64{median, most})
	median, most = spread(nil, func(c City) float64 { return c.P99 })
	require.Zero(t, median+most)
}

func TestClock(t *testing.T) {
	t.Parallel()
	for s, want := range map[float64]string{0: "", 0.6: "1 s", 59.4: "59 s", 59.6: "1 m 00 s", 321.4: "5 m 21 s", 3600: "60 m 00 s"} {
		require.Equal(t, want, clock(s))
	}
}
