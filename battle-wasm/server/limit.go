package server

import "github.com/edge-arena/edge-arena/battle-wasm/transport"

// pace lets events through at a rate, with a burst: the generic cell rate algorithm, one number of state.
type pace struct {
	interval int64 // ns between events
	due      int64 // when the next event is due, if they came evenly
}

// paceBurst is how far, in ns, events may run ahead of their rate: a player's packets come in bunches where the network is jittery.
const paceBurst = second / 2

func newPace(interval int64) pace { return pace{interval: interval} }

func (p *pace) allow(now int64) bool { return gcra(&p.due, p.interval, paceBurst, now) }

// gcra is the algorithm: an event is let through unless those before it have used up the burst.
func gcra(due *int64, interval, burst, now int64) bool {
	d := max(*due, now)
	if d-now > burst {
		return false
	}
	*due = d + interval
	return true
}

// limiter is a pace per source address, in a fixed number of buckets: its memory does not grow, whoever sends. Addresses that fall into
// one bucket share it; which do nobody outside can know.
type limiter struct {
	interval, burst int64
	secret          uint64
	due             [1024]int64
}

func newLimiter(interval, burst int64, secret uint64) *limiter {
	return &limiter{interval: interval, burst: burst, secret: secret}
}

func (l *limiter) allow(from transport.Addr, now int64) bool {
	ip := uint64(from.IP[0])<<24 | uint64(from.IP[1])<<16 | uint64(from.IP[2])<<8 | uint64(from.IP[3])
	h := (ip ^ l.secret) * 0x9e3779b97f4a7c15
	h = (h ^ h>>29 ^ l.secret) * 0xbf58476d1ce4e5b9
	return gcra(&l.due[h>>54], l.interval, l.burst, now)
}
