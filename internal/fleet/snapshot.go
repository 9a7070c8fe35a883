// Package fleet rolls all region stacks out, takes them down, and knows how they are.
package fleet

import (
	"time"

	"github.com/edge-arena/edge-arena/internal/rollout"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/modules/config"
)

// State is what became of a region or of a city.
type State string

const (
	// Untouched is one that the run has not come to, or that was never deployed.
	Untouched State = "untouched"
	// Running is one that is being worked on.
	Running State = "running"
	// Done is one that is as its file wants it, and held its objectives.
	Done State = "done"
	// Failed is one at which something went wrong.
	Failed State = "failed"
	// Stopped is a region that was stopped after a wave, since another region failed.
	Stopped State = "stopped"
	// Owed is a city that was offline and left for a later run.
	Owed State = "owed"
)

// Snapshot is what is known of the fleet at one time.
type Snapshot struct {
	// Taken is when, in UTC.
	Taken time.Time `json:"taken"`
	// Regions are ordered by name.
	Regions []RegionStatus `json:"regions"`
}

// RegionStatus is one region.
type RegionStatus struct {
	Name string `json:"name"`
	// Canary tells that the fleet's roll-out begins with it.
	Canary bool  `json:"canary"`
	State  State `json:"state"`
	// Error is what went wrong, in full.
	Error string `json:"error,omitempty"`
	// Log is the file that holds all that Pulumi printed; empty where there is none.
	Log string `json:"log,omitempty"`
	// Seconds is how long the last run took.
	Seconds float64 `json:"seconds,omitempty"`
	// Changes counts what was done, or would be, by operation: create, update, replace, delete, same.
	Changes map[string]int `json:"changes,omitempty"`
	// Waves are the names of the region's waves, in order.
	Waves []string `json:"waves"`
	// Cities are ordered by wave, then by name.
	Cities []CityStatus `json:"cities"`
	// Currency is that of the costs.
	Currency string `json:"currency"`
}

// CityStatus is one city.
type CityStatus struct {
	Name string `json:"name"`
	// Wave is the name of its wave.
	Wave string `json:"wave"`
	// Location is where it lies; nil where its file does not say.
	Location *config.Location `json:"location,omitempty"`
	State    State            `json:"state"`
	// Step is what is being done, in words: "install K3s", "import images", "battle pods", "gate".
	Step string `json:"step,omitempty"`
	// Error is what went wrong.
	Error string `json:"error,omitempty"`
	// Started and Finished are when the last run first and last worked on the city, in UTC; zero where it had nothing to do.
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// Nodes and Pods count the city's nodes and battle pods, as its file has them.
	Nodes int `json:"nodes"`
	Pods  int `json:"pods"`
	// FreePods is how many more pods its nodes have room for.
	FreePods int `json:"freePods"`
	// K3s and WasmEdge are the versions that run; empty where it was never deployed.
	K3s      string `json:"k3s,omitempty"`
	WasmEdge string `json:"wasmEdge,omitempty"`
	// Gate is the last gate's result, nil where none was played.
	Gate *slo.Outcome `json:"gate,omitempty"`
	// Owed says since when and why the city is owed an update; nil where it is not.
	Owed *Debt `json:"owed,omitempty"`
	// Cost and Baseline are what its nodes cost a month, and what the seed's containers (2 cores, 2 GiB) would.
	Cost     float64 `json:"cost"`
	Baseline float64 `json:"baseline"`
}

// Debt is an update that an offline city has missed.
type Debt = rollout.Debt
