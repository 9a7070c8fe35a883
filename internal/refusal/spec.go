// Package refusal proves that a city's policies are in force: it has the API server try, on a dry run, one pod that every rule allows and one
// for each rule that breaks it, until each is answered as the policies say. It is what the Pulumi program runs, as a command of its own
// (see [CommandLine]), for the policy engine of modules/policy: that Gatekeeper is ready does not say that its webhook refuses anything.
package refusal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Argument is what the Pulumi program is started with to be a proof.
const Argument = "refusal"

// CommandLine starts a proof from the program's folder, infra/, as that of a gate does.
const CommandLine = "../.arena/pulumi/program " + Argument

// Enforcements that a proof knows.
const (
	Deny   = "deny"
	Warn   = "warn"
	DryRun = "dryrun"
)

// Spec is what a proof reads from stdin, as JSON.
type Spec struct {
	// City is the city's name.
	City string `json:"city"`
	// Subject is the hash of all that is in force: with another one the proof is made again.
	Subject string `json:"subject"`
	// Kubeconfig reaches the city's cluster: a secret.
	Kubeconfig string `json:"kubeconfig"`
	// Enforcement is what a rule does with what breaks it: [Deny], [Warn] or [DryRun].
	Enforcement string `json:"enforcement"`
	// Timeout is how long all rules together may take until they answer, in ns.
	Timeout time.Duration `json:"timeout"`
	// Allowed is a pod that no rule minds. Its namespace must be there.
	Allowed json.RawMessage `json:"allowed"`
	// Rules are the rules in force.
	Rules []Rule `json:"rules"`
}

// Rule is a constraint, and what it refuses.
type Rule struct {
	// Name and Kind are the constraint's.
	Name string `json:"name"`
	Kind string `json:"kind"`
	// What says in a few words what is wrong with the pod.
	What string `json:"what"`
	// Denied is the pod.
	Denied json.RawMessage `json:"denied"`
}

// ReadSpec decodes a spec strictly and reports all that is wrong with it.
func ReadSpec(r io.Reader) (Spec, error) {
	var s Spec
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, fmt.Errorf("refusal: read the spec: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return s, errors.New("refusal: read the spec: there is more after the first JSON document")
	}
	var errs []error
	required := func(path, value string) {
		if value == "" {
			errs = append(errs, fmt.Errorf("%s: required", path))
		}
	}
	required("city", s.City)
	required("subject", s.Subject)
	required("kubeconfig", s.Kubeconfig)
	if e := s.Enforcement; e != Deny && e != Warn && e != DryRun {
		errs = append(errs, fmt.Errorf("enforcement: %q is none of %s", e, strings.Join([]string{Deny, Warn, DryRun}, ", ")))
	}
	if s.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("timeout: %s is not more than zero", s.Timeout))
	}
	if _, err := readPod(s.Allowed); err != nil {
		errs = append(errs, fmt.Errorf("allowed: %w", err))
	}
	if len(s.Rules) == 0 {
		errs = append(errs, errors.New("rules: at least one is required"))
	}
	for i, rule := range s.Rules {
		path := fmt.Sprintf("rules[%d].", i)
		required(path+"name", rule.Name)
		required(path+"kind", rule.Kind)
		required(path+"what", rule.What)
		if _, err := readPod(rule.Denied); err != nil {
			errs = append(errs, fmt.Errorf("%sdenied: %w", path, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return s, fmt.Errorf("refusal: the spec is wrong:\n%w", err)
	}
	return s, nil
}
