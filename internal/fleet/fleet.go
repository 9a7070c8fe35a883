package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// run is one operation on the fleet.
type run struct {
	options Options
	regions []*region
	memory  *semaphore.Weighted
	total   int64
	slots   *semaphore.Weighted

	observing sync.Mutex
	stop      chan struct{}
	stopOnce  sync.Once
}

// begin reads every region's file before anything is touched: all that is wrong with any of them is reported at once.
func begin(o Options) (*run, error) {
	if len(o.Stacks) == 0 {
		return nil, errors.New("no regions: there is no stacks/Pulumi.<region>.yaml, or none of those that were named")
	}
	memory, err := memoryFor()
	if err != nil {
		return nil, err
	}
	f := &run{
		options: o, total: max(memory, 1), stop: make(chan struct{}),
		slots: semaphore.NewWeighted(int64(cmp.Or(max(o.Parallel, 0), len(o.Stacks)))),
	}
	f.memory = semaphore.NewWeighted(f.total)
	var errs []error
	for _, s := range slices.SortedFunc(slices.Values(o.Stacks), byName) {
		r, err := open(s, o, f.observe)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		f.regions = append(f.regions, r)
	}
	return f, errors.Join(errs...)
}

// observe tells what is known now.
func (f *run) observe() {
	if f.options.Observe == nil {
		return
	}
	f.observing.Lock()
	defer f.observing.Unlock()
	f.options.Observe(f.snapshot())
}

func (f *run) snapshot() Snapshot {
	s := Snapshot{Taken: time.Now().UTC()}
	for _, r := range f.regions {
		s.Regions = append(s.Regions, r.current())
	}
	return s
}

// halt lets no region go further than the wave that it is at.
func (f *run) halt() { f.stopOnce.Do(func() { close(f.stop) }) }

func (f *run) halted() bool {
	select {
	case <-f.stop:
		return true
	default:
		return false
	}
}

// each operates on the regions side by side, as far as memory and choice allow, and keeps what became of each.
func (f *run) each(ctx context.Context, regions []*region, operate func(context.Context, *region) error) {
	var wg sync.WaitGroup
	for _, r := range regions {
		need := min(weight(len(r.config.Cities)), f.total)
		if f.slots.Acquire(ctx, 1) != nil {
			break
		}
		if f.memory.Acquire(ctx, need) != nil {
			f.slots.Release(1)
			break
		}
		if f.halted() {
			f.memory.Release(need)
			f.slots.Release(1)
			break
		}
		wg.Go(func() {
			defer f.slots.Release(1)
			defer f.memory.Release(need)
			f.one(ctx, r, operate)
		})
	}
	wg.Wait()
}

// one operates on a region and keeps what became of it.
func (f *run) one(ctx context.Context, r *region, operate func(context.Context, *region) error) {
	began := time.Now()
	r.update(func(s *RegionStatus) { s.State = Running })
	err := r.logged(func() error { return operate(ctx, r) })
	r.update(func(s *RegionStatus) {
		s.Seconds = time.Since(began).Seconds()
		switch {
		case err == nil:
			s.State = Done
		case errors.Is(err, errStopped):
			s.State, s.Error = Stopped, err.Error()
		default:
			s.State, s.Error = Failed, err.Error()
		}
	})
	if saveErr := r.save(); saveErr != nil {
		err = errors.Join(err, saveErr)
		r.update(func(s *RegionStatus) { s.State, s.Error = Failed, err.Error() })
	}
	if err != nil {
		f.halt()
	}
}

// verdict is the error of an operation: nil when every region is done.
func (f *run) verdict(ctx context.Context) (Snapshot, error) {
	s := f.snapshot()
	if ctx.Err() != nil {
		return s, fmt.Errorf("interrupted: %s", s.tally())
	}
	var errs []error
	for _, r := range s.Regions {
		if r.State == Failed {
			errs = append(errs, fmt.Errorf("region %s: %s", r.Name, r.Error))
		}
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New(s.tally()))
	}
	return s, errors.Join(errs...)
}

// tally says which regions are done, failed, stopped and untouched.
func (s Snapshot) tally() string {
	var parts []string
	for _, state := range []State{Done, Failed, Stopped, Untouched} {
		var names []string
		for _, r := range s.Regions {
			if r.State == state {
				names = append(names, r.Name)
			}
		}
		if len(names) > 0 {
			parts = append(parts, fmt.Sprintf("%s: %s", state, strings.Join(names, ", ")))
		}
	}
	return strings.Join(parts, "; ")
}

// Up brings the regions to what their files say: those with canary first, then the others side by side, each wave after wave. When one
// fails the others go no further than the wave that they are at. What is done stays done: the same call goes on from there. The error
// names what failed, and which regions are done, stopped and untouched; the snapshot tells all of it in any case.
func Up(ctx context.Context, o Options) (Snapshot, error) {
	f, err := begin(o)
	if err != nil {
		return Snapshot{}, err
	}
	f.observe()
	up := func(ctx context.Context, r *region) error { return r.up(ctx, f.stop) }
	isCanary := func(r *region) bool { return r.config.Canary }
	canaries, others := partition(f.regions, isCanary)
	f.each(ctx, canaries, up)
	if !f.halted() {
		f.each(ctx, others, up)
	}
	return f.verdict(ctx)
}

func partition(all []*region, first func(*region) bool) (yes, no []*region) {
	for _, r := range all {
		if first(r) {
			yes = append(yes, r)
		} else {
			no = append(no, r)
		}
	}
	return yes, no
}

// Preview says what [Up] would change. It touches no host.
func Preview(ctx context.Context, o Options) (Snapshot, error) {
	return sideBySide(ctx, o, (*region).preview)
}

// Down takes the regions' cities down. One that is protected is refused, before anything is touched, unless RemoveCities names it.
func Down(ctx context.Context, o Options) (Snapshot, error) {
	return sideBySide(ctx, o, (*region).down)
}

func sideBySide(ctx context.Context, o Options, operate func(*region, context.Context) error) (Snapshot, error) {
	f, err := begin(o)
	if err != nil {
		return Snapshot{}, err
	}
	f.observe()
	f.each(ctx, f.regions, func(ctx context.Context, r *region) error { return operate(r, ctx) })
	return f.verdict(ctx)
}
