package portalloc

import (
	"fmt"
	"sync"
	"time"
)

// Pool knows the state of each port of the range. It is safe for concurrent use.
type Pool struct {
	first   int
	reserve time.Duration
	now     func() time.Time

	mu    sync.Mutex
	slots []slot
	held  map[string][]int // pod UID -> indices of slots
	// start is where ports that were never used are taken from: after the port of the newest pod, so that a new process goes
	// on where the one before it stopped instead of giving out again what was just freed.
	start  int
	newest time.Time
}

// slot is one port.
type slot struct {
	holders       int       // pods that have it; two only if someone bypassed the webhook
	reservedUntil time.Time // given to a pod that has not been seen yet
	lastUsed      time.Time // when it was last given or freed
}

// NewPool returns a pool of the ports first to last in which nothing is in use. A reservation lasts for reserve.
func NewPool(first, last int, reserve time.Duration) *Pool {
	return &Pool{first: first, reserve: reserve, now: time.Now, slots: make([]slot, last-first+1), held: map[string][]int{}}
}

// ExhaustedError says that there is no free port.
type ExhaustedError struct{ First, Last, Held, Reserved int }

// Error gives the numbers and what mends it.
func (e *ExhaustedError) Error() string {
	return fmt.Sprintf("no battle port is free: of the %d ports %d-%d, %d are held by pods and %d are reserved for pods being created; "+
		"widen the range or run fewer battle pods", e.Last-e.First+1, e.First, e.Last, e.Held, e.Reserved)
}

// Reserve takes the port that has been unused for the longest time, so that players of a pod that is gone have long given up on
// its port when another pod gets it. The reservation ends when Hold reports a pod with the port, or when its time is up.
func (p *Pool) Reserve() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	i, err := p.pick(now)
	if err != nil {
		return 0, err
	}
	p.slots[i].reservedUntil = now.Add(p.reserve)
	p.slots[i].lastUsed = now
	return p.first + i, nil
}

// Peek returns the port that Reserve would take, and takes nothing.
func (p *Pool) Peek() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, err := p.pick(p.now())
	if err != nil {
		return 0, err
	}
	return p.first + i, nil
}

// pick scans all slots: thousands at most, some microseconds.
func (p *Pool) pick(now time.Time) (int, error) {
	best, held := -1, 0
	for n := range p.slots {
		i := (p.start + n) % len(p.slots)
		s := &p.slots[i]
		switch {
		case s.holders > 0:
			held++
		case s.reservedUntil.After(now):
		case best < 0 || s.lastUsed.Before(p.slots[best].lastUsed):
			best = i
		}
	}
	if best < 0 {
		return 0, &ExhaustedError{First: p.first, Last: p.first + len(p.slots) - 1, Held: held, Reserved: len(p.slots) - held}
	}
	return best, nil
}

// Hold records that the pod uid, created at the given time, has these ports; the ones outside the range are passed over. It ends
// their reservations.
func (p *Pool) Hold(uid string, created time.Time, ports []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var indices []int
	for _, port := range ports {
		if i := port - p.first; i >= 0 && i < len(p.slots) {
			indices = append(indices, i)
		}
	}
	// The new ports are counted before the old ones are freed: a port that stays is not freed in between.
	for _, i := range indices {
		p.slots[i].holders++
		p.slots[i].reservedUntil = time.Time{}
		if !created.Before(p.newest) {
			p.newest, p.start = created, (i+1)%len(p.slots)
		}
	}
	p.free(uid)
	if len(indices) > 0 {
		p.held[uid] = indices
	}
}

// Release records that the pod uid uses no port any more.
func (p *Pool) Release(uid string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(uid)
}

func (p *Pool) free(uid string) {
	now := p.now()
	for _, i := range p.held[uid] {
		p.slots[i].holders--
		p.slots[i].lastUsed = now
	}
	delete(p.held, uid)
}

// Size is the number of ports in the range.
func (p *Pool) Size() int { return len(p.slots) }

// Usage counts the ports that pods hold and the ones that are reserved for pods not seen yet.
func (p *Pool) Usage() (held, reserved int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for _, s := range p.slots {
		switch {
		case s.holders > 0:
			held++
		case s.reservedUntil.After(now):
			reserved++
		}
	}
	return held, reserved
}
