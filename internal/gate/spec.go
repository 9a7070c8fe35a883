// Package gate plays bots at a city and says whether it holds its objectives. It is what the Pulumi program runs, as a command of its own
// (see [CommandLine]), for the gate resources of modules/slo.
package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/slo"
)

// Argument is what the Pulumi program is started with to be a gate.
const Argument = "gate"

// CommandLine starts a gate from the program's folder, infra/: the path is relative, so that it is the same on each operator's machine.
// The program is compiled to where Pulumi.yaml says.
const CommandLine = "../.arena/pulumi/program " + Argument

// Objectives are the limits to hold.
type Objectives = slo.Objectives

// Spec is what a gate reads from stdin, as JSON.
type Spec struct {
	// City is the city's name, as `region/city`.
	City string `json:"city"`
	// Subject is the hash of all that is gated.
	Subject string `json:"subject"`
	// Kubeconfig reaches the city's cluster: a secret.
	Kubeconfig string `json:"kubeconfig"`
	// Namespace holds the battle pods.
	Namespace string `json:"namespace"`
	// Image is what the battle pods must run, by digest.
	Image string `json:"image"`
	// Pods is how many battle pods must be ready.
	Pods int `json:"pods"`
	// TickRate is that of the pods, in ticks a second.
	TickRate int `json:"tickRate"`
	// Bots is how many play on each pod.
	Bots int `json:"bots"`
	// Duration is how long they play, in ns.
	Duration time.Duration `json:"duration"`
	// Objectives are the limits to hold.
	Objectives Objectives `json:"objectives"`
	// Attempts is how often is played at the most when the bots themselves came late.
	Attempts int `json:"attempts"`
	// Drain is how long a battle pod that has to go may wait for its battles, in ns.
	Drain time.Duration `json:"drain"`
	// Rollback puts the battle pods back to the last image that passed, when an objective is missed.
	Rollback bool `json:"rollback"`
	// Monitored is whether the city has a Prometheus that is told what was measured.
	Monitored bool `json:"monitored"`
}

// ReadSpec decodes a spec strictly and reports all that is wrong with it.
func ReadSpec(r io.Reader) (Spec, error) {
	var s Spec
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, fmt.Errorf("gate: read the spec: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return s, errors.New("gate: read the spec: there is more after the first JSON document")
	}
	var errs []error
	for _, field := range []struct{ name, value string }{
		{"city", s.City}, {"subject", s.Subject}, {"kubeconfig", s.Kubeconfig}, {"namespace", s.Namespace}, {"image", s.Image},
	} {
		if field.value == "" {
			errs = append(errs, fmt.Errorf("%s: required", field.name))
		}
	}
	if strings.Count(s.City, "/") != 1 || strings.ContainsAny(s.City, `\.`) {
		errs = append(errs, fmt.Errorf("city: %q is not of the form region/city", s.City))
	}
	for _, field := range []struct {
		name  string
		value int64
	}{{"pods", int64(s.Pods)}, {"tickRate", int64(s.TickRate)}, {"bots", int64(s.Bots)}, {"duration", int64(s.Duration)}, {"attempts", int64(s.Attempts)}} {
		if field.value < 1 {
			errs = append(errs, fmt.Errorf("%s: %d is less than 1", field.name, field.value))
		}
	}
	if s.Drain < 0 {
		errs = append(errs, fmt.Errorf("drain: %d is less than 0", s.Drain))
	}
	if o := s.Objectives; o.RTTP50 <= 0 || o.RTTP99 <= 0 || o.RTTP999 <= 0 || o.TickRate <= 0 {
		errs = append(errs, errors.New("objectives: every limit must be more than zero"))
	}
	if s.Image != "" && !strings.Contains(s.Image, "@sha256:") {
		errs = append(errs, fmt.Errorf("image: %q does not name its digest", s.Image))
	}
	if err := errors.Join(errs...); err != nil {
		return s, fmt.Errorf("gate: the spec is wrong:\n%w", err)
	}
	return s, nil
}
