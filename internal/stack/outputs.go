package stack

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/edge-arena/edge-arena/internal/rollout"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/modules/monitoring"
)

// City is what the program in infra/ tells of a city. Nothing in it is secret.
type City struct {
	// K3s is the version on the first server.
	K3s    string `json:"k3s"`
	Nodes  []Node `json:"nodes"`
	Battle Battle `json:"battle"`
	Lobby  Lobby  `json:"lobby"`
	// Monitoring is what the city is watched with.
	Monitoring monitoring.Summary `json:"monitoring"`
	// SLO is what the city promises.
	SLO SLO `json:"slo"`
	// Gate is the last outcome of its gate, a JSON document; empty where it has none. See [City.Outcome].
	Gate string `json:"gate"`
}

// Outcome is the last outcome of the city's gate: nil where it has none.
func (c City) Outcome() (*slo.Outcome, error) { return slo.ReadOutcome([]byte(c.Gate)) }

// Wave is a step of the region's roll-out.
type Wave struct {
	Name   string   `json:"name"`
	Cities []string `json:"cities"`
}

// Node is a node of a city.
type Node struct {
	Name string `json:"name"`
	Role string `json:"role"`
	// Address is where the operator reaches it.
	Address string `json:"address"`
	// WasmEdge is the version that its containerd handler runs.
	WasmEdge string `json:"wasmEdge"`
}

// Battle is the battle service of a city.
type Battle struct {
	Namespace string `json:"namespace"`
	Image     string `json:"image"`
	Replicas  int    `json:"replicas"`
	TickRate  int    `json:"tickRate"`
}

// Lobby is the lobby of a city.
type Lobby struct {
	Namespace string `json:"namespace"`
	Image     string `json:"image"`
	// Address is where players reach it, as `http://…`.
	Address string `json:"address"`
	// Issuer is the `iss` of the tokens that it takes.
	Issuer string `json:"issuer"`
}

// SLO is what a city promises and how it is measured.
type SLO struct {
	RTTP50Ms    float64 `json:"rttP50Ms"`
	RTTP99Ms    float64 `json:"rttP99Ms"`
	RTTP999Ms   float64 `json:"rttP999Ms"`
	TickRate    float64 `json:"tickRate"`
	BotsPerPod  int     `json:"botsPerPod"`
	DurationSec float64 `json:"durationSec"`
}

// Owed returns what offline cities are owed, by city; nothing, where no run has come to its end yet.
func (s Stack) Owed(ctx context.Context) (map[string]rollout.Debt, error) {
	quiet := s
	quiet.Log = nil
	out, err := quiet.run(ctx, "stack", "output", "--json", "--stack", s.Name)
	if err != nil {
		return nil, fmt.Errorf("read what cities of stack %s are owed: %w", s.Name, err)
	}
	var outputs struct {
		Owed map[string]rollout.Debt `json:"owed"`
	}
	if err := json.Unmarshal([]byte(out), &outputs); err != nil {
		return nil, fmt.Errorf("read what cities of stack %s are owed: %w", s.Name, err)
	}
	return outputs.Owed, nil
}
