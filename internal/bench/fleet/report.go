package fleet

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/edge-arena/edge-arena/internal/slo"
)

// Report is all that is known. Times are in seconds but for RTT, which is in ms; memory is in bytes.
type Report struct {
	// Started is when the report was made; the results have times of their own.
	Started time.Time `json:"started"`
	Command string    `json:"command"`
	// Machine runs all of it: nodes, bots and Pulumi. Load is its load before the run, over 1, 5 and 15 minutes.
	Machine slo.Machine `json:"machine"`
	Load    string      `json:"load"`
	K3s     string      `json:"k3s"`

	Regions  []Region   `json:"regions,omitempty"`
	Overhead []Overhead `json:"overhead,omitempty"`
}

// Region is one region's roll-out.
type Region struct {
	Name    string    `json:"name"`
	What    What      `json:"what"`
	Started time.Time `json:"started"`
	// Error is why it failed; empty where it did not.
	Error string `json:"error,omitempty"`
	// WasmEdge is the version that runs the pods.
	WasmEdge string `json:"wasmEdge"`
	Nodes    int    `json:"nodes"`
	// Seconds is how long the roll-out took, from bare nodes to the last gate.
	Seconds float64 `json:"seconds"`
	Load    Load    `json:"load"`
	Cities  []City  `json:"cities"`
}

// City is one city's.
type City struct {
	Name  string `json:"name"`
	Wave  string `json:"wave"`
	State string `json:"state"`
	Error string `json:"error,omitempty"`
	Nodes int    `json:"nodes"`
	// Pods is how many battle pods it is to have, Ready how many are ready after the roll-out, Restarts how often one was started again.
	Pods     int `json:"pods"`
	Ready    int `json:"ready"`
	Restarts int `json:"restarts"`
	// Seconds is the time from the first to the last that was done for it, its turn at the gate included.
	Seconds float64 `json:"seconds"`
	// P50 and P99 are of the RTT that its gate measured, in ms; 0 where none was played. Warned tells that the bots themselves came late.
	P50    float64 `json:"p50"`
	P99    float64 `json:"p99"`
	Warned bool    `json:"warned,omitempty"`
	// TickRate is the slowest pod's meanwhile.
	TickRate float64 `json:"tickRate"`
}

// Overhead compares a roll-out with the same commands by plain ssh.
type Overhead struct {
	What    What      `json:"what"`
	Started time.Time `json:"started"`
	Cities  int       `json:"cities"`
	Pods    int       `json:"pods"`
	// Steps is how many commands there were in all.
	Steps  int  `json:"steps"`
	Pulumi Side `json:"pulumi"`
	Plain  Side `json:"plain"`
}

// Side is one of the two.
type Side struct {
	// Seconds is the time from bare nodes until the last city is up.
	Seconds float64 `json:"seconds"`
	// CPUSeconds is the processor time of the operator's processes, PeakRSS the most resident memory of all of them together. The nodes are
	// not in it.
	CPUSeconds float64 `json:"cpuSeconds"`
	PeakRSS    int64   `json:"peakRSS"`
}

// Ratio is how many times as long Pulumi took.
func (o Overhead) Ratio() float64 {
	if o.Plain.Seconds == 0 {
		return 0
	}
	return o.Pulumi.Seconds / o.Plain.Seconds
}

// done counts the cities that held their objectives.
func (r *Region) doneCities() int {
	n := 0
	for _, c := range r.Cities {
		if c.State == "done" {
			n++
		}
	}
	return n
}

// sum adds up something of all cities.
func (r *Region) sum(of func(City) int) int {
	n := 0
	for _, c := range r.Cities {
		n += of(c)
	}
	return n
}

// spread is the median and the most of something of the cities that have it.
func spread(cities []City, of func(City) float64) (median, most float64) {
	var all []float64
	for _, c := range cities {
		if v := of(c); v > 0 {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[(len(all)-1)/2], all[len(all)-1]
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
