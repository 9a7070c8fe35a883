// Package rollout is what an orchestrator tells the Pulumi program of one run: which cities it is not about. A plain `pulumi up` is told
// nothing, and is about all of them.
//
// The program does not register those cities, and the orchestrator has the engine leave them alone (`--exclude`, see [Exclude]), or it would
// delete them. Neither is enough by itself: the engine works on an excluded city's provider all the same, and on one that depends on what is
// not there yet it breaks its state.
package rollout

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Variable is the environment variable that carries a [Run].
const Variable = "EDGE_ARENA_ROLLOUT"

// Run is one run of the program.
type Run struct {
	// LeftOut are the cities that the run is not about: they are not registered.
	LeftOut []string `json:"leftOut,omitempty"`
	// Owed are those of them that are offline, with what each has missed.
	Owed map[string]Debt `json:"owed,omitempty"`
}

// Debt is an update that an offline city has missed.
type Debt struct {
	// Since is when it was first missed, in UTC.
	Since time.Time `json:"since"`
	// Reason is why: the node that did not answer, and what was heard instead.
	Reason string `json:"reason"`
}

// FromEnv reads what the program was told.
func FromEnv() (Run, error) {
	var r Run
	text := os.Getenv(Variable)
	if text == "" {
		return r, nil
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("read %s: %w", Variable, err)
	}
	return r, nil
}

// Env is the variable, as KEY=VALUE.
func (r Run) Env() (string, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", Variable, err)
	}
	return Variable + "=" + string(text), nil
}

// Exclude are the engine's flags that leave everything of a city alone: the component, and what stands below it. The names of its parts
// begin with its own.
func Exclude(city string) []string {
	const component = "**::edge-arena:city:City"
	return []string{"--exclude", component + "::" + city, "--exclude", component + "$**::" + city + "-**"}
}
