package bots

import (
	"context"
	"fmt"
)

// Herd plays like [Play], with players that cost a tenth: for servers that take more of them than bots can be had on the same machine. All of them are
// served by one thread, which may be tied to processors (cpus; none leaves it free). They do not predict, they aim at nobody, and they look for snapshots at
// [herdSlots] moments of a tick only, by which their times are too long by half such a moment on average. A battle that ends is an error: they do not come back.
func Herd(ctx context.Context, cfg Config, cpus ...int) (Result, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return Result{}, fmt.Errorf("herd: %w", err)
	}
	defer prefer()()
	result, err := herd(ctx, cfg, cpus)
	if err != nil {
		return Result{}, fmt.Errorf("herd: %w", err)
	}
	return result, nil
}

// herdSlots is at how many moments of a tick some of the herd send and all of it receive: at 120 Hz one each 130 µs.
const herdSlots = 64
