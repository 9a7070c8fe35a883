package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/edge-arena/edge-arena/internal/bench/chart"
	"github.com/edge-arena/edge-arena/internal/bench/ticks"
	"github.com/edge-arena/edge-arena/internal/slo"
)

// Report is what was measured, and where. Times are in ms, memory in bytes.
type Report struct {
	Started time.Time `json:"started"`
	Command string    `json:"command"`
	Quick   bool      `json:"quick,omitempty"`
	// Machine runs all of it: node, bots and Pulumi. Load is its load before the run, over 1, 5 and 15 minutes.
	Machine  slo.Machine `json:"machine"`
	Load     string      `json:"load"`
	K3s      string      `json:"k3s"`
	WasmEdge string      `json:"wasmEdge"`

	Battle    *Battle    `json:"battle,omitempty"`
	Saving    *Saving    `json:"saving,omitempty"`
	ColdStart *ColdStart `json:"coldStart,omitempty"`
	Density   *Density   `json:"density,omitempty"`
	Images    *Images    `json:"images,omitempty"`
	City      *City      `json:"city,omitempty"`
	Lobby     *Lobby     `json:"lobby,omitempty"`
	NoOp      *NoOp      `json:"noOp,omitempty"`
}

// tolerated is how late, in ms, the bots may send the worst hundredth of their inputs before the report doubts itself.
const tolerated = 2.0

// Warnings are doubts about the measurement itself.
func (r *Report) Warnings() []string {
	var w []string
	if r.Quick {
		w = append(w, "this was a quick run, not to be quoted")
	}
	if d := r.Density; d != nil {
		for _, s := range []*DensityStep{d.plays(&d.Playing), d.plays(&d.NativePlaying)} {
			if s != nil && s.LateP99 > tolerated {
				w = append(w, fmt.Sprintf("the players on %d pods sent 1%% of their inputs %.1f ms or more late, which is part of the RTT: the node holds more where players have machines of their own", s.Pods, s.LateP99))
			}
		}
	}
	if r.Battle == nil {
		return w
	}
	for _, s := range []struct {
		name string
		Side
	}{{"native", r.Battle.Native}, {"Wasm", r.Battle.Wasm}, {"wazero", r.Battle.Hosted}} {
		if s.LateP99 > tolerated {
			w = append(w, fmt.Sprintf("the bots of the %s pods sent 1%% of their inputs %.1f ms or more late, which is part of the RTT: "+
				"the machine is short of processor, or busy with something else; run it again when it is not", s.name, s.LateP99))
		}
	}
	return w
}

// Battle compares the server in Wasm with the same one natively, and with the same module under wazero.
type Battle struct {
	Pods        int     `json:"pods"`
	BotsPerPod  int     `json:"botsPerPod"`
	TickRate    int     `json:"tickRate"`
	Rounds      int     `json:"rounds"`
	DurationSec float64 `json:"durationSeconds"`
	Wasm        Side    `json:"wasm"`
	Native      Side    `json:"native"`
	// Hosted is the same module under wazero in a native container.
	Hosted Side `json:"hosted"`
}

// Side is one of the three, over all its rounds.
type Side struct {
	RTT             Times `json:"rtt"`
	RTTLessTickWait Times `json:"rttLessTickWait"`
	// TickRate is that of the slowest pod of any round.
	TickRate   float64 `json:"tickRate"`
	Inputs     int64   `json:"inputs"`
	InputsLost int64   `json:"inputsLost"`
	// LateP99 is how late the bots sent the worst hundredth of their inputs, which is part of RTT.
	LateP99 float64 `json:"lateP99"`
	// CoresPerPod is how many cores the server of one pod used under load, on average; BotCores what the bots used in all.
	CoresPerPod float64 `json:"coresPerPod"`
	BotCores    float64 `json:"botCores"`
	// PSSPerPod and RSSPerPod are the memory of one pod's server under load, on average.
	PSSPerPod int64 `json:"pssPerPod"`
	RSSPerPod int64 `json:"rssPerPod"`
	// Weight is the PSS of one pod by part.
	Weight PodWeight `json:"weight"`
	// Lateness is how late ticks began, Compute how long they took.
	Lateness ticks.Times `json:"tickLateness"`
	Compute  ticks.Times `json:"tickCompute"`
	// Curve is RTT by percentile.
	Curve []chart.Point `json:"curve,omitempty"`
}

// Times are percentiles in ms.
type Times struct {
	Count int64   `json:"count"`
	Min   float64 `json:"min"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
}

// histogramTimes reads a histogram of times in µs.
func histogramTimes(h *hdrhistogram.Histogram) Times {
	at := func(percentile float64) float64 { return float64(h.ValueAtQuantile(percentile)) / 1000 }
	return Times{Count: h.TotalCount(), Min: float64(h.Min()) / 1000, P50: at(50), P99: at(99), P999: at(99.9), Max: float64(h.Max()) / 1000}
}

// curveOf is a histogram of times in µs by percentile, in ms. The percentiles are close where the times are far apart.
func curveOf(h *hdrhistogram.Histogram) []chart.Point {
	var points []chart.Point
	for _, p := range []float64{0, 10, 25, 50, 60, 70, 80, 85, 90, 93, 95, 97, 98, 99, 99.3, 99.5, 99.7, 99.8, 99.9, 99.95, 99.98, 99.99} {
		points = append(points, chart.Point{Percentile: p, Value: float64(h.ValueAtQuantile(p)) / 1000})
	}
	return points
}

// timesOf sums up a few times, of which every one counts: a percentile is the least of them that so many per cent do not exceed.
func timesOf(all []time.Duration) Times {
	if len(all) == 0 {
		return Times{}
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(percentile float64) float64 {
		rank := int(math.Ceil(percentile / 100 * float64(len(sorted))))
		return float64(sorted[max(rank, 1)-1]) / float64(time.Millisecond)
	}
	return Times{Count: int64(len(all)), Min: at(0), P50: at(50), P99: at(99), P999: at(99.9), Max: at(100)}
}

// Images compares sizes in bytes. An image's is that which a registry counts: compressed layers, configuration and manifest.
type Images struct {
	Objective int64 `json:"objective"`
	Wasm      int64 `json:"wasm"`
	Native    int64 `json:"native"`
	Hosted    int64 `json:"hosted"`
	// Module is the Wasm module as the compiler made it, Compiled with the code compiled ahead of time in it, Binary the native program.
	Module   int64 `json:"module"`
	Compiled int64 `json:"compiled"`
	Binary   int64 `json:"binary"`
}

// City is what the city needs while nobody plays.
type City struct {
	Pods      int   `json:"pods"`
	Objective int64 `json:"objective"`
	// With is the PSS of the node's processes by group with the battle pods, Without with none.
	With    Weights `json:"with"`
	Without Weights `json:"without"`
	// Storage is what K3s, its containerd and all images take on the disk.
	Storage int64 `json:"storage"`
}

// Lobby is what players wait for, and what their results cost.
type Lobby struct {
	JoinRate    int     `json:"joinsPerSecond"`
	Rounds      int     `json:"rounds"`
	DurationSec float64 `json:"durationSeconds"`
	// WithPolicy is with the city's join policy, WithoutPolicy with one that lets everybody in.
	WithPolicy    Joins `json:"withPolicy"`
	WithoutPolicy Joins `json:"withoutPolicy"`
	// Decision is how long the join policy takes.
	Decision Times `json:"decision"`
	// PlainPerSecond are results a second by plain inserts, Ledger those of the ledger.
	PlainPerSecond float64      `json:"plainPerSecond"`
	Ledger         []LedgerRate `json:"ledger"`
}

// Joins are requests for a seat: how long those took that were given one, from when they were due, and how many were not.
type Joins struct {
	Times
	Refused int `json:"refused"`
}

// LedgerRate is how many results a second the ledger takes when it is given so many at a time.
type LedgerRate struct {
	Batch     int     `json:"batch"`
	PerSecond float64 `json:"perSecond"`
}

// NoOp is how long `pulumi up` takes when there is nothing to do.
type NoOp struct {
	Seconds   []float64 `json:"seconds"`
	Objective float64   `json:"objective"`
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
