// Package bots loads battle pods with players and measures what the players get.
//
// The load is open: every input has a time at which it is to be sent, fixed before the first one is, and all latencies count from
// that time. A server, a network or a load generator that stalls therefore shows with everything that the stall held up, and not
// only with the one input that was under way (no coordinated omission). An input that is never acknowledged counts with the
// time that was waited for it.
//
// The server takes the newest input of a player at each tick, so an input may be overtaken by the next one: its latency is the
// time until the first snapshot whose state includes it or a newer one, for that is when its player sees an answer. How many were
// overtaken, on the way or at the server, is counted apart.
package bots

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// Target is one battle pod.
type Target struct {
	// Name is the pod's name, for the results.
	Name string
	// Address is where players reach it: `host:port`, UDP.
	Address string
	// Tickets lets bots in. Default is no ticket at all, which a battle server refuses.
	Tickets Tickets
}

// ErrNoTicket is the error of [Tickets] whose pod cannot be asked just now.
var ErrNoTicket = errors.New("no ticket can be had just now")

// Tickets gives tickets for one pod.
type Tickets interface {
	// Ticket seals a ticket that has not been used.
	Ticket(ctx context.Context) ([ticket.Size]byte, error)
}

// Config says how to play.
type Config struct {
	// Targets are the pods. Required.
	Targets []Target
	// PerTarget is the number of bots for each pod. Default is 10.
	PerTarget int
	// TickRate is how many inputs a second each bot sends; every server must tick at it. Default is 120.
	TickRate int
	// Warmup is how long is played before measuring. Default is 2 s.
	Warmup time.Duration
	// Duration is how long is measured. Default is 10 s.
	Duration time.Duration
	// Timeout is how long the acknowledgment of an input is waited for. Default is 1 s.
	Timeout time.Duration
	// JoinTimeout is how long all bots together may take to get their places. Default is 15 s.
	JoinTimeout time.Duration
	// Joined is called when all bots have their places, just before the warm-up. Default is nothing.
	Joined func()
	// Seed decides how the bots move. The same seed gives the same inputs.
	Seed uint64
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	if c.PerTarget == 0 {
		c.PerTarget = 10
	}
	if c.TickRate == 0 {
		c.TickRate = 120
	}
	if c.Joined == nil {
		c.Joined = func() {}
	}
	set(&c.Warmup, 2*time.Second)
	set(&c.Duration, 10*time.Second)
	set(&c.Timeout, time.Second)
	set(&c.JoinTimeout, 15*time.Second)
	return c
}

// validate reports all problems at once.
func (c Config) validate() error {
	var errs []error
	if len(c.Targets) == 0 {
		errs = append(errs, errors.New("targets: none given"))
	}
	if c.PerTarget < 0 {
		errs = append(errs, fmt.Errorf("bots per target: %d, want at least 1", c.PerTarget))
	}
	if c.TickRate < 0 || c.TickRate > 1000 {
		errs = append(errs, fmt.Errorf("tick rate: %d, want 1 to 1000", c.TickRate))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"warm-up", c.Warmup}, {"duration", c.Duration}, {"time-out", c.Timeout}, {"join time-out", c.JoinTimeout}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s: %s, want more than zero", d.name, d.value))
		}
	}
	return errors.Join(errs...)
}

// Play joins all bots, plays for the configured time and returns what they measured.
func Play(ctx context.Context, cfg Config) (Result, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return Result{}, fmt.Errorf("bots: %w", err)
	}
	defer prefer()()
	g, err := newGame(ctx, cfg)
	if err != nil {
		return Result{}, fmt.Errorf("bots: %w", err)
	}
	if err := g.join(ctx); err != nil {
		return Result{}, fmt.Errorf("bots: %w", errors.Join(err, g.close()))
	}
	cfg.Joined()
	result, err := g.play(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("bots: %w", err)
	}
	return result, nil
}
