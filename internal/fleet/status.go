package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/modules/config"
)

// recordFile holds a region's status as the last run left it.
const recordFile = "status.json"

// save keeps the region's status.
func (r *region) save() error {
	content, err := json.MarshalIndent(r.current(), "", "  ")
	if err != nil {
		return fmt.Errorf("keep the status of region %s: %w", r.stack.Name, err)
	}
	path := filepath.Join(r.dir, recordFile)
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return fmt.Errorf("keep the status of region %s: %w", r.stack.Name, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("keep the status of region %s: %w", r.stack.Name, err)
	}
	return nil
}

// Status says how the regions are: what their files want, what the last run from this checkout left, and what the stacks' state has. It
// contacts no host.
func Status(ctx context.Context, o Options) (Snapshot, error) {
	var s Snapshot
	f := &run{options: o, stop: make(chan struct{})}
	var errs []error
	for _, st := range slices.SortedFunc(slices.Values(o.Stacks), byName) {
		r, err := look(ctx, st, o)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		f.regions = append(f.regions, r)
	}
	s = f.snapshot()
	return s, errors.Join(errs...)
}

// look is [open] for reading alone: the files that the region names need not be on this machine.
func look(ctx context.Context, s stack.Stack, o Options) (*region, error) {
	raw, err := s.RegionJSON()
	if err != nil {
		return nil, err
	}
	cfg, err := config.ParseWithoutFiles(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.File(), err)
	}
	r := &region{stack: s, config: cfg, dir: filepath.Join(o.Dir, s.Name), changed: func() {}, status: statusOf(s.Name, cfg)}
	if err := r.recall(); err != nil {
		return nil, err
	}
	exists, err := s.Exists(ctx)
	if err != nil || !exists {
		return r, err
	}
	return r, r.fromState(ctx)
}

// recall takes over what the last run kept, for the cities that the file still has.
func (r *region) recall() error {
	content, err := os.ReadFile(filepath.Join(r.dir, recordFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("recall the status of region %s: %w", r.stack.Name, err)
	}
	var last RegionStatus
	if err := json.Unmarshal(content, &last); err != nil {
		return fmt.Errorf("recall the status of region %s: %w", r.stack.Name, err)
	}
	s := &r.status
	s.State, s.Error, s.Log, s.Seconds, s.Changes = last.State, last.Error, last.Log, last.Seconds, last.Changes
	for i := range s.Cities {
		c := &s.Cities[i]
		for _, was := range last.Cities {
			if was.Name == c.Name {
				c.State, c.Error, c.Owed, c.Gate, c.Started, c.Finished = was.State, was.Error, was.Owed, was.Gate, was.Started, was.Finished
			}
		}
	}
	return nil
}

// fromState takes over what everyone who shares the stack's state knows.
func (r *region) fromState(ctx context.Context) error {
	state, err := r.stack.State(ctx)
	if err != nil {
		return err
	}
	known := state.Cities()
	if len(known) == 0 {
		return nil
	}
	cities, err := r.stack.Cities(ctx)
	if err != nil {
		return err
	}
	owed, err := r.stack.Owed(ctx)
	if err != nil {
		return err
	}
	for name := range cities {
		r.city(name, func(c *CityStatus) {
			if c.State == Untouched && slices.Contains(known, name) {
				c.State = Done
			}
		})
	}
	for name, debt := range owed {
		r.city(name, func(c *CityStatus) { c.State, c.Owed = Owed, &debt })
	}
	return r.adopt(cities)
}
