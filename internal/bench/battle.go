package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/edge-arena/edge-arena/internal/bench/proc"
	"github.com/edge-arena/edge-arena/internal/bench/ticks"
	"github.com/edge-arena/edge-arena/internal/bots"
	"github.com/edge-arena/edge-arena/internal/slo"
)

const (
	// settle is how long pods that have just become ready are left alone, so that what their start took is not measured.
	settle = 3 * time.Second
	warmup = 2 * time.Second
	// margin keeps the processor time's window within that of the bots: joining and leaving cost more than playing.
	margin = 500 * time.Millisecond
)

// side is one of the kinds of server.
type side struct {
	app   string
	scale func(context.Context, int32) error
	total totals
}

// totals are the sums over a side's rounds.
type totals struct {
	rtt, network, late    *hdrhistogram.Histogram
	ticks                 ticks.Ticks
	tickRate              float64
	inputs, lost          int64
	cores, botCores       float64
	weight                PodWeight
	rss                   int64
	rounds, serversSeenIn int
}

// battle plays the same bots on as many pods of each kind in turn, while there are none of the others: idle servers tick, too.
func (r *runner) battle(ctx context.Context) error {
	rounds, duration := 2, 15*time.Second
	if r.cfg.Quick {
		rounds, duration = 1, 5*time.Second
	}
	variantSide := func(app string) *side {
		return &side{app: app, scale: func(ctx context.Context, n int32) error { return r.cluster.scaleVariant(ctx, app, n) }}
	}
	wasm, native, hosted := &side{app: wasmApp, scale: r.cluster.scale}, variantSide(nativeApp), variantSide(hostedApp)
	sides := []*side{wasm, native, hosted}
	err := r.withImages(ctx, func(ctx context.Context) error {
		return r.withRestore(ctx, func(ctx context.Context) error {
			if err := r.cluster.make(ctx, nativeVariant(nativeApp, r.cfg.Native.Reference)); err != nil {
				return err
			}
			if err := r.cluster.make(ctx, nativeVariant(hostedApp, r.cfg.Hosted.Reference)); err != nil {
				return err
			}
			for i := range rounds {
				for _, s := range sides {
					title := fmt.Sprintf("round %d of %d: play on %d pods of %s for %s", i+1, rounds, r.cluster.replicas, s.app, duration)
					if err := r.p.Step(ctx, title, func(ctx context.Context) error { return r.round(ctx, s, sides, duration) }); err != nil {
						return err
					}
				}
				// Now this one first, now that: what changes slowly on the machine then does as much to all.
				sides = append(slices.Clone(sides[1:]), sides[0])
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	r.report.Battle = &Battle{
		Pods: int(r.cluster.replicas), BotsPerPod: r.promise.BotsPerPod, TickRate: r.city.Battle.TickRate, Rounds: rounds, DurationSec: duration.Seconds(),
		Wasm: wasm.total.side(), Native: native.total.side(), Hosted: hosted.total.side(),
	}
	r.report.Saving = savingOf(r.report.Battle)
	return nil
}

// round plays on one side and adds what was measured to its totals.
func (r *runner) round(ctx context.Context, s *side, all []*side, duration time.Duration) error {
	for _, other := range all {
		if other == s {
			continue
		}
		if err := other.scale(ctx, 0); err != nil {
			return err
		}
	}
	if err := s.scale(ctx, r.cluster.replicas); err != nil {
		return err
	}
	if err := pause(ctx, settle); err != nil {
		return err
	}
	targets, err := slo.DiscoverBy(ctx, r.cluster.client, r.cluster.namespace, "app="+s.app)
	if err != nil {
		return err
	}
	uids, err := r.cluster.uids(ctx, s.app)
	if err != nil {
		return err
	}
	play := bots.Config{PerTarget: r.promise.BotsPerPod, TickRate: r.city.Battle.TickRate, Warmup: warmup, Duration: duration}
	used := make(chan usage, 1)
	for _, t := range targets {
		play.Targets = append(play.Targets, bots.Target{Name: t.Pod, Address: t.Address, Tickets: t.Tickets})
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	play.Joined = func() {
		go func() {
			u, err := r.usageDuring(ctx, uids, targets, warmup+margin, duration-2*margin)
			if err != nil {
				cancel(err)
			}
			used <- u
		}()
	}
	result, err := bots.Play(ctx, play)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	u := <-used
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return s.total.add(result, u)
}

// usage is what some pods used: their servers' processor time and RSS, their ticks, and the PSS of each of their parts.
type usage struct {
	servers int
	cores   float64
	rss     int64
	weight  PodWeight
	ticks   ticks.Ticks
	// busy is how many cores of the machine were busy, with whatever.
	busy float64
}

// usageDuring reads what the pods use: ticks and processor time from two looks at them, memory after the second.
func (r *runner) usageDuring(ctx context.Context, uids []string, targets []slo.Target, after, window time.Duration) (usage, error) {
	if err := pause(ctx, after); err != nil {
		return usage{}, err
	}
	var pods []ticks.Pod
	for _, t := range targets {
		pods = append(pods, ticks.Pod{Name: t.Pod, Address: t.Address})
	}
	ticksBefore, err := ticks.Read(ctx, pods...)
	if err != nil {
		return usage{}, err
	}
	before, err := r.node.processes(ctx, false)
	if err != nil {
		return usage{}, err
	}
	busyBefore, err := r.node.busy(ctx)
	if err != nil {
		return usage{}, err
	}
	began := time.Now()
	if err := pause(ctx, window-time.Since(before.Taken)); err != nil {
		return usage{}, err
	}
	busy, err := r.node.busy(ctx)
	if err != nil {
		return usage{}, err
	}
	wall := time.Since(began)
	later, err := r.node.processes(ctx, false)
	if err != nil {
		return usage{}, err
	}
	ticksLater, err := ticks.Read(ctx, pods...)
	if err != nil {
		return usage{}, err
	}
	memory, err := r.node.processes(ctx, true)
	if err != nil {
		return usage{}, err
	}
	u, err := usageOf(before, later, memory, uids)
	if err != nil {
		return u, err
	}
	u.busy = (busy - busyBefore).Seconds() / wall.Seconds()
	if u.ticks, err = ticksLater.Since(ticksBefore); err == nil && u.servers != len(uids) {
		err = fmt.Errorf("found %d servers of %d pods among the node's processes", u.servers, len(uids))
	}
	return u, err
}

func usageOf(before, later, memory proc.Sample, uids []string) (usage, error) {
	var u usage
	cpu := map[int]time.Duration{}
	for _, p := range servers(before, uids) {
		cpu[p.PID] = p.CPU
	}
	var used time.Duration
	for _, p := range servers(later, uids) {
		began, ok := cpu[p.PID]
		if !ok {
			return u, fmt.Errorf("server %d (%s) was started while it was measured", p.PID, p.Command)
		}
		used += p.CPU - began
		u.servers++
	}
	u.cores = used.Seconds() / later.Taken.Sub(before.Taken).Seconds()
	for _, p := range servers(memory, uids) {
		u.rss += p.RSS
	}
	u.weight = weighPods(memory, uids)
	return u, nil
}

func (t *totals) add(r bots.Result, u usage) error {
	if t.rounds == 0 {
		t.rtt, t.network, t.late = r.Total.RTT, r.Total.Network, r.Lateness
	} else {
		t.rtt.Merge(r.Total.RTT)
		t.network.Merge(r.Total.Network)
		t.late.Merge(r.Lateness)
	}
	for i := range r.Targets {
		if rate := r.Targets[i].TickRate(); i+t.rounds == 0 || rate < t.tickRate {
			t.tickRate = rate
		}
	}
	t.rounds++
	t.inputs += r.Total.InputsScheduled
	t.lost += r.Total.InputsLost
	t.cores += u.cores
	t.botCores += r.Cores
	t.weight.add(u.weight)
	t.rss += u.rss
	t.serversSeenIn += u.servers
	return t.ticks.Add(u.ticks)
}

func (t *totals) side() Side {
	n := int64(t.serversSeenIn)
	return Side{
		RTT: histogramTimes(t.rtt), RTTLessTickWait: histogramTimes(t.network), TickRate: t.tickRate, Inputs: t.inputs, InputsLost: t.lost,
		LateP99: float64(t.late.ValueAtQuantile(99)) / 1000, CoresPerPod: t.cores / float64(n), BotCores: t.botCores / float64(t.rounds),
		PSSPerPod: t.weight.server() / n, RSSPerPod: t.rss / n, Weight: t.weight.over(n), Lateness: t.ticks.Lateness.Times(), Compute: t.ticks.Duration.Times(),
		Curve: curveOf(t.rtt),
	}
}
