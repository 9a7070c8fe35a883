package bots

import (
	"sync"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what the bots measured.
type Result struct {
	// Started is when measuring began.
	Started time.Time
	// Duration, Warmup and Timeout are as configured; PerTarget and TickRate as well.
	Duration, Warmup, Timeout time.Duration
	PerTarget, TickRate       int
	// Targets are the results of each pod, in the order of the configuration.
	Targets []TargetResult
	// Total is the sum over all pods.
	Total Stats
	// Lateness is how late inputs were sent. What the load generator is late by is part of RTT, and no fault of the city's.
	Lateness *hdrhistogram.Histogram
	// Cores is how many cores the bots used.
	Cores float64
	// Stolen is which part of its processors' time this machine's host gave to others although there was something to do, 0 to 1. What stood still meanwhile, be it a bot or
	// a city's node on the same machine, came late. 0 where the system does not tell.
	Stolen float64
}

// TargetResult is what the bots of one pod measured.
type TargetResult struct {
	Target
	Stats
}

// Stats are counts and latencies of the measured time. Latencies are in µs.
type Stats struct {
	// RTT is the time from when an input was due to the first snapshot that answers it. Lost inputs are in it with the time that
	// was waited for them, at least the time-out.
	RTT *hdrhistogram.Histogram
	// FromSend is the same from when the input was really sent.
	FromSend *hdrhistogram.Histogram
	// Network is FromSend of the inputs that were acknowledged themselves, less the time that they waited in the server for their tick.
	Network *hdrhistogram.Histogram

	// InputsScheduled = InputsAcked + InputsOvertaken + InputsLost + InputsBetween.
	InputsScheduled int64
	// InputsSent were given to the network, SendsFailed it refused. The rest of InputsScheduled had no session to go to.
	InputsSent, SendsFailed int64
	// InputsAcked were acknowledged themselves.
	InputsAcked int64
	// InputsOvertaken were answered only by the snapshot of a newer input: the newer one came within the same tick, or this one was
	// lost on the way, or the snapshot that acknowledged it was.
	InputsOvertaken int64
	// InputsLost were not answered at all.
	InputsLost int64
	// InputsBetween were due when one battle had ended and the next had not begun for their bot.
	InputsBetween int64
	// SnapshotsReceived and SnapshotsLost count the server's snapshots; a lost one is a gap in the numbers of the ticks.
	SnapshotsReceived, SnapshotsLost int64
	// PredictionsChecked are the bots' predictions of their own places that the server has answered, warm-up included, PredictionsWrong those in which the server had the
	// bot elsewhere: something happened that it could not know, or inputs of it were lost.
	PredictionsChecked, PredictionsWrong int64
	// BadAcks are snapshots that acknowledge an input which was never sent.
	BadAcks int64
	// BattlesEnded are sessions that ended with their battle, SessionsLost those that the server did not know any more.
	BattlesEnded, SessionsLost int64
	// Ticks are the server's ticks that the bots saw, summed over bots, and Ticking the time in which they happened, summed likewise.
	Ticks   int64
	Ticking time.Duration
}

// TickRate is the ticks a second over the measured time, as the bots saw them. It is 0 where nothing was seen.
func (s *Stats) TickRate() float64 {
	if s.Ticking == 0 {
		return 0
	}
	return float64(s.Ticks) / s.Ticking.Seconds()
}

func (s *Stats) add(o *Stats) {
	s.RTT.Merge(o.RTT)
	s.FromSend.Merge(o.FromSend)
	s.Network.Merge(o.Network)
	for _, sum := range []struct{ to, from *int64 }{
		{&s.InputsScheduled, &o.InputsScheduled}, {&s.InputsSent, &o.InputsSent}, {&s.SendsFailed, &o.SendsFailed},
		{&s.InputsAcked, &o.InputsAcked}, {&s.InputsOvertaken, &o.InputsOvertaken}, {&s.InputsLost, &o.InputsLost},
		{&s.InputsBetween, &o.InputsBetween}, {&s.SnapshotsReceived, &o.SnapshotsReceived}, {&s.SnapshotsLost, &o.SnapshotsLost},
		{&s.BadAcks, &o.BadAcks}, {&s.BattlesEnded, &o.BattlesEnded}, {&s.SessionsLost, &o.SessionsLost},
		{&s.PredictionsChecked, &o.PredictionsChecked}, {&s.PredictionsWrong, &o.PredictionsWrong}, {&s.Ticks, &o.Ticks},
	} {
		*sum.to += *sum.from
	}
	s.Ticking += o.Ticking
}

// tally is what the bots of one pod have measured so far.
type tally struct {
	target Target
	mu     sync.Mutex // guards Stats
	Stats
}

func newTally(t Target) *tally { return &tally{target: t, Stats: newStats()} }

func newStats() Stats {
	return Stats{RTT: newHistogram(), FromSend: newHistogram(), Network: newHistogram()}
}

// result sums up a game that is over. Nobody else touches its bots any more.
func (g *game) result(cores, stolen float64) Result {
	r := Result{
		Started: g.clock.start.Add(g.cfg.Warmup), Duration: g.cfg.Duration, Warmup: g.cfg.Warmup, Timeout: g.cfg.Timeout,
		PerTarget: g.cfg.PerTarget, TickRate: g.cfg.TickRate,
		Total: newStats(), Lateness: newHistogram(), Cores: cores, Stolen: stolen,
	}
	now := g.clock.now()
	for _, b := range g.bots {
		b.finish(now)
	}
	for _, t := range g.tallies {
		r.Targets = append(r.Targets, TargetResult{Target: t.target, Stats: t.Stats})
		r.Total.add(&t.Stats)
	}
	for _, s := range g.senders {
		r.Lateness.Merge(s.lateness)
	}
	return r
}

// longest is the longest time that a histogram holds; longer ones count as this.
const longest = 10 * time.Minute

// newHistogram returns a histogram of times in µs.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, longest.Microseconds(), 3) }

// record records a time in ns, rounded up, so that no time passes a limit by rounding.
func record(h *hdrhistogram.Histogram, ns int64) {
	micros := (max(ns, 0) + int64(time.Microsecond) - 1) / int64(time.Microsecond)
	// In range, so there is no error.
	_ = h.RecordValue(min(micros, longest.Microseconds()))
}

// cpuTime is how much processor time this process has used, in ns.
func cpuTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
