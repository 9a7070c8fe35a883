package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Resource is a resource in the stack's state.
type Resource struct {
	URN  string `json:"urn"`
	Type string `json:"type"`
	// Protect keeps it from being deleted.
	Protect bool `json:"protect"`
	// Delete is set for one that has been replaced, and that an update which failed has not come to delete.
	Delete bool `json:"delete"`
}

// Name is the resource's logical name.
func (r Resource) Name() string { return urnName(r.URN) }

// cityType is the type token of a city, as modules/city has it.
const cityType = "edge-arena:city:City"

// State is what the stack's state holds, as far as an orchestrator needs to know it.
type State struct {
	Resources []Resource
}

// State reads the stack's state. It contacts nobody but the backend.
func (s Stack) State(ctx context.Context) (State, error) {
	resources, err := exported[Resource](ctx, s)
	if err != nil {
		return State{}, fmt.Errorf("read state of stack %s: %w", s.Name, err)
	}
	return State{Resources: resources}, nil
}

// exported are the resources of the stack's state, as far as T has their fields. Flags are those of `pulumi stack export`. What it prints goes
// to the caller alone: it may be secret.
func exported[T any](ctx context.Context, s Stack, flags ...string) ([]T, error) {
	s.Log = nil
	out, err := s.run(ctx, append([]string{"stack", "export", "--stack", s.Name}, flags...)...)
	if err != nil {
		return nil, err
	}
	var export struct {
		Deployment struct {
			Resources []T `json:"resources"`
		} `json:"deployment"`
	}
	err = json.Unmarshal([]byte(out), &export)
	return export.Deployment.Resources, err
}

// Cities are the names of the cities that the state has something of.
func (s State) Cities() []string {
	var names []string
	for _, r := range s.Resources {
		if r.Type == cityType {
			names = append(names, r.Name())
		}
	}
	return names
}

// OfCity are the resources of one city. The name of each begins with the city's, which no other city's does.
func (s State) OfCity(city string) []Resource {
	var list []Resource
	for _, r := range s.Resources {
		if name := r.Name(); name == city || strings.HasPrefix(name, city+"-") {
			list = append(list, r)
		}
	}
	return list
}

// Pending tells whether parts of a city have been replaced and are still to be deleted, as a run that was cut off leaves them.
func (s State) Pending(city string) bool {
	return slices.ContainsFunc(s.OfCity(city), func(r Resource) bool { return r.Delete })
}

// Unprotect lets resources be deleted.
func (s Stack) Unprotect(ctx context.Context, urns ...string) error {
	for _, urn := range urns {
		if _, err := s.run(ctx, "state", "unprotect", urn, "--stack", s.Name, "--yes"); err != nil {
			return fmt.Errorf("unprotect %s: %w", urn, err)
		}
	}
	return nil
}
