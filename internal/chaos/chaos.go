// Package chaos kills parts of a running city at random while players play, and then counts: every battle whose players were told that its result is
// recorded must be in the ledger, once.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/wire"
	"github.com/edge-arena/edge-arena/internal/players"
)

// Kill is one way to kill.
type Kill struct {
	// Name is what the report calls it.
	Name string
	// Weight is how often it is done, in proportion to the others.
	Weight int
	// Do kills. An error ends the run: what is not killed proves nothing.
	Do func(ctx context.Context) error
}

// Config says what is killed, and who plays meanwhile.
type Config struct {
	// Lobby is the city's. Required.
	Lobby players.Lobby
	// Token gives a token for the player of that name. Required.
	Token func(player string) (string, error)
	// Players is how many play at a time.
	Players int
	// Kills is how often is killed, by the ways in Ways. Required.
	Kills int
	Ways  []Kill
	// Pause is the mean time between two kills, which are half to one and a half times that apart.
	Pause time.Duration
	// Settle is how long the city may take, when nothing is killed any more, until all results are in the ledger.
	Settle time.Duration
	// Ledger reads the ledger: how often each battle is in it.
	Ledger func(ctx context.Context) (map[string]int, error)
	// Seed decides what is killed when.
	Seed uint64
	// Log gets a line now and then.
	Log io.Writer
}

// Report is what was counted.
type Report struct {
	// Kills is how often each part was killed.
	Kills map[string]int `json:"kills"`
	// Seats are those that the lobby gave, Refused the times that it had none or did not answer.
	Seats   int `json:"seats"`
	Refused int `json:"refused"`
	// Finished are the battles whose players were told of their end, Recorded those of them whose players were told that the result is recorded, and
	// Interrupted those that were lost with their pod before their end.
	Finished    int `json:"finished"`
	Recorded    int `json:"recorded"`
	Interrupted int `json:"interrupted"`
	// InLedger is how many battles the ledger holds of those that players had seats in. Lost are recorded ones that it does not hold, Unrecorded the
	// finished ones that were never said to be recorded and are not there: their pod was killed between the end and the record. Double are battles that it holds more than once.
	InLedger   int      `json:"inLedger"`
	Lost       []string `json:"lost"`
	Unrecorded int      `json:"unrecorded"`
	Double     []string `json:"double"`
	// DurationSec is how long was killed.
	DurationSec float64 `json:"durationSec"`
}

// Err is nil where nothing was lost and nothing is double.
func (r Report) Err() error {
	var errs []error
	if len(r.Lost) > 0 {
		errs = append(errs, fmt.Errorf("%d recorded battles are not in the ledger: %v", len(r.Lost), r.Lost))
	}
	if len(r.Double) > 0 {
		errs = append(errs, fmt.Errorf("%d battles are in the ledger more than once: %v", len(r.Double), r.Double))
	}
	if r.Recorded == 0 {
		errs = append(errs, errors.New("no battle was recorded: nothing is proven"))
	}
	return errors.Join(errs...)
}

// fate is what a player saw of a battle.
type fate struct{ over, recorded bool }

// run is one run.
type run struct {
	cfg Config

	mu      sync.Mutex
	report  Report
	battles map[string]fate
}

// Run kills and counts.
func Run(ctx context.Context, cfg Config) (Report, error) {
	r := &run{cfg: cfg, report: Report{Kills: map[string]int{}}, battles: map[string]fate{}}
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var players sync.WaitGroup
	for i := range cfg.Players {
		players.Go(func() { r.play(playing, "player-"+strconv.Itoa(i)) })
	}
	began := time.Now()
	err := r.kill(ctx)
	r.report.DurationSec = time.Since(began).Seconds()
	stop() // no new battles; those under way are played to their end
	players.Wait()
	if err != nil {
		return r.report, err
	}
	return r.report, r.count(ctx)
}

// kill kills, at random but for the seed.
func (r *run) kill(ctx context.Context) error {
	dice := rand.New(rand.NewPCG(r.cfg.Seed, 1)) //nolint:gosec // It must be repeatable, and no secret.
	total := 0
	for _, w := range r.cfg.Ways {
		total += w.Weight
	}
	for n := range r.cfg.Kills {
		wait := r.cfg.Pause/2 + time.Duration(dice.Int64N(int64(r.cfg.Pause)+1))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
		at := dice.IntN(total)
		for _, w := range r.cfg.Ways {
			if at -= w.Weight; at >= 0 {
				continue
			}
			if err := w.Do(ctx); err != nil {
				return fmt.Errorf("kill %d, %s: %w", n+1, w.Name, err)
			}
			r.report.Kills[w.Name]++
			break
		}
		if (n+1)%50 == 0 {
			r.mu.Lock()
			_, _ = fmt.Fprintf(r.cfg.Log, "%d of %d kills, %d battles finished, %d of them recorded\n", n+1, r.cfg.Kills, r.report.Finished, r.report.Recorded)
			r.mu.Unlock()
		}
	}
	return nil
}

// play plays one battle after the other.
func (r *run) play(ctx context.Context, name string) {
	for ctx.Err() == nil {
		seat, err := r.seat(ctx, name)
		if err != nil {
			r.refused()
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
			continue
		}
		// To the end, also when it is over for everybody: the battle counts.
		end, err := players.Play(context.WithoutCancel(ctx), seat)
		r.mu.Lock()
		switch {
		case err != nil:
			r.report.Refused++
		case !end.Over:
			r.report.Seats++
			r.report.Interrupted++
			r.note(seat.Battle, fate{})
		default:
			r.report.Seats++
			r.report.Finished++
			done := end.Record == wire.RecordDone
			if done {
				r.report.Recorded++
			}
			r.note(seat.Battle, fate{over: true, recorded: done})
		}
		r.mu.Unlock()
	}
}

// note keeps the best that any player knows of a battle.
func (r *run) note(battle string, f fate) {
	old := r.battles[battle]
	r.battles[battle] = fate{over: old.over || f.over, recorded: old.recorded || f.recorded}
}

func (r *run) refused() { r.mu.Lock(); defer r.mu.Unlock(); r.report.Refused++ }

func (r *run) seat(ctx context.Context, name string) (players.Seat, error) {
	token, err := r.cfg.Token(name)
	if err != nil {
		return players.Seat{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return r.cfg.Lobby.Join(ctx, token, "")
}

// count compares what players were told with the ledger, once that has what it should, or its time is over.
func (r *run) count(ctx context.Context) error {
	until := time.Now().Add(r.cfg.Settle)
	for {
		held, err := r.cfg.Ledger(ctx)
		if err == nil {
			if missing := r.compare(held); missing == 0 || time.Now().After(until) {
				return nil
			}
		} else if time.Now().After(until) {
			return fmt.Errorf("read the ledger: %w", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(2 * time.Second):
		}
	}
}

// compare fills the report's last part, and returns how many finished battles the ledger does not hold.
func (r *run) compare(held map[string]int) int {
	p := &r.report
	p.InLedger, p.Unrecorded, p.Lost, p.Double = 0, 0, nil, nil
	for battle, f := range r.battles {
		switch {
		case held[battle] > 0:
			p.InLedger++
		case f.recorded:
			p.Lost = append(p.Lost, battle)
		case f.over:
			p.Unrecorded++
		}
	}
	for battle, n := range held {
		if n > 1 {
			p.Double = append(p.Double, battle)
		}
	}
	slices.Sort(p.Lost)
	slices.Sort(p.Double)
	return len(p.Lost) + p.Unrecorded
}
