package ledger

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

var created = time.Date(2026, 11, 7, 12, 0, 0, 123456789, time.UTC)

// battleID is the identity of battle n.
func battleID(n uint64) ticket.ID {
	id := ticket.ID{0: 0xba}
	binary.BigEndian.PutUint64(id[8:], n*0x9E3779B97F4A7C15) // spread, as random ones are
	return id
}

// battle is the result of battle n, and message n of the stream.
func battle(n uint64) Entry {
	r := &report.Result{
		Battle: battleID(n).String(), Pod: "real-time-battle-7d4b9c-x2x4z", Run: fmt.Sprintf("%016x", n), Room: int(n % 16), Outcome: report.Finished,
		StartedAt: 1_800_000_000_000 + int64(n), EndedAt: 1_800_000_300_000 + int64(n), Ticks: 36000, TickRate: 120, Players: []report.Score{},
	}
	for i := range 10 {
		r.Players = append(r.Players, report.Score{Player: ticket.ID{0: byte(i), 1: byte(n)}.String(), Points: i * int(n), Left: i == 3})
	}
	return Entry{At: Position{Created: created, Sequence: n}, Result: r}
}

func battles(first, last uint64) []Entry {
	var all []Entry
	for n := first; n <= last; n++ {
		all = append(all, battle(n))
	}
	return all
}

func open(t testing.TB, path string, opts ...Option) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), path, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "ledger ?#%1.db") } // a name that is no URL

func count(t testing.TB, l *Ledger) int {
	t.Helper()
	n, err := l.Count(t.Context())
	require.NoError(t, err)
	return n
}

func sequence(t testing.TB, l *Ledger) uint64 {
	t.Helper()
	at, err := l.Position(t.Context())
	require.NoError(t, err)
	return at.Sequence
}

// holds asserts that the ledger holds battles first to last, each as it was recorded.
func holds(t *testing.T, l *Ledger, first, last uint64) {
	t.Helper()
	for n := first; n <= last; n++ {
		got, err := l.Battle(t.Context(), battleID(n))
		require.NoError(t, err, "battle %d", n)
		require.Equal(t, *battle(n).Result, got)
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	l := open(t, path)
	require.Nil(t, l.Recovered())
	at, err := l.Position(t.Context())
	require.NoError(t, err)
	require.Zero(t, at)
	_, err = l.Battle(t.Context(), battleID(1))
	require.ErrorIs(t, err, ErrUnknown)

	require.NoError(t, l.Record(t.Context(), nil))
	require.NoError(t, l.Record(t.Context(), battles(1, 3)))
	require.NoError(t, l.Record(t.Context(), battles(3, 5)))                                                     // 3 comes again
	require.NoError(t, l.Record(t.Context(), []Entry{battle(6), battle(6), {At: Position{created, 9}}}))         // in one batch too; 7 to 9 were none
	require.NoError(t, l.Record(t.Context(), []Entry{{Result: battle(10).Result}}))                              // from elsewhere
	require.NoError(t, l.Record(t.Context(), []Entry{{At: Position{created, 12}}, {At: Position{created, 13}}})) // none at all
	changed := battle(1)
	changed.Result.Outcome, changed.Result.Players = report.Drained, nil
	changed.At.Sequence = 14
	require.NoError(t, l.Record(t.Context(), []Entry{changed})) // the first word counts
	s := l.Stats()
	require.Equal(t, [2]uint64{7, 3}, [2]uint64{s.Recorded, s.Duplicates})
	require.NoError(t, l.Check(t.Context()))
	require.NoError(t, l.Close())

	l = open(t, path)
	require.Equal(t, 7, count(t, l))
	holds(t, l, 1, 6)
	holds(t, l, 10, 10)
	at, err = l.Position(t.Context())
	require.NoError(t, err)
	require.Equal(t, Position{created, 14}, at)

	// A stream that is made anew begins again.
	other := created.Add(time.Nanosecond)
	require.NoError(t, l.Record(t.Context(), []Entry{{At: Position{Created: other}}}))
	at, err = l.Position(t.Context())
	require.NoError(t, err)
	require.Equal(t, Position{other, 0}, at)
}

func TestRecordTakesAllOrNothing(t *testing.T) {
	t.Parallel()
	l := open(t, newPath(t))
	require.NoError(t, l.Record(t.Context(), battles(1, 1)))
	for name, tc := range map[string]struct {
		change func(*report.Result)
		want   string
	}{
		"no battle":       {func(r *report.Result) { r.Battle = "x" }, "record battle: message 3: battle: identity must be 32 hexadecimal digits"},
		"no player":       {func(r *report.Result) { r.Players[9].Player = "Ann" }, "record battle: message 3: players[9]: identity must be 32 hexadecimal digits"},
		"another outcome": {func(r *report.Result) { r.Outcome = "won" }, "record battles: constraint failed: CHECK constraint failed"},
	} {
		t.Run(name, func(t *testing.T) {
			batch := battles(2, 3)
			tc.change(batch[1].Result)
			err := l.Record(t.Context(), batch)
			require.ErrorContains(t, err, tc.want)
			require.NotErrorIs(t, err, ErrDamaged)
			require.Equal(t, 1, count(t, l))
			require.Equal(t, uint64(1), sequence(t, l))
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.Record(ctx, battles(2, 2)), context.Canceled)
	require.NoError(t, l.Record(t.Context(), battles(2, 2)))
	require.Equal(t, 2, count(t, l))
}

func TestCommitsAreDurable(t *testing.T) {
	t.Parallel()
	l := open(t, newPath(t))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		require.NoError(t, l.write.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got))
		require.Equal(t, want, got, pragma)
	}
	_, err := l.read.ExecContext(t.Context(), "DELETE FROM battles")
	require.ErrorContains(t, err, "readonly")
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	l := open(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
	defer cancel()
	_, err := Open(ctx, path)
	require.ErrorContains(t, err, "lock ledger "+path)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	opened := make(chan error, 1)
	go func() {
		second, err := Open(t.Context(), path)
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	time.Sleep(20 * time.Millisecond)
	require.NoError(t, l.Close())
	require.NoError(t, <-opened)
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "missing", "ledger.db"))
	require.ErrorIs(t, err, os.ErrNotExist)
	dir := t.TempDir()
	_, err = Open(t.Context(), dir)
	require.Error(t, err)
	require.DirExists(t, dir)
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := connect(newPath(t), writing)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	version := func() (n int) {
		require.NoError(t, db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&n))
		return n
	}
	steps := migrations()
	require.NoError(t, migrate(ctx, db, steps))
	require.Equal(t, len(steps), version())
	require.NoError(t, migrate(ctx, db, steps)) // again does nothing

	// One that fails half way leaves the schema before it, and those before it.
	more := slices.Concat(steps, []string{"CREATE TABLE a (x) STRICT", "CREATE TABLE a (x INTEGER) STRICT; SELECT nothing FROM nowhere"})
	more[len(steps)] = "CREATE TABLE a (x INTEGER) STRICT"
	err = migrate(ctx, db, more)
	require.ErrorContains(t, err, fmt.Sprintf("migrate to schema %d: ", len(steps)+2))
	require.Equal(t, len(steps)+1, version())
	more[len(steps)+1] = "ALTER TABLE a ADD COLUMN y INTEGER; INSERT INTO a VALUES (1, 2)"
	require.NoError(t, migrate(ctx, db, more))
	require.NoError(t, migrate(ctx, db, more))
	require.Equal(t, len(steps)+2, version())
	var rows int
	require.NoError(t, db.QueryRowContext(ctx, "SELECT count(*) FROM a WHERE y = 2").Scan(&rows))
	require.Equal(t, 1, rows)

	require.EqualError(t, migrate(ctx, db, steps), fmt.Sprintf(
		"has schema %d, and this program knows %d at most: run the version that made it, or a newer one", len(steps)+2, len(steps)))
}

func TestNewerSchemaIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	l := open(t, path)
	require.NoError(t, l.Record(t.Context(), battles(1, 2)))
	_, err := l.Backup(t.Context(), filepath.Join(filepath.Dir(path), "backups"))
	require.NoError(t, err)
	_, err = l.write.ExecContext(t.Context(), "PRAGMA user_version = 99")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = Open(t.Context(), path)
	require.ErrorContains(t, err, "ledger "+path+": has schema 99, and this program knows 1 at most")
	db, err := sql.Open("sqlite", filepath.Dir(path)+"/x")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	kept, err := filepath.Glob(filepath.Dir(path) + "/*damaged*")
	require.NoError(t, err)
	require.Empty(t, kept)
}

// Readers see whole batches, whatever is written and backed up meanwhile.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	l := open(t, path)
	dir := filepath.Join(filepath.Dir(path), "backups")
	const batches, size = 40, 8
	var done atomic.Bool
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for !done.Load() {
				at, err := l.Position(t.Context())
				n, err2 := l.Count(t.Context())
				if err != nil || err2 != nil || n%size != 0 || uint64(n) < at.Sequence {
					t.Errorf("position %d (%v), count %d (%v)", at.Sequence, err, n, err2)
					return
				}
				if at.Sequence == 0 {
					continue
				}
				if r, err := l.Battle(t.Context(), battleID(at.Sequence)); err != nil || len(r.Players) != 10 {
					t.Errorf("battle %d: %d players, %v", at.Sequence, len(r.Players), err)
					return
				}
			}
		})
	}
	group.Go(func() {
		for !done.Load() {
			if _, err := l.Backup(t.Context(), dir); err != nil {
				t.Error(err)
				return
			}
		}
	})
	var writers sync.WaitGroup
	for w := range uint64(2) { // the same battles by two: each once
		writers.Go(func() {
			for i := range uint64(batches) {
				if err := l.Record(t.Context(), battles(i*size+1, (i+1)*size)); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	writers.Wait()
	done.Store(true)
	group.Wait()
	require.Equal(t, batches*size, count(t, l))
	s := l.Stats()
	require.Equal(t, [2]uint64{batches * size, batches * size}, [2]uint64{s.Recorded, s.Duplicates})
	all, err := listBackups(dir)
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, b := range all {
		db, err := connect(b.path, looking)
		require.NoError(t, err)
		var n, scores int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*), (SELECT count(*) FROM scores) FROM battles").Scan(&n, &scores))
		require.NoError(t, db.Close())
		require.Zero(t, n%size)
		require.Equal(t, n*10, scores)
	}
}
