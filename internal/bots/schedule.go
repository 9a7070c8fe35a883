package bots

import "time"

// maxSlots is into how many moments a tick's inputs are spread at most. More would wake the senders more often and gain nothing: a
// sixteenth of a tick at 120 Hz is half a millisecond.
const maxSlots = 16

// schedule fixes when every input is due. Times are ns since the start. A tick's length is cut into slots, and each bot sends
// in one of them, so that inputs reach a pod spread over its tick and not all at its beginning.
type schedule struct {
	rate, slots int64
	from, to    int64 // inputs due in [from, to) are measured
	timeout     int64
}

func newSchedule(cfg Config) schedule {
	return schedule{
		rate: int64(cfg.TickRate), slots: int64(min(maxSlots, len(cfg.Targets)*cfg.PerTarget)),
		from: int64(cfg.Warmup), to: int64(cfg.Warmup + cfg.Duration), timeout: int64(cfg.Timeout),
	}
}

// slot spreads the bots of one pod over the tick, and different pods' differently.
func (s schedule) slot(target, bot, perTarget int) int64 {
	return (int64(bot)*s.slots/int64(perTarget) + int64(target)) % s.slots
}

// step is when the n-th slot since the start is due: counted from the start, so that rounding does not add up.
func (s schedule) step(n int64) int64 {
	perSecond := s.rate * s.slots
	return n/perSecond*int64(time.Second) + n%perSecond*int64(time.Second)/perSecond
}

// due is when the i-th input (from 0) of a bot in the given slot is due.
func (s schedule) due(slot, i int64) int64 { return s.step(i*s.slots + slot) }

// firstDue is the first input that is due at t or later.
func (s schedule) firstDue(slot, t int64) int64 {
	// A little early, for the estimate is rounded; then forward to the exact one.
	period := int64(time.Second) / s.rate
	i := max(0, t/(period+1)-1)
	for s.due(slot, i) < t {
		i++
	}
	return i
}

// measures says whether t is in the measured time.
func (s schedule) measures(t int64) bool { return t >= s.from && t < s.to }
