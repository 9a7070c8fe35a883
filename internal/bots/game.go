package bots

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/internal/machine"
)

// clock gives ns since the start of the game; negative before it.
type clock struct{ start time.Time }

func (c *clock) now() int64 { return int64(time.Since(c.start)) }

func (c *clock) until(t int64) time.Duration { return time.Duration(t - c.now()) }

// game is all bots of one Play.
type game struct {
	cfg     Config
	clock   *clock
	plan    schedule
	bots    []*bot
	tallies []*tally
	senders []*sender
}

// botsPerSender is how many bots one sending thread serves: 120 000 inputs a second are about what a core can send.
const botsPerSender = 1000

func newGame(ctx context.Context, cfg Config) (*game, error) {
	// The start is set again once all have joined; nothing is due before.
	g := &game{cfg: cfg, plan: newSchedule(cfg), clock: &clock{start: time.Now().Add(time.Hour)}}
	for t, target := range cfg.Targets {
		sum := newTally(target)
		g.tallies = append(g.tallies, sum)
		for n := range cfg.PerTarget {
			c, err := client.Dial(ctx, target.Address)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("pod %s: %w", target.Name, err), g.close())
			}
			b := &bot{
				client: c, clock: g.clock, plan: g.plan, slot: g.plan.slot(t, n, cfg.PerTarget),
				mover: newMover(cfg.Seed, len(g.bots)), tally: sum,
			}
			b.first, b.end = g.plan.firstDue(b.slot, g.plan.from), g.plan.firstDue(b.slot, g.plan.to)
			b.newest.Store(-1)
			if len(g.bots)%botsPerSender == 0 {
				g.senders = append(g.senders, newSender(g.clock, g.plan))
			}
			g.bots = append(g.bots, b)
			g.senders[len(g.senders)-1].add(b)
		}
	}
	return g, nil
}

// close closes all sockets.
func (g *game) close() error {
	var errs []error
	for _, b := range g.bots {
		errs = append(errs, b.client.Close())
	}
	return errors.Join(errs...)
}

// joining is how many bots ask for a place at the same time: few enough for a server's limit of joins from one address.
const joining = 16

// join gets every bot its place.
func (g *game) join(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, g.cfg.JoinTimeout, fmt.Errorf("not all %d bots have joined within %s", len(g.bots), g.cfg.JoinTimeout))
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(joining)
	for _, b := range g.bots {
		group.Go(func() error {
			if err := b.join(ctx); err != nil {
				return fmt.Errorf("pod %s: %w", b.tally.target.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// headStart lets every goroutine get ready before the first input is due.
const headStart = 50 * time.Millisecond

// play plays a game whose bots have joined, and gives their places up. It closes the bots' sockets.
func (g *game) play(ctx context.Context) (Result, error) {
	g.clock.start = time.Now().Add(headStart)
	running, stop := context.WithCancel(ctx)
	defer stop()
	var senders sync.WaitGroup
	for _, s := range g.senders {
		senders.Go(func() { s.run(running) })
	}
	var receivers errgroup.Group
	for _, b := range g.bots {
		receivers.Go(func() error {
			// A receiver that can't go on ends the game.
			defer stop()
			if err := b.receive(running); err != nil {
				return fmt.Errorf("pod %s: %w", b.tally.target.Name, err)
			}
			return nil
		})
	}
	cores, stolen := g.wait(running)
	stop()
	senders.Wait()
	for _, b := range g.bots {
		// It gets lost where the pod is gone, who misses nothing then.
		_ = b.client.Leave()
	}
	err := errors.Join(g.close(), receivers.Wait())
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return Result{}, err
	}
	return g.result(cores, stolen), nil
}

// poll is how often it is looked whether all inputs are answered once the measured time is over.
const poll = 2 * time.Millisecond

// wait waits until the measured time is over and all that belongs to it is settled or has timed out. It returns how many cores this
// process has used meanwhile, and which part of the machine's time its host took.
func (g *game) wait(ctx context.Context) (cores, stolen float64) {
	g.sleep(ctx, g.plan.from)
	began, used := g.clock.now(), cpuTime()
	before, beforeErr := machine.ReadProcessors()
	g.sleep(ctx, g.plan.to)
	cores = float64(cpuTime()-used) / float64(max(1, g.clock.now()-began))
	// Where the system does not tell, nothing is known to have been stolen.
	if after, err := machine.ReadProcessors(); err == nil && beforeErr == nil {
		_, stolen = after.Since(before)
	}
	for ctx.Err() == nil && g.clock.now() < g.plan.to+g.plan.timeout && !g.settled() {
		g.sleep(ctx, g.clock.now()+int64(poll))
	}
	return cores, stolen
}

func (g *game) settled() bool {
	for _, b := range g.bots {
		if !b.settled.Load() {
			return false
		}
	}
	return true
}

// sleep sleeps until t of the game's clock or the end of ctx.
func (g *game) sleep(ctx context.Context, t int64) {
	select {
	case <-ctx.Done():
	case <-time.After(g.clock.until(t)):
	}
}
