package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // The driver of the plain inserts, and of the ledger.

	battlereport "github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/joinpolicy"
	"github.com/edge-arena/edge-arena/lobby/joinpolicy/policy"
	"github.com/edge-arena/edge-arena/lobby/ledger"
)

// batches are how many results the ledger is given at a time: one, and the most that the lobby takes from the stream at once.
func batches() []int { return []int{1, 16, 256} }

// decisions asks the join policy, as the lobby runs it, about a player and a battle with nine others.
func (r *runner) decisions(ctx context.Context, result *Lobby) (err error) {
	n := 20_000
	if r.cfg.Quick {
		n = 2_000
	}
	dir, err := os.MkdirTemp("", "arena-bench-")
	if err != nil {
		return fmt.Errorf("open the join policy: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "join.rego")
	if err := os.WriteFile(file, []byte(policy.Join), 0o600); err != nil {
		return fmt.Errorf("open the join policy: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "decisions.log"))
	if err != nil {
		return fmt.Errorf("open the join policy: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	var times []time.Duration
	p, err := joinpolicy.Open(ctx, file, log, joinpolicy.Options{
		OnDecision: func(_ joinpolicy.Result, eval time.Duration) { times = append(times, eval) },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	in := joinpolicy.Input{
		Action: joinpolicy.ActionJoin, User: joinpolicy.User{ID: ticket.ID{1}.String(), Role: "player"},
		Game: joinpolicy.Game{ID: ticket.ID{2}.String(), Status: "waiting"},
	}
	for i := range 9 {
		in.Game.Players = append(in.Game.Players, ticket.ID{3, byte(i)}.String())
	}
	err = r.p.Step(ctx, fmt.Sprintf("%d decisions of the join policy", n), func(ctx context.Context) error {
		for range n {
			allowed, err := p.Allow(ctx, in)
			if err != nil {
				return err
			}
			if !allowed {
				return errors.New("the join policy denies a player who may join")
			}
		}
		return nil
	})
	result.Decision = timesOf(times)
	return err
}

// ledger records results in the ledger, by batches of several sizes, and beside it in a table by plain inserts of the same durability.
func (r *runner) ledger(ctx context.Context, result *Lobby) error {
	commits := 400
	if r.cfg.Quick {
		commits = 40
	}
	// On the disk of the checkout, which is the node's too where the node is a container of this machine.
	dir, err := os.MkdirTemp(r.cfg.Scratch, "bench-ledger-")
	if err != nil {
		return fmt.Errorf("measure the ledger: %w", err)
	}
	err = r.p.Step(ctx, fmt.Sprintf("%d commits each of plain inserts and of the ledger", commits), func(ctx context.Context) (err error) {
		if result.PlainPerSecond, err = plainInserts(ctx, filepath.Join(dir, "plain.db"), commits); err != nil {
			return err
		}
		for _, size := range batches() {
			rate, err := recorded(ctx, filepath.Join(dir, fmt.Sprintf("ledger-%d.db", size)), commits, size)
			if err != nil {
				return err
			}
			result.Ledger = append(result.Ledger, LedgerRate{Batch: size, PerSecond: rate})
		}
		return nil
	})
	return errors.Join(err, os.RemoveAll(dir))
}

// recorded is how many results a second the ledger takes.
func recorded(ctx context.Context, path string, commits, size int) (rate float64, err error) {
	l, err := ledger.Open(ctx, path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	created := time.Now()
	var spent time.Duration
	for n := range commits {
		batch := make([]ledger.Entry, size)
		for i := range batch {
			sequence := uint64(n*size + i + 1)
			batch[i] = ledger.Entry{At: ledger.Position{Created: created, Sequence: sequence}, Result: sampleResult(sequence)}
		}
		began := time.Now()
		if err := l.Record(ctx, batch); err != nil {
			return 0, err
		}
		spent += time.Since(began)
	}
	count, err := l.Count(ctx)
	if err == nil && count != commits*size {
		err = fmt.Errorf("the ledger holds %d battles of %d that were recorded", count, commits*size)
	}
	return float64(commits*size) / spent.Seconds(), err
}

// plainInserts is how many results a second SQLite takes that are one row each, with an identity that is there once, each a commit of its own.
func plainInserts(ctx context.Context, path string, n int) (rate float64, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE results (battle TEXT PRIMARY KEY, result TEXT NOT NULL) WITHOUT ROWID`); err != nil {
		return 0, fmt.Errorf("make a table in %s: %w", path, err)
	}
	var spent time.Duration
	for i := range n {
		result := sampleResult(uint64(i + 1))
		text, err := json.Marshal(result)
		if err != nil {
			return 0, fmt.Errorf("write a result: %w", err)
		}
		began := time.Now()
		if _, err := db.ExecContext(ctx, `INSERT INTO results VALUES (?, ?)`, result.Battle, text); err != nil {
			return 0, fmt.Errorf("insert a result: %w", err)
		}
		spent += time.Since(began)
	}
	return float64(n) / spent.Seconds(), nil
}

// sampleResult is that of a battle of ten players, another one for each n.
func sampleResult(n uint64) *battlereport.Result {
	id := ticket.ID{}
	for i := range 8 {
		id[i] = byte(n >> (8 * i))
	}
	ended := time.Now().UnixMilli()
	r := &battlereport.Result{
		Battle: id.String(), Pod: "real-time-battle-7d4b9c-x2x4z", Run: fmt.Sprintf("%016x", n), Room: int(n % 16), Outcome: battlereport.Finished,
		StartedAt: ended - 300_000, EndedAt: ended, Ticks: 36_000, TickRate: 120,
	}
	for i := range 10 {
		r.Players = append(r.Players, battlereport.Score{Player: ticket.ID{byte(i), byte(n), byte(n >> 8)}.String(), Points: i})
	}
	return r
}
