package bots

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/battle-wasm/peer"
	"github.com/edge-arena/edge-arena/battle-wasm/predict"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// remembered is for how many inputs a bot keeps when it really sent them: half a minute at 120 Hz, far more than any time-out.
const remembered = 4096

// bot is one player. Its sender touches the fields of the first group, its receiver those of the second.
type bot struct {
	client *client.Client
	clock  *clock
	plan   schedule
	slot   int64
	// first and end bound the inputs that are measured.
	first, end int64

	mover   *mover
	session atomic.Pointer[session] // nil between two battles
	sentAt  [remembered]atomic.Int64
	newest  atomic.Int64 // the newest input that was sent, -1 before the first
	// sent and sendsFailed count measured inputs.
	sent, sendsFailed int64

	tally   *tally
	next    int64 // the oldest input whose fate is open
	joined  int64 // when the session began
	ended   bool  // the last session ended with its battle, as it should
	ticks   tickCounter
	settled atomic.Bool // nothing of the measured time is open any more
}

// session is a place in one battle.
type session struct {
	base   int64 // the input that has number 1 in this session
	place  int
	self   *predict.Self
	others predict.Others
}

// join takes a place, and counts from now on for this session. What was due since the last one ended was not answered by anybody.
func (b *bot) join(ctx context.Context) error {
	var sealed [ticket.Size]byte
	if tickets := b.tally.target.Tickets; tickets != nil {
		var err error
		if sealed, err = tickets.Ticket(ctx); err != nil {
			return err
		}
	}
	welcome, err := b.client.Join(ctx, sealed)
	if err != nil {
		return err
	}
	if int64(welcome.TickRate) != b.plan.rate {
		return fmt.Errorf("the server ticks %d times a second, want %d", welcome.TickRate, b.plan.rate)
	}
	now := b.clock.now()
	base := b.plan.firstDue(b.slot, now)
	b.tally.mu.Lock()
	for ; b.next < base; b.next++ {
		b.unanswered(b.next, now)
	}
	b.tally.mu.Unlock()
	b.joined, b.ended = now, false
	b.session.Store(&session{base: base, place: int(welcome.Player), self: predict.NewSelf(peer.Motion(&welcome))})
	return nil
}

// measured says whether input i is.
func (b *bot) measured(i int64) bool { return i >= b.first && i < b.end }

// send sends input i. Between two battles there is nobody to send it to.
func (b *bot) send(i, now int64) {
	s := b.session.Load()
	in := wire.Input{Command: b.mover.next(s.nearest)}
	if s == nil || i < s.base {
		return
	}
	in.Seen = predict.Delay
	in.Seq = uint32(i - s.base + 1)
	b.sentAt[i%remembered].Store(now)
	b.newest.Store(i)
	s.self.Did(in.Seq, &in.Command)
	// A failure (nobody listens there, the socket is full) is counted; the input then shows as lost or overtaken.
	err := b.client.Send(&in)
	switch {
	case !b.measured(i):
	case err != nil:
		b.sendsFailed++
	default:
		b.sent++
	}
}

// receive takes what the server sends until the client is closed, and joins again when a session is over.
func (b *bot) receive(ctx context.Context) error {
	var e client.Event
	for {
		err := b.client.Receive(&e)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, syscall.ECONNREFUSED):
			// Nobody listens, and each of our packets is told so. They count as lost, unless somebody comes back.
			continue
		case err != nil:
			return err
		}
		at := b.clock.now()
		switch e.Kind {
		case wire.KindSnapshot:
			b.snapshot(&e.Snapshot, at)
			continue
		case wire.KindEnd:
			b.over(at, true)
		case wire.KindReject:
			if at-b.joined < int64(rejectGrace) {
				continue
			}
			b.over(at, false)
		}
		// Where the game has ended meanwhile, the join that was given up has left a deadline behind: nothing can be read any more.
		if err := b.rejoin(ctx); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// rejectGrace is for how long refusals of inputs are passed over after joining: they answer the inputs of the session before.
const rejectGrace = 250 * time.Millisecond

// over notes that the session is over: in an orderly way if the battle has ended.
func (b *bot) over(at int64, orderly bool) {
	s := b.session.Swap(nil)
	b.ended = orderly
	b.ticks.over(orderly)
	b.tally.mu.Lock()
	defer b.tally.mu.Unlock()
	b.predicted(s)
	if b.plan.measures(at) {
		if orderly {
			b.tally.BattlesEnded++
		} else {
			b.tally.SessionsLost++
		}
	}
}

// rejoin joins until it works or the game is over.
func (b *bot) rejoin(ctx context.Context) error {
	for {
		err := b.join(ctx)
		var refused *client.RejectError
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // The game is over: a place is no longer wanted.
		case err == nil:
			return nil
		case !errors.As(err, &refused) && !errors.Is(err, ErrNoTicket):
			return err
		}
		// No place now: another player's may become free, or the pod is starting again and has no tickets yet.
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// snapshot settles every input that this state answers.
func (b *bot) snapshot(s *peer.Snapshot, at int64) {
	session := b.session.Load()
	if session == nil {
		return
	}
	session.self.Saw(&s.State.Players[session.place], s.AckSeq)
	session.others.Saw(&s.State)
	b.tally.mu.Lock()
	defer b.tally.mu.Unlock()
	lost := b.ticks.snapshot(int64(s.Tick), at, b.plan.from, b.plan.to)
	if b.plan.measures(at) {
		b.tally.SnapshotsReceived++
		b.tally.SnapshotsLost += lost
	}
	acked := session.base + int64(s.AckSeq) - 1
	if s.AckSeq == 0 || acked < b.next {
		b.settled.Store(b.next >= b.end && b.ticks.closed)
		return
	}
	if acked > b.newest.Load() {
		b.tally.BadAcks++ // of something that was never sent
		return
	}
	for ; b.next < acked; b.next++ {
		b.answered(b.next, at, false)
	}
	if b.answered(acked, at, true) {
		wait := int64(s.AckWait) * int64(time.Microsecond)
		record(b.tally.Network, at-b.sentAt[acked%remembered].Load()-wait)
	}
	b.next = acked + 1
	b.settled.Store(b.next >= b.end && b.ticks.closed)
}

// answered records input i, if it is measured, as answered now: by its own snapshot, or only by one of a newer input.
func (b *bot) answered(i, at int64, itself bool) (measured bool) {
	if !b.measured(i) {
		return false
	}
	if itself {
		b.tally.InputsAcked++
	} else {
		b.tally.InputsOvertaken++
	}
	latency := at - b.plan.due(b.slot, i)
	record(b.tally.RTT, latency)
	if b.newest.Load()-i < remembered {
		latency = at - b.sentAt[i%remembered].Load()
	}
	record(b.tally.FromSend, latency)
	return true
}

// unanswered records input i, if it is measured, as one that will not be answered. Between two battles that is as it should be.
func (b *bot) unanswered(i, now int64) {
	switch {
	case !b.measured(i):
	case b.ended:
		b.tally.InputsBetween++
	default:
		b.tally.InputsLost++
		waited := max(b.plan.timeout, now-b.plan.due(b.slot, i))
		record(b.tally.RTT, waited)
		record(b.tally.FromSend, waited)
	}
}

// predicted adds up how well a session's place was predicted, from its first input to its last.
func (b *bot) predicted(s *session) {
	if s == nil {
		return
	}
	c := s.self.Counts()
	b.tally.PredictionsChecked += c.Checked
	b.tally.PredictionsWrong += c.Wrong
}

// finish settles what is still open when the game is over.
func (b *bot) finish(now int64) {
	b.tally.mu.Lock()
	defer b.tally.mu.Unlock()
	for ; b.next < b.end; b.next++ {
		b.unanswered(b.next, now)
	}
	b.predicted(b.session.Load())
	b.ticks.finish(b.plan.from, now)
	b.tally.Ticks += b.ticks.count
	b.tally.Ticking += time.Duration(b.ticks.time)
	b.tally.InputsScheduled += b.end - b.first
	b.tally.InputsSent += b.sent
	b.tally.SendsFailed += b.sendsFailed
}
