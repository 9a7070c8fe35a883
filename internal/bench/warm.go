package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/internal/slo"
)

// between is the time from one join to the next. It is no multiple of a tick, so that joins fall on all parts of one.
const between = 37 * time.Millisecond

// warmJoins has n players join pods that wait for them, one after the other, and tells how long each waited for a place: what a player gets in place of
// a cold start. The ticket is had before.
func warmJoins(ctx context.Context, targets []slo.Target, n int) ([]time.Duration, error) {
	if len(targets) == 0 {
		return nil, errors.New("there is no pod to join")
	}
	var all []time.Duration
	for i := range n {
		took, err := warmJoin(ctx, targets[i%len(targets)])
		if err != nil {
			return nil, fmt.Errorf("join %s: %w", targets[i%len(targets)].Pod, err)
		}
		all = append(all, took)
		if err := pause(ctx, between); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func warmJoin(ctx context.Context, t slo.Target) (took time.Duration, err error) {
	sealed, err := t.Tickets.Ticket(ctx)
	if err != nil {
		return 0, err
	}
	c, err := client.Dial(ctx, t.Address)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	began := time.Now()
	if _, err := c.Join(ctx, sealed); err != nil {
		return 0, err
	}
	return time.Since(began), c.Leave()
}
