package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/edge-arena/edge-arena/internal/plan"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/modules/config"
)

// region is one region while an operation goes on.
type region struct {
	stack  stack.Stack
	config *config.Region
	// dir holds what is kept of the region.
	dir string
	// log is where all that Pulumi prints goes.
	log io.Writer
	// consent are the cities that may be removed though they are protected.
	consent []string

	mu      sync.Mutex
	status  RegionStatus
	began   map[string]time.Time
	changed func()
}

// grace is how long an update that is interrupted may take to end what is under way: the longest is the end of an SSH command.
const grace = 60 * time.Second

// open reads the region's file and prepares its folder. changed is called whenever the status has changed.
func open(s stack.Stack, o Options, changed func()) (*region, error) {
	cfg, err := s.Region()
	if err != nil {
		return nil, err
	}
	r := &region{
		stack: s, config: cfg, dir: filepath.Join(o.Dir, s.Name), changed: changed, began: map[string]time.Time{},
		status: statusOf(s.Name, cfg),
	}
	for _, name := range o.RemoveCities {
		if city, ok := strings.CutPrefix(name, s.Name+"/"); ok {
			r.consent = append(r.consent, city)
		}
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, fmt.Errorf("region %s: %w", s.Name, err)
	}
	return r, nil
}

// logged opens the region's log for the time of f.
func (r *region) logged(f func() error) (err error) {
	path := filepath.Join(r.dir, time.Now().UTC().Format("20060102T150405.000Z")+".log")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("region %s: %w", r.stack.Name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r.update(func(s *RegionStatus) { s.Log = path })
	r.log = file
	r.stack.Log, r.stack.Grace = file, grace
	return f()
}

// update changes the status and tells of it.
func (r *region) update(change func(*RegionStatus)) {
	r.mu.Lock()
	change(&r.status)
	r.mu.Unlock()
	r.changed()
}

// city changes one city's status.
func (r *region) city(name string, change func(*CityStatus)) {
	r.update(func(s *RegionStatus) {
		for i := range s.Cities {
			if s.Cities[i].Name == name {
				change(&s.Cities[i])
			}
		}
	})
}

// current is a copy of the status.
func (r *region) current() RegionStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	s.Cities = slices.Clone(s.Cities)
	return s
}

// owner is the city that a resource of that name belongs to; "" is none.
func (r *region) owner(resource string) string {
	for _, c := range r.config.Cities {
		if resource == c.Name || strings.HasPrefix(resource, c.Name+"-") {
			return c.Name
		}
	}
	return ""
}

// removed are the cities that the state has and the file has not.
func (r *region) removed(state stack.State) []string {
	return slices.DeleteFunc(state.Cities(), func(name string) bool {
		return slices.ContainsFunc(r.config.Cities, func(c config.City) bool { return c.Name == name })
	})
}

// settle reads from the stack what its cities are now.
func (r *region) settle(ctx context.Context) error {
	cities, err := r.stack.Cities(ctx)
	if err != nil {
		return err
	}
	return r.adopt(cities)
}

func (r *region) adopt(cities map[string]stack.City) error {
	var errs []error
	for name, c := range cities {
		outcome, err := c.Outcome()
		if err != nil {
			errs = append(errs, fmt.Errorf("city %s: %w", name, err))
		}
		r.city(name, func(s *CityStatus) {
			s.K3s = c.K3s
			if len(c.Nodes) > 0 {
				s.WasmEdge = c.Nodes[0].WasmEdge
			}
			// A gate that has just missed says more than the one that passed before.
			if outcome != nil && (s.Gate == nil || s.State != Failed) {
				s.Gate = outcome
			}
		})
	}
	return errors.Join(errs...)
}

// statusOf is what the region's file says of it.
func statusOf(name string, cfg *config.Region) RegionStatus {
	s := RegionStatus{Name: name, Canary: cfg.Canary, State: Untouched}
	for _, step := range cfg.Steps() {
		s.Waves = append(s.Waves, step.Name)
		for i := range step.Cities {
			c := &step.Cities[i]
			s.Currency = c.Prices.Currency
			cost := plan.Baseline(c)
			s.Cities = append(s.Cities, CityStatus{
				Name: c.Name, Wave: step.Name, Location: c.Location, State: Untouched, Nodes: len(c.Nodes), Pods: c.Battle.Replicas,
				FreePods: c.Fits() - c.Battle.Replicas, Cost: cost.Month, Baseline: cost.ContainerMonth,
			})
		}
	}
	return s
}

// outcomeFile is where a gate leaves its outcome for us, pass or miss.
func (r *region) outcomeFile(city string) string {
	return filepath.Join(r.outcomes(), r.config.Name+"."+city+".json")
}

func (r *region) outcomes() string { return filepath.Join(r.dir, "outcomes") }

// outcome reads what the city's gate has left since the run began; nil where it has not been played.
func (r *region) outcome(city string) (*slo.Outcome, error) {
	content, err := os.ReadFile(r.outcomeFile(city))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the outcome of %s: %w", city, err)
	}
	return slo.ReadOutcome(content)
}
