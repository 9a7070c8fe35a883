// Package slo holds a city to its objectives: it finds the city's battle pods, plays bots against them and judges what they measured.
package slo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edge-arena/edge-arena/internal/bots"
	"github.com/edge-arena/edge-arena/monitoring"
)

// Objectives are the limits to hold.
type Objectives struct {
	// RTTP50, RTTP99 and RTTP999 are what these percentiles of the time from input to answer must stay below.
	RTTP50, RTTP99, RTTP999 time.Duration
	// TickRate is the least ticks a second, of each single pod.
	TickRate float64
}

// Default are the objectives of every city, those that its alerts hold it to as well.
func Default() Objectives {
	t := monitoring.Objectives()
	return Objectives{RTTP50: t.RTTP50.Duration(), RTTP99: t.RTTP99.Duration(), RTTP999: t.RTTP999.Duration(), TickRate: t.LeastTickRate}
}

func (o Objectives) validate() error {
	if o.RTTP50 <= 0 || o.RTTP99 <= 0 || o.RTTP999 <= 0 || o.TickRate <= 0 {
		return errors.New("objectives: every limit must be more than zero")
	}
	return nil
}

// Verdict is one objective and what became of it.
type Verdict struct {
	// Name is the objective: "rtt_p50", "rtt_p99", "rtt_p999", "tick_rate", "cold_start".
	Name string `json:"name"`
	// Unit is that of Value and Threshold: "ms", or "1/s".
	Unit string `json:"unit"`
	// Value was measured. It is absent where nothing could be.
	Value *float64 `json:"value"`
	// Comparison says how Value must compare with Threshold: "<" or ">=".
	Comparison string `json:"comparison"`
	// Threshold is the limit.
	Threshold float64 `json:"threshold"`
	// Pass says whether the objective is met.
	Pass bool `json:"pass"`
}

// Evaluate judges what was measured. What could not be measured is missed.
func Evaluate(o Objectives, r bots.Result) []Verdict {
	below := func(name string, percentile float64, limit time.Duration) Verdict {
		v := Verdict{Name: name, Unit: "ms", Comparison: "<", Threshold: ms(limit)}
		if h := r.Total.RTT; h != nil && h.TotalCount() > 0 {
			value := h.ValueAtQuantile(percentile)
			v.Value, v.Pass = new(float64(value)/1000), value < limit.Microseconds()
		}
		return v
	}
	rate := Verdict{Name: "tick_rate", Unit: "1/s", Comparison: ">=", Threshold: o.TickRate}
	for i := range r.Targets {
		if perSecond := r.Targets[i].TickRate(); rate.Value == nil || perSecond < *rate.Value {
			rate.Value, rate.Pass = &perSecond, perSecond >= o.TickRate
		}
	}
	return []Verdict{below("rtt_p50", 50, o.RTTP50), below("rtt_p99", 99, o.RTTP99), below("rtt_p999", 99.9, o.RTTP999), rate}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Config says how a city is tried.
type Config struct {
	// Objectives are the limits. Default is [Default].
	Objectives Objectives
	// Bots is the number of bots for each pod. Default is 10.
	Bots int
	// TickRate is that of the pods. Default is 120.
	TickRate int
	// Warmup is how long is played before measuring. Default is 2 s.
	Warmup time.Duration
	// Duration is how long is measured. Default is 10 s.
	Duration time.Duration
	// Timeout is how long the answer to an input is waited for. Default is 1 s.
	Timeout time.Duration
	// Seed decides how the bots move.
	Seed uint64
}

// Run plays bots against the targets and reports. A missed objective is no error: see [Report.Pass].
func Run(ctx context.Context, cfg Config, targets []Target) (Report, error) {
	if cfg.Objectives == (Objectives{}) {
		cfg.Objectives = Default()
	}
	if err := cfg.Objectives.validate(); err != nil {
		return Report{}, err
	}
	play := bots.Config{
		PerTarget: cfg.Bots, TickRate: cfg.TickRate, Warmup: cfg.Warmup, Duration: cfg.Duration, Timeout: cfg.Timeout, Seed: cfg.Seed,
	}
	for _, t := range targets {
		play.Targets = append(play.Targets, bots.Target{Name: t.Pod, Address: t.Address, Tickets: t.Tickets})
	}
	result, err := bots.Play(ctx, play)
	if err != nil {
		return Report{}, fmt.Errorf("measure objectives: %w", err)
	}
	return newReport(cfg.Objectives, result, targets, ThisMachine()), nil
}
