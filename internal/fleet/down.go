package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/edge-arena/edge-arena/internal/rollout"
	"github.com/edge-arena/edge-arena/internal/stack"
)

// everyCity is the consent to take down all cities of a region: `region/*`.
const everyCity = "*"

// down destroys what the stack has. A city that is offline and may be skipped stays in the state, and owed.
func (r *region) down(ctx context.Context) error {
	exists, err := r.stack.Exists(ctx)
	if err != nil || !exists {
		return err
	}
	if err := r.stack.Ensure(ctx); err != nil {
		return err
	}
	state, err := r.stack.State(ctx)
	if err != nil {
		return err
	}
	owed, err := r.offline(ctx, state)
	if err != nil {
		return err
	}
	var errs []error
	var urns, flags []string
	for _, name := range state.Cities() {
		if _, offline := owed[name]; offline {
			flags = append(flags, rollout.Exclude(name)...)
			continue
		}
		for _, res := range state.OfCity(name) {
			if !res.Protect {
				continue
			}
			if !slices.Contains(r.consent, name) && !slices.Contains(r.consent, everyCity) {
				errs = append(errs, fmt.Errorf("city %s is protected: consent with --yes-remove-city %s/%s, or %s/* for all of the region", name, r.stack.Name, name, r.stack.Name))
				continue
			}
			urns = append(urns, res.URN)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := r.stack.Unprotect(ctx, urns...); err != nil {
		return err
	}
	for _, c := range r.config.Cities {
		if _, offline := owed[c.Name]; !offline {
			r.city(c.Name, func(s *CityStatus) { s.State = Running })
		}
	}
	err = r.engine(ctx, "", func(s stack.Stack, extra ...string) error { return s.Destroy(ctx, slices.Concat(flags, extra)...) })
	r.update(func(s *RegionStatus) {
		for i := range s.Cities {
			c := &s.Cities[i]
			switch {
			case c.State == Owed:
			case c.Error != "":
				c.State = Failed
			case err == nil:
				c.State, c.Gate, c.K3s, c.WasmEdge = Untouched, nil, "", ""
			}
			c.Step = ""
		}
	})
	return err
}

// preview has the engine say what an update would change.
func (r *region) preview(ctx context.Context) error {
	if err := r.stack.Ensure(ctx); err != nil {
		return err
	}
	return r.engine(ctx, "", func(s stack.Stack, flags ...string) error { return s.Preview(ctx, flags...) })
}

func byName(a, b stack.Stack) int { return strings.Compare(a.Name, b.Name) }
