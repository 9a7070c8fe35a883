package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"github.com/edge-arena/edge-arena/internal/drift"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/modules/config"
)

// errStopped is a region that was stopped after a wave, since another one failed.
var errStopped = errors.New("stopped after its current wave, since another region failed")

// up brings the region to what its file says, wave after wave. When stop is closed it goes no further than the wave that it is at.
func (r *region) up(ctx context.Context, stop <-chan struct{}) error {
	if err := r.stack.Ensure(ctx); err != nil {
		return err
	}
	state, err := r.stack.State(ctx)
	if err != nil {
		return err
	}
	if err := r.askConsent(ctx, state); err != nil {
		return err
	}
	owed, err := r.offline(ctx, state)
	if err != nil {
		return err
	}
	plan := waves(r.config.Steps(), state, owed, r.removed(state))
	for i, w := range plan {
		if len(w.cities) == 0 && i < len(plan)-1 {
			return fmt.Errorf("no city of wave %s is online, so nothing is proven to the waves after it: wait for one, or name another in waves", w.name)
		}
	}
	drifted := r.drifted(ctx, state, owed)
	for _, w := range plan {
		select {
		case <-stop:
			return errStopped
		default:
		}
		if err := r.wave(ctx, w, drift.Replacements(state, ofCities(drifted, w.cities))); err != nil {
			return err
		}
	}
	return nil
}

// askConsent refuses to remove what is protected, before anything is touched: the engine finds out only when it has come that far. With
// consent it lifts the protection.
func (r *region) askConsent(ctx context.Context, state stack.State) error {
	wanted := map[string]bool{}
	for _, c := range r.config.Cities {
		for _, n := range c.Nodes {
			wanted[c.Name+"-"+n.Name+"-host"] = true
		}
	}
	removed := r.removed(state)
	var errs []error
	var urns []string
	for _, res := range state.Resources {
		if !res.Protect || wanted[res.Name()] {
			continue
		}
		city := r.owner(res.Name())
		for _, name := range removed {
			if strings.HasPrefix(res.Name(), name+"-") {
				city = name
			}
		}
		if !slices.Contains(r.consent, city) {
			node := strings.TrimSuffix(strings.TrimPrefix(res.Name(), city+"-"), "-host")
			errs = append(errs, fmt.Errorf("city %s: its first server, %s, is gone from the file; it would be uninstalled and the cluster with it: "+
				"put it back, or consent with --yes-remove-city %s/%s", city, node, r.stack.Name, city))
			continue
		}
		urns = append(urns, res.URN)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return r.stack.Unprotect(ctx, urns...)
}

// offline finds the cities that do not answer. Those that may be skipped are owed the update; any other is an error.
func (r *region) offline(ctx context.Context, state stack.State) (map[string]Debt, error) {
	silent, err := probe(ctx, r.config)
	if err != nil {
		return nil, fmt.Errorf("look whether the nodes answer: %w", err)
	}
	var before map[string]Debt
	if len(silent) > 0 && len(state.Resources) > 0 {
		if before, err = r.stack.Owed(ctx); err != nil {
			return nil, err
		}
	}
	owed := map[string]Debt{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(silent)) {
		i := slices.IndexFunc(r.config.Cities, func(c config.City) bool { return c.Name == name })
		if r.config.Cities[i].Offline != config.OfflineSkip {
			err := fmt.Errorf("city %s is offline: %s; mend it, or let it be skipped with offline: skip", name, silent[name])
			r.city(name, func(s *CityStatus) { s.State, s.Error = Failed, err.Error() })
			errs = append(errs, err)
			continue
		}
		debt := Debt{Since: time.Now().UTC().Truncate(time.Second), Reason: silent[name]}
		if old, ok := before[name]; ok {
			debt.Since = old.Since
		}
		owed[name] = debt
		r.city(name, func(s *CityStatus) { s.State, s.Owed = Owed, &debt })
	}
	return owed, errors.Join(errs...)
}

// wave runs the engine for the cities of one wave. mend are flags that have it run the installers of nodes again that have drifted.
func (r *region) wave(ctx context.Context, w wave, mend []string) error {
	for _, name := range w.cities {
		r.city(name, func(s *CityStatus) { s.State, s.Error = Running, "" })
	}
	env, err := w.run.Env()
	if err != nil {
		return err
	}
	upErr := r.engine(ctx, env, func(s stack.Stack, flags ...string) error {
		// Not with --continue-on-error: the engine would then bring what is excluded forward, past what failed on the way to it, in a state
		// that it refuses to read afterwards.
		return s.Up(ctx, slices.Concat(w.flags, mend, flags)...)
	})
	var failed []string
	for _, name := range w.cities {
		outcome, err := r.outcome(name)
		upErr = errors.Join(upErr, err)
		r.city(name, func(s *CityStatus) {
			if outcome != nil {
				s.Gate = outcome
			}
			switch {
			case s.Error != "":
				s.State = Failed
				failed = append(failed, name)
			case upErr == nil || outcome != nil && outcome.Pass:
				s.State = Done
			case s.State == Running:
				// It was not at fault itself, nor was it finished.
				s.State = Stopped
			}
			s.Step = ""
		})
	}
	if len(failed) > 0 && upErr != nil {
		// What the cities say is why the engine ended as it did.
		return fmt.Errorf("wave %s failed, and later waves were not touched: %w", w.name, r.errorsOf(failed))
	}
	if upErr != nil {
		return fmt.Errorf("wave %s failed, and later waves were not touched: %w", w.name, upErr)
	}
	return r.settle(ctx)
}

// errorsOf joins what went wrong in the cities.
func (r *region) errorsOf(cities []string) error {
	var errs []error
	for _, c := range r.current().Cities {
		if slices.Contains(cities, c.Name) {
			errs = append(errs, fmt.Errorf("city %s: %s", c.Name, c.Error))
		}
	}
	return errors.Join(errs...)
}

// engine runs an operation of the engine and follows its events.
func (r *region) engine(ctx context.Context, env string, operate func(s stack.Stack, flags ...string) error) error {
	dir, err := os.MkdirTemp("", "edge-arena-events-")
	if err != nil {
		return fmt.Errorf("follow the engine: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // A folder for temporary files.
	if err := errors.Join(os.RemoveAll(r.outcomes()), os.MkdirAll(r.outcomes(), 0o700)); err != nil {
		return fmt.Errorf("follow the engine: %w", err)
	}
	events := filepath.Join(dir, "events.json")
	s := r.stack
	s.Env = slices.Concat(s.Env, []string{debugCommands, "EDGE_ARENA_OUTCOMES=" + r.outcomes()})
	if env != "" {
		s.Env = append(s.Env, env)
	}
	done, followed := make(chan struct{}), make(chan error, 1)
	go func() { followed <- follow(context.WithoutCancel(ctx), events, done, r.handle) }()
	err = operate(s, "--event-log", events)
	close(done)
	return errors.Join(err, <-followed)
}

// handle learns from an event what is being done in which city.
func (r *region) handle(e apitype.EngineEvent) {
	switch {
	case e.ResourcePreEvent != nil && !still(e.ResourcePreEvent.Metadata.Op):
		r.step(e.ResourcePreEvent.Metadata.URN)
	case e.ResOpFailedEvent != nil:
		r.failed(e.ResOpFailedEvent.Metadata.URN, "failed")
	case e.DiagnosticEvent != nil && e.DiagnosticEvent.Severity == "error" && e.DiagnosticEvent.URN != "":
		r.failed(e.DiagnosticEvent.URN, e.DiagnosticEvent.Message)
	case e.ResOutputsEvent != nil && !still(e.ResOutputsEvent.Metadata.Op):
		r.worked(e.ResOutputsEvent.Metadata.URN)
	case e.SummaryEvent != nil:
		r.update(func(s *RegionStatus) {
			if s.Changes == nil {
				s.Changes = map[string]int{}
			}
			for op, n := range e.SummaryEvent.ResourceChanges {
				s.Changes[string(op)] += n
			}
		})
	}
}

// still tells whether an operation leaves its resource as it is.
func still(op apitype.OpType) bool {
	switch op {
	case apitype.OpSame, apitype.OpRead, apitype.OpRefresh, apitype.OpReadDiscard, apitype.OpDiscardReplaced:
		return true
	}
	return false
}

func (r *region) step(urn string) {
	name := stack.Resource{URN: urn}.Name()
	now := time.Now().UTC()
	r.city(r.owner(name), func(s *CityStatus) {
		if s.Started.IsZero() {
			s.Started = now
		}
		if name != s.Name {
			s.Step = stepOf(s.Name, name)
		}
	})
}

func (r *region) worked(urn string) {
	now := time.Now().UTC()
	r.city(r.owner(stack.Resource{URN: urn}.Name()), func(s *CityStatus) { s.Finished = now })
}

// failed keeps what went wrong with a city: the engine says so in several events, of which the words are worth the most.
func (r *region) failed(urn, message string) {
	name := stack.Resource{URN: urn}.Name()
	r.city(r.owner(name), func(s *CityStatus) {
		message = strings.TrimSpace(message)
		if s.Error != "" && message == "failed" || strings.Contains(s.Error, message) {
			return
		}
		text := stepOf(s.Name, name) + ": " + message
		if s.Error == "" || strings.HasSuffix(s.Error, ": failed") {
			s.Error = text
		} else {
			s.Error += "\n" + text
		}
	})
}

// drifted reads over SSH which nodes are no longer as they were installed. One that cannot be read is left to the update, which will say
// why where it needs it.
func (r *region) drifted(ctx context.Context, state stack.State, owed map[string]Debt) []drift.NodeReport {
	online := *r.config
	online.Cities = nil
	for _, c := range r.config.Cities {
		_, offline := owed[c.Name]
		if !offline && slices.Contains(state.Cities(), c.Name) {
			online.Cities = append(online.Cities, c)
		}
	}
	if len(online.Cities) == 0 {
		return nil
	}
	reports := drift.Drifted(drift.Read(ctx, &online, 0))
	for _, report := range reports {
		_, _ = fmt.Fprintf(r.log, "drift: %s/%s: %d differences are mended\n", report.City, report.Node, len(report.Differences))
	}
	return reports
}

func ofCities(reports []drift.NodeReport, cities []string) []drift.NodeReport {
	return slices.DeleteFunc(slices.Clone(reports), func(n drift.NodeReport) bool { return !slices.Contains(cities, n.City) })
}
