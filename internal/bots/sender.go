package bots

import (
	"context"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// sender sends the inputs of its bots when they are due, on a thread of its own, which sleeps to the µs: Go's timers are
// up to a millisecond late on an idle machine, and that would be found again in every latency.
type sender struct {
	clock    *clock
	plan     schedule
	bySlot   [][]*bot
	sleep    func(time.Duration)
	lateness *hdrhistogram.Histogram // of measured inputs: the actual sending less the scheduled
}

func newSender(c *clock, plan schedule) *sender {
	return &sender{clock: c, plan: plan, bySlot: make([][]*bot, plan.slots), sleep: sleep, lateness: newHistogram()}
}

func (s *sender) add(b *bot) { s.bySlot[b.slot] = append(s.bySlot[b.slot], b) }

// run sends until ctx ends. Where it is late it sends what it has missed at once: the schedule does not wait for it.
func (s *sender) run(ctx context.Context) {
	// Never unlocked: the thread's timer setting ends with it.
	runtime.LockOSThread()
	precise()
	for n := int64(0); ctx.Err() == nil; n++ {
		bots := s.bySlot[n%s.plan.slots]
		if len(bots) == 0 {
			continue
		}
		due := s.plan.step(n)
		if wait := s.clock.until(due); wait > 0 {
			s.sleep(wait)
		}
		for _, b := range bots {
			now := s.clock.now()
			b.send(n/s.plan.slots, now)
			if s.plan.measures(due) {
				record(s.lateness, now-due)
			}
		}
	}
}
