package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// inserts are the statements of a batch.
type inserts struct{ battle, score, position *sql.Stmt }

func prepareInserts(ctx context.Context, db *sql.DB) (inserts, error) {
	var in inserts
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&in.battle, `INSERT INTO battles (battle, pod, run, room, outcome, started_at, ended_at, ticks, tick_rate, recorded_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (battle) DO NOTHING`},
		{&in.score, `INSERT INTO scores (battle_id, place, player, points, gone) VALUES (?, ?, ?, ?, ?)`},
		{&in.position, `INSERT INTO stream (one, created, sequence) VALUES (1, ?, ?)
			ON CONFLICT (one) DO UPDATE SET created = excluded.created, sequence = excluded.sequence`},
	} {
		stmt, err := db.PrepareContext(ctx, p.text)
		if err != nil {
			return in, failed("prepare ledger", err)
		}
		*p.stmt = stmt
	}
	return in, nil
}

// Record takes a batch in the order of the stream: all of it, with the position of its last entry, or with an error nothing. Battles that are
// there already stay as they are.
//
// The position is what the batch says, also where it is behind the one before: the reader of the stream knows when that was made anew. An
// entry of no stream, its position zero, leaves it.
func (l *Ledger) Record(ctx context.Context, batch []Entry) error {
	if len(batch) == 0 {
		return nil
	}
	rows := make([]row, 0, len(batch))
	for _, e := range batch {
		if e.Result == nil {
			continue
		}
		r, err := newRow(e.Result)
		if err != nil {
			return fmt.Errorf("record battle: message %d: %w", e.At.Sequence, err)
		}
		rows = append(rows, r)
	}
	// A batch takes some ms. Once begun it is not cut short: each of its statements would have to be watched for that.
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("record battles: %w", context.Cause(ctx))
	}
	ctx = context.WithoutCancel(ctx)
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return failed("record battles: begin", err)
	}
	added, err := l.insert(ctx, tx, rows, batch[len(batch)-1].At)
	if err != nil {
		return errors.Join(failed("record battles", err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return failed("record battles: commit", err)
	}
	l.recorded.Add(uint64(added))
	l.duplicates.Add(uint64(len(rows) - added))
	return nil
}

// insert returns how many battles were new.
func (l *Ledger) insert(ctx context.Context, tx *sql.Tx, rows []row, at Position) (added int, err error) {
	battle, score := tx.StmtContext(ctx, l.inserts.battle), tx.StmtContext(ctx, l.inserts.score)
	now := time.Now().UnixMilli()
	for i := range rows {
		r := &rows[i]
		done, err := battle.ExecContext(ctx, r.battle[:], r.Pod, r.Run, r.Room, string(r.Outcome), r.StartedAt, r.EndedAt, r.Ticks, r.TickRate, now)
		if err != nil {
			return 0, err
		}
		if n, err := done.RowsAffected(); err != nil {
			return 0, err
		} else if n == 0 {
			continue
		}
		id, err := done.LastInsertId()
		if err != nil {
			return 0, err
		}
		added++
		for place, s := range r.Players {
			if _, err := score.ExecContext(ctx, id, place, r.players[place][:], s.Points, s.Left); err != nil {
				return 0, err
			}
		}
	}
	if at == (Position{}) {
		return added, nil
	}
	_, err = tx.StmtContext(ctx, l.inserts.position).ExecContext(ctx, at.Created.UnixNano(), int64(at.Sequence))
	return added, err
}

// row is a result with its identities as they are stored.
type row struct {
	*report.Result
	battle  ticket.ID
	players []ticket.ID
}

func newRow(r *report.Result) (row, error) {
	out := row{Result: r, players: make([]ticket.ID, len(r.Players))}
	var err error
	if out.battle, err = ticket.ParseID(r.Battle); err != nil {
		return row{}, fmt.Errorf("battle: %w", err)
	}
	for i, s := range r.Players {
		if out.players[i], err = ticket.ParseID(s.Player); err != nil {
			return row{}, fmt.Errorf("players[%d]: %w", i, err)
		}
	}
	return out, nil
}
