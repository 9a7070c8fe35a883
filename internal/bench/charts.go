package bench

import (
	"math"

	"github.com/edge-arena/edge-arena/internal/bench/chart"
	"github.com/edge-arena/edge-arena/internal/bench/document"
	"github.com/edge-arena/edge-arena/internal/bench/ticks"
)

// nothing is a value that a chart leaves out.
var nothing = math.NaN()

func isNothing(v float64) bool { return math.IsNaN(v) }

// drawn is a chart as a document has it.
func drawn(file, title string, svg []byte) document.Chart {
	return document.Chart{Title: title, File: "charts/" + file, SVG: svg}
}

// charts show what players and operators notice: the round trip, late ticks, and memory.
func (b *Battle) charts() []document.Chart {
	const rtt, lateness, compute, memory = "RTT by percentile", "How late ticks began", "How long ticks took", "Memory of one pod under load, PSS"
	each := func(of func(Side) []float64) []chart.Group {
		return []chart.Group{{Name: "native", Values: of(b.Native)}, {Name: "Wasm", Values: of(b.Wasm)}, {Name: "wazero", Values: of(b.Hosted)}}
	}
	times := func(t ticks.Times) []float64 { return []float64{t.P50, t.P99, t.P999} }
	percentiles := []string{"P50", "P99", "P99.9"}
	return []document.Chart{
		drawn("rtt.svg", rtt, chart.Percentiles{Title: rtt, Unit: "ms", Series: []chart.Series{
			{Name: "native", Points: b.Native.Curve}, {Name: "Wasm", Points: b.Wasm.Curve}, {Name: "wazero", Points: b.Hosted.Curve},
		}}.SVG()),
		drawn("tick-lateness.svg", lateness, chart.Bars{
			Title: lateness, Unit: "ms", Names: percentiles, Groups: each(func(s Side) []float64 { return times(s.Lateness) }),
		}.SVG()),
		drawn("tick-compute.svg", compute, chart.Bars{
			Title: compute, Unit: "ms", Names: percentiles, Groups: each(func(s Side) []float64 { return times(s.Compute) }),
		}.SVG()),
		drawn("memory.svg", memory, chart.Bars{
			Title: memory, Unit: "MB", Names: []string{"program and libraries", "the server's own", "shim", "pause"}, Stacked: true,
			Groups: each(func(s Side) []float64 {
				return []float64{mb(s.Weight.Libraries), mb(s.Weight.Own), mb(s.Weight.Shim), mb(s.Weight.Pause)}
			}),
		}.SVG()),
	}
}

func (c *ColdStart) chart() document.Chart {
	const title = "Cold start until ready"
	var groups []chart.Group
	for _, kind := range []struct {
		name string
		time ContainerTime
	}{
		{"native, runc", c.Native}, {"native, crun", c.NativeCrun}, {"Wasm", c.Wasm}, {"interpreted", c.Interpreted}, {"wazero", c.Hosted},
		{"native, containerd", c.NativeContainerd}, {"Wasm, containerd", c.WasmContainerd},
	} {
		groups = append(groups, chart.Group{Name: kind.name, Values: []float64{kind.time.Ready.P50, kind.time.Ready.P99}})
	}
	return drawn("cold-start.svg", title, chart.Bars{Title: title, Unit: "ms", Names: []string{"P50", "P99"}, Groups: groups}.SVG())
}

func (c *ColdStart) stageChart() document.Chart {
	const title = "What a cold start consists of, P50"
	names := []string{"exec", "libLLVM", "libwasmedge", "machine", "load", "validate", "instantiate", "Go and sockets", "/readyz"}
	group := func(name string, stages []Stage) chart.Group {
		g := chart.Group{Name: name}
		for i := range min(len(stages), len(names)) {
			g.Values = append(g.Values, stages[i].P50)
		}
		return g
	}
	return drawn("cold-start-parts.svg", title, chart.Bars{
		Title: title, Unit: "ms", Names: names, Stacked: true,
		Groups: []chart.Group{group("compiled ahead of time", c.Stages), group("the same with LLVM", c.StagesLLVM), group("interpreted", c.StagesInterpreted)},
	}.SVG())
}
