package bots

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/battle-wasm/peer"
	"github.com/edge-arena/edge-arena/battle-wasm/predict"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// pasture is all players of one Herd. Only its thread touches it once they have joined.
type pasture struct {
	clock    *clock
	plan     schedule
	players  []*grazer
	bySlot   [][]*grazer
	tallies  []*tally
	epoll    int
	events   []unix.EpollEvent
	in, out  [wire.MaxPacketSize]byte
	snapshot peer.Snapshot
	result   Result
}

// grazer is one player.
type grazer struct {
	socket  int
	session *peer.Session
	slot    int64
	mover   *mover
	tally   *tally

	next   int64                 // the oldest input that is not answered yet
	newest int64                 // the newest that was sent
	sentAt [herdRemembered]int64 // when each was sent
	first  int64                 // the first input that is measured
	end    int64                 // the first that is not any more
	ticks  tickCounter
}

// herdRemembered is for how many inputs a player keeps when it really sent them: two seconds, twice the time-out.
const herdRemembered = 256

// hopeless is how late players may come until what they measure is not worth the time.
const hopeless = 15 * time.Second

func herd(ctx context.Context, cfg Config, cpus []int) (result Result, err error) {
	p := &pasture{clock: &clock{}, plan: newSchedule(cfg), events: make([]unix.EpollEvent, 512)}
	p.plan.slots = herdSlots
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.join(ctx, cfg); err != nil {
		return Result{}, err
	}
	cfg.Joined()
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the thread's processors and its timer end with it.
		runtime.LockOSThread()
		done <- p.run(ctx, cpus)
	}()
	if err := <-done; err != nil {
		return Result{}, err
	}
	p.sumUp(cfg)
	return p.result, nil
}

// join gets every player its place.
func (p *pasture) join(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.JoinTimeout, fmt.Errorf("not all %d players have joined within %s", len(cfg.Targets)*cfg.PerTarget, cfg.JoinTimeout))
	defer cancel()
	p.bySlot = make([][]*grazer, p.plan.slots)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(joining)
	for t, target := range cfg.Targets {
		sum := newTally(target)
		p.tallies = append(p.tallies, sum)
		for n := range cfg.PerTarget {
			g := &grazer{socket: -1, slot: p.plan.slot(t, n, cfg.PerTarget), mover: newMover(cfg.Seed, len(p.players)), tally: sum, newest: -1}
			g.first, g.end = p.plan.firstDue(g.slot, p.plan.from), p.plan.firstDue(g.slot, p.plan.to)
			p.players = append(p.players, g)
			p.bySlot[g.slot] = append(p.bySlot[g.slot], g)
			group.Go(func() error {
				if err := g.join(ctx, p.plan.rate); err != nil {
					return fmt.Errorf("pod %s: %w", target.Name, err)
				}
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, g := range p.players {
		if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, g.socket, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}); err != nil {
			return fmt.Errorf("watch a socket: %w", err)
		}
	}
	return nil
}

func (g *grazer) join(ctx context.Context, rate int64) error {
	var sealed [ticket.Size]byte
	if g.tally.target.Tickets != nil {
		var err error
		if sealed, err = g.tally.target.Tickets.Ticket(ctx); err != nil {
			return err
		}
	}
	c, err := client.Dial(ctx, g.tally.target.Address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	welcome, err := c.Join(ctx, sealed)
	if err != nil {
		return err
	}
	if int64(welcome.TickRate) != rate {
		return fmt.Errorf("the server ticks %d times a second, want %d", welcome.TickRate, rate)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	// A descriptor of its own: Go's poller, which looks at the client's, would be woken by each packet.
	var dupErr error
	err = errors.Join(raw.Control(func(fd uintptr) { g.socket, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }), dupErr)
	g.session = peer.New(&welcome)
	return err
}

// run plays from the warm-up to the last answer.
func (p *pasture) run(ctx context.Context, cpus []int) error {
	if len(cpus) > 0 {
		var set unix.CPUSet
		for _, cpu := range cpus {
			set.Set(cpu)
		}
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("tie the players' thread to processors %v: %w", cpus, err)
		}
	}
	precise()
	p.clock.start = time.Now().Add(headStart)
	p.result.Lateness = newHistogram()
	var began, used int64
	last := (p.plan.to + p.plan.timeout) * p.plan.rate * p.plan.slots / int64(time.Second)
	for n := int64(0); n < last; n++ {
		due := p.plan.step(n)
		if wait := p.clock.until(due); wait > 0 {
			sleep(wait)
		} else if -wait > hopeless {
			return fmt.Errorf("the players have come %s late: this machine has too little processor for them", -wait.Round(time.Second))
		}
		if n%p.plan.slots == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if began == 0 && due >= p.plan.from {
			began, used = p.clock.now(), cpuTime()
		}
		if err := p.receive(); err != nil {
			return err
		}
		if due < p.plan.to {
			p.send(n, due)
			continue
		}
		if p.result.Cores == 0 {
			p.result.Cores = float64(cpuTime()-used) / float64(max(1, p.clock.now()-began))
		}
		if p.settled() {
			return nil
		}
	}
	return nil
}

// send sends the inputs of a moment.
func (p *pasture) send(n, due int64) {
	i := n / p.plan.slots
	for _, g := range p.bySlot[n%p.plan.slots] {
		now := p.clock.now()
		in := wire.Input{Seq: uint32(i + 1), Command: g.mover.next(nobody)}
		in.Seen = predict.Delay
		g.session.Fill(&in, now/int64(time.Microsecond))
		g.sentAt[i%herdRemembered], g.newest = now, i
		_, err := unix.Write(g.socket, in.AppendTo(p.out[:0]))
		if i < g.first || i >= g.end {
			continue
		}
		record(p.result.Lateness, now-due)
		if err != nil {
			g.tally.SendsFailed++
			continue
		}
		g.tally.InputsSent++
	}
}

func nobody() (uint16, bool) { return 0, false }

// receive takes all that has come.
func (p *pasture) receive() error {
	for {
		n, err := unix.EpollWait(p.epoll, p.events, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look for snapshots: %w", err)
		}
		for _, e := range p.events[:n] {
			if err := p.take(p.players[e.Fd]); err != nil {
				return err
			}
		}
		if n < len(p.events) {
			return nil
		}
	}
}

// take takes one packet of a player. If there are more, the socket is told of again.
func (p *pasture) take(g *grazer) error {
	n, err := unix.Read(g.socket, p.in[:])
	if err != nil {
		return nil //nolint:nilerr // Nothing is there after all, or a port was refused: what comes of it is inputs that nobody answers.
	}
	at := p.clock.now()
	kind, err := wire.PeekKind(p.in[:n])
	if err != nil {
		return nil //nolint:nilerr // It is none of a server's packets, and answers nobody.
	}
	switch {
	case kind == wire.KindSnapshot && g.session.Take(p.in[:n], at/int64(time.Microsecond), &p.snapshot):
		p.answered(g, &p.snapshot, at)
	case kind == wire.KindEnd, kind == wire.KindReject:
		return fmt.Errorf("pod %s: the battle has ended under the players: it must be longer than it is played", g.tally.target.Name)
	}
	return nil
}

// answered settles every input that a state answers.
func (p *pasture) answered(g *grazer, s *peer.Snapshot, at int64) {
	lost := g.ticks.snapshot(int64(s.Tick), at, p.plan.from, p.plan.to)
	if p.plan.measures(at) {
		g.tally.SnapshotsReceived++
		g.tally.SnapshotsLost += lost
	}
	acked := int64(s.AckSeq) - 1
	if acked < g.next {
		return
	}
	if acked > g.newest {
		g.tally.BadAcks++
		return
	}
	for ; g.next <= acked; g.next++ {
		i := g.next
		if i < g.first || i >= g.end {
			continue
		}
		sent := p.plan.due(g.slot, i)
		record(g.tally.RTT, at-sent)
		if g.newest-i < herdRemembered {
			sent = g.sentAt[i%herdRemembered]
		}
		record(g.tally.FromSend, at-sent)
		if i < acked {
			g.tally.InputsOvertaken++
			continue
		}
		g.tally.InputsAcked++
		record(g.tally.Network, at-sent-int64(s.AckWait)*int64(time.Microsecond))
	}
}

func (p *pasture) settled() bool {
	for _, g := range p.players {
		if g.next < g.end || !g.ticks.closed {
			return false
		}
	}
	return true
}

// sumUp settles what is still open.
func (p *pasture) sumUp(cfg Config) {
	r := &p.result
	r.Started, r.Duration, r.Warmup, r.Timeout = p.clock.start.Add(cfg.Warmup), cfg.Duration, cfg.Warmup, cfg.Timeout
	r.PerTarget, r.TickRate, r.Total = cfg.PerTarget, cfg.TickRate, newStats()
	now := p.clock.now()
	for _, g := range p.players {
		t := g.tally
		for i := max(g.next, g.first); i < g.end; i++ {
			t.InputsLost++
			waited := max(p.plan.timeout, now-p.plan.due(g.slot, i))
			record(t.RTT, waited)
			record(t.FromSend, waited)
		}
		t.InputsScheduled += g.end - g.first
		g.ticks.finish(p.plan.from, now)
		t.Ticks += g.ticks.count
		t.Ticking += time.Duration(g.ticks.time)
	}
	for _, t := range p.tallies {
		r.Targets = append(r.Targets, TargetResult{Target: t.target, Stats: t.Stats})
		r.Total.add(&t.Stats)
	}
}

// close gives the places up, and closes the sockets.
func (p *pasture) close() error {
	var errs []error
	for _, g := range p.players {
		if g.socket < 0 {
			continue
		}
		if g.session != nil {
			leave := wire.Leave{Token: g.session.Token()}
			// It gets lost where the pod is gone, who misses nothing then.
			_, _ = unix.Write(g.socket, leave.AppendTo(p.out[:0]))
		}
		errs = append(errs, unix.Close(g.socket))
	}
	return errors.Join(append(errs, unix.Close(p.epoll))...)
}
