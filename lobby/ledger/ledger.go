// Package ledger keeps how the city's battles ended, each once, in SQLite.
//
// # What is promised
//
// What [Ledger.Record] has returned for without an error outlives the death of the process, of the node and of its power: the database is in WAL
// mode with synchronous=FULL, so that a commit is on the disk before it returns. A battle is recorded once, by its identity, however often its result
// comes. A batch of results and the position in the stream that they came from are one transaction, and so a reader of the stream that starts
// behind [Ledger.Position] neither loses nor repeats any.
//
// One connection writes; a few read and are not held up by it. A lock on the file `<path>.lock` keeps a second process out.
//
// # Damage
//
// [Open] checks the file first. One that is damaged is moved aside to `<path>.damaged-<time>`, and kept; the newest backup that is good takes its
// place, and without one an empty ledger. The same is done for a ledger that is missing or empty while there are backups: to begin with an empty
// one, move those too. Since the position is in the database, what was recorded after the backup comes again from the stream, if the stream still
// has it: let backups be made far more often than the stream forgets (6 hours against 7 days). See [Ledger.Recovered].
//
// # Size and time
//
// A battle of 10 players takes some 450 bytes, so a city with a hundredth of 500,000 battles a day gains 2.3 MB a day. Nothing is ever removed: that
// is for whoever owns the results to decide. A backup is as large as the ledger, and all of them together are `keep` times that.
//
// A battle takes 0.1 ms of a core to record, and a batch one wait for the disk. The check when the ledger is opened takes 5 ms of a core for each
// 1,000 battles, a backup with its check 8 ms; so a city's lobby starts 10 s later after a year. `go test -bench . ./lobby/ledger` measures them.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// ErrUnknown is that a battle is not in the ledger.
var ErrUnknown = errors.New("battle is not in the ledger")

// ErrDamaged is that the database is damaged. The next [Open] mends it.
var ErrDamaged = errors.New("ledger is damaged")

// Position is a place in the stream of results.
type Position struct {
	// Created is when the stream was made: one that is made anew has another.
	Created time.Time
	// Sequence is the number of a message in it, from 1; 0 is before the first.
	Sequence uint64
}

// Entry is a message of the stream.
type Entry struct {
	// At is its place.
	At Position
	// Result is what it says. Nil is a message that was no result: only the position goes on.
	Result *report.Result
}

// Stats are what a [Ledger] has counted since it was opened.
type Stats struct {
	// Recorded counts battles that were new, Duplicates results of battles that were there already.
	Recorded, Duplicates uint64
	// Backups and BackupFailures count backups.
	Backups, BackupFailures uint64
	// LastBackup is when the newest good one was begun; zero if none is known. LastBackupBytes and LastBackupTook are its size, and the time that it
	// took with its check if it was made since the start.
	LastBackup      time.Time
	LastBackupBytes int64
	LastBackupTook  time.Duration
}

// Recovery is what [Open] did about a ledger that was damaged or missing.
type Recovery struct {
	// Reason is what was wrong.
	Reason string
	// Kept is where the damaged file is; empty if there was none.
	Kept string
	// Backup is the backup that took its place; empty if there was none that is good.
	Backup string
}

// Option changes how a ledger is opened.
type Option func(*options)

type options struct {
	backups string
	log     *slog.Logger
}

// WithBackups names the folder of backups to restore from. Default is `backups` beside the ledger.
func WithBackups(dir string) Option { return func(o *options) { o.backups = dir } }

// WithLogger takes what happens to the ledger. Default is none.
func WithLogger(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// Ledger is an open ledger. Its methods may be called by several goroutines at once.
type Ledger struct {
	path     string
	log      *slog.Logger
	lock     *os.File
	write    *sql.DB // one connection
	read     *sql.DB
	inserts  inserts
	recovery *Recovery

	recorded, duplicates atomic.Uint64
	backing              sync.Mutex // one backup at a time
	mu                   sync.Mutex // guards stats
	stats                Stats
}

// readers is how many connections read.
const readers = 4

// lockWait is how long to wait for another process to let go of the ledger: one that is just ending.
const lockWait = 10 * time.Second

// Open opens the ledger at path, which is made where there is none; its folder must be there. It mends a damaged one, see above, and brings its schema up
// to date. A schema that is newer than this program is refused.
func Open(ctx context.Context, path string, opts ...Option) (*Ledger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find ledger: %w", err)
	}
	o := options{backups: filepath.Join(filepath.Dir(path), "backups"), log: slog.New(slog.DiscardHandler)}
	for _, opt := range opts {
		opt(&o)
	}
	l := &Ledger{path: path, log: o.log}
	if l.lock, err = lock(ctx, path+".lock"); err != nil {
		return nil, fmt.Errorf("lock ledger %s: %w", path, err)
	}
	if err := l.open(ctx, o.backups); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// open makes the file good and the connections to it.
func (l *Ledger) open(ctx context.Context, backups string) error {
	if err := l.mend(ctx, backups); err != nil {
		return err
	}
	var err error
	if l.write, err = connect(l.path, writing); err != nil {
		return err
	}
	l.write.SetMaxOpenConns(1)
	if err := migrate(ctx, l.write, migrations()); err != nil {
		return fmt.Errorf("ledger %s: %w", l.path, err)
	}
	// The file's name must be on the disk too.
	if err := syncDir(filepath.Dir(l.path)); err != nil {
		return fmt.Errorf("make ledger durable: %w", err)
	}
	if l.inserts, err = prepareInserts(ctx, l.write); err != nil {
		return err
	}
	if l.read, err = connect(l.path, reading); err != nil {
		return err
	}
	l.read.SetMaxOpenConns(readers)
	l.read.SetMaxIdleConns(readers)
	if newest, ok := newestBackup(backups); ok {
		l.stats.LastBackup, l.stats.LastBackupBytes = newest.at, newest.size
	}
	return nil
}

// Close closes the ledger. It waits for what is being recorded.
func (l *Ledger) Close() error {
	var errs []error
	for _, db := range []*sql.DB{l.read, l.write} { // the writer last: it folds the WAL into the database
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if err := errors.Join(append(errs, l.lock.Close())...); err != nil {
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}

// Recovered returns what [Open] had to do about a damaged or missing ledger, or nil.
func (l *Ledger) Recovered() *Recovery { return l.recovery }

// Stats returns what has been counted.
func (l *Ledger) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Recorded, s.Duplicates = l.recorded.Load(), l.duplicates.Load()
	return s
}

// Position returns how far the stream has been recorded; zero before the first batch.
func (l *Ledger) Position(ctx context.Context) (Position, error) {
	var created, sequence int64
	err := l.read.QueryRowContext(ctx, `SELECT created, sequence FROM stream`).Scan(&created, &sequence)
	if errors.Is(err, sql.ErrNoRows) {
		return Position{}, nil
	}
	if err != nil {
		return Position{}, failed("read position in the stream", err)
	}
	return Position{Created: time.Unix(0, created).UTC(), Sequence: uint64(sequence)}, nil
}

// Count returns the number of battles. It counts them all, which takes 5 ms of a core for each 100,000.
func (l *Ledger) Count(ctx context.Context) (int, error) {
	var n int
	if err := l.read.QueryRowContext(ctx, `SELECT count(*) FROM battles`).Scan(&n); err != nil {
		return 0, failed("count battles", err)
	}
	return n, nil
}

// Battle returns how a battle ended, or [ErrUnknown].
func (l *Ledger) Battle(ctx context.Context, id ticket.ID) (report.Result, error) {
	r := report.Result{Battle: id.String(), Players: []report.Score{}}
	var row int64
	// A battle and its scores come in one transaction and never change, so two queries see what one would.
	err := l.read.QueryRowContext(ctx, `SELECT id, pod, run, room, outcome, started_at, ended_at, ticks, tick_rate FROM battles WHERE battle = ?`, id[:]).
		Scan(&row, &r.Pod, &r.Run, &r.Room, &r.Outcome, &r.StartedAt, &r.EndedAt, &r.Ticks, &r.TickRate)
	if errors.Is(err, sql.ErrNoRows) {
		return report.Result{}, ErrUnknown
	}
	if err != nil {
		return report.Result{}, failed("read battle", err)
	}
	rows, err := l.read.QueryContext(ctx, `SELECT player, points, gone FROM scores WHERE battle_id = ? ORDER BY place`, row)
	if err != nil {
		return report.Result{}, failed("read scores", err)
	}
	defer func() { _ = rows.Close() }() // Err says what Close would
	for rows.Next() {
		var player []byte
		var s report.Score
		if err := rows.Scan(&player, &s.Points, &s.Left); err != nil {
			return report.Result{}, failed("read scores", err)
		}
		if len(player) != len(ticket.ID{}) {
			return report.Result{}, fmt.Errorf("read scores: %w: player of %d bytes", ErrDamaged, len(player))
		}
		s.Player = ticket.ID(player).String()
		r.Players = append(r.Players, s)
	}
	if err := rows.Err(); err != nil {
		return report.Result{}, failed("read scores", err)
	}
	return r, nil
}

// Check looks at every page, row and index of the ledger, which reads all of it: [ErrDamaged] is what it is for.
func (l *Ledger) Check(ctx context.Context) error {
	return check(ctx, l.read, "integrity_check")
}

// failed says what was being done, and whether the database is damaged.
func failed(what string, err error) error {
	if isDamage(err) {
		return fmt.Errorf("%s: %w: %w", what, ErrDamaged, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// isDamage says whether SQLite found the file to be none of its own, or broken.
func isDamage(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff // the rest says where
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// lock takes the file for this process alone.
func lock(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lockWait, errors.New("another process has it"))
	defer cancel()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), f.Close())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// syncDir puts the names in a folder on the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// exists says whether there is a file with something in it.
func exists(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return info.Size() > 0, nil
}
