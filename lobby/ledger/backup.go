package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A backup's file is `ledger-<time>.db`, in UTC, so that names sort by age. What is still being written ends in `.partial`.
const (
	stamp         = "20060102T150405.000Z"
	backupPrefix  = "ledger-"
	backupSuffix  = ".db"
	partialSuffix = ".partial"
)

// backup is a backup that is there.
type backup struct {
	path string
	at   time.Time
	size int64
}

// listBackups returns the backups in a folder, the newest first; none where the folder is missing.
func listBackups(dir string) ([]backup, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var all []backup
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name(), backupPrefix)
		text, cut := strings.CutSuffix(text, backupSuffix)
		at, err := time.Parse(stamp, text)
		if !ok || !cut || err != nil || !e.Type().IsRegular() {
			continue // somebody else's
		}
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list backups: %w", err)
		}
		all = append(all, backup{path: filepath.Join(dir, e.Name()), at: at, size: info.Size()})
	}
	slices.SortFunc(all, func(a, b backup) int { return b.at.Compare(a.at) })
	return all, nil
}

// newestBackup is for what is only told.
func newestBackup(dir string) (backup, bool) {
	all, err := listBackups(dir)
	if err != nil || len(all) == 0 {
		return backup{}, false
	}
	return all[0], true
}

// Backup writes a copy of the ledger as it is now to a new file in the folder dir, which it makes, checks the copy, and returns its path. Recording goes
// on meanwhile. The file appears whole or not at all.
func (l *Ledger) Backup(ctx context.Context, dir string) (string, error) {
	l.backing.Lock()
	defer l.backing.Unlock()
	start := time.Now()
	b, err := l.backup(ctx, dir, start)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.stats.BackupFailures++
		return "", fmt.Errorf("back the ledger up: %w", err)
	}
	l.stats.Backups++
	l.stats.LastBackup, l.stats.LastBackupBytes, l.stats.LastBackupTook = b.at, b.size, time.Since(start)
	return b.path, nil
}

func (l *Ledger) backup(ctx context.Context, dir string, now time.Time) (backup, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return backup{}, err
	}
	if err := removePartial(dir); err != nil {
		return backup{}, err
	}
	// Each has a name of its own and a later one than those before, whatever the clock says: the newest is what is restored.
	at := now.UTC().Truncate(time.Millisecond)
	if newest, ok := newestBackup(dir); ok && !at.After(newest.at) {
		at = newest.at.Add(time.Millisecond)
	}
	path := filepath.Join(dir, backupPrefix+at.Format(stamp)+backupSuffix)
	tmp := path + partialSuffix
	size, err := l.vacuum(ctx, tmp)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return backup{}, errors.Join(err, removePartial(dir))
	}
	if err := syncDir(dir); err != nil {
		return backup{}, err
	}
	return backup{path: path, at: at, size: size}, nil
}

// vacuum writes a checked copy to path, on the disk, and returns its size.
func (l *Ledger) vacuum(ctx context.Context, path string) (int64, error) {
	db, err := connect(l.path, copying)
	if err != nil {
		return 0, err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	if err = errors.Join(err, db.Close()); err != nil {
		return 0, failed("copy", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	// It has the rights of the ledger, not those that SQLite gives to a new file.
	err = errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
	if err != nil {
		return 0, err
	}
	if err := checkFile(ctx, path, looking); err != nil {
		return 0, fmt.Errorf("the copy: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// removePartial removes what backups that were cut short have left.
func removePartial(dir string) error {
	all, err := filepath.Glob(filepath.Join(escapeGlob(dir), backupPrefix+"*"+partialSuffix+"*"))
	if err != nil {
		return err
	}
	for _, path := range all {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// escapeGlob makes a path a pattern that is that path alone.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// prune removes all but the newest backups.
func prune(dir string, keep int) error {
	all, err := listBackups(dir)
	if err != nil {
		return err
	}
	for _, b := range all[min(keep, len(all)):] {
		err = errors.Join(err, os.Remove(b.path))
	}
	if err != nil {
		return fmt.Errorf("remove old backups: %w", err)
	}
	return nil
}

// retryBackup is the longest time after which a backup that failed is tried again.
const retryBackup = 10 * time.Minute

// RunBackups makes a backup in the folder dir whenever the newest one is older than every, and keeps the newest ones, until ctx ends. One that fails
// is logged, counted, and tried again; then none is removed.
func (l *Ledger) RunBackups(ctx context.Context, dir string, every time.Duration, keep int) error {
	if every <= 0 || keep < 1 {
		return fmt.Errorf("backups: every %s and keep %d must be more than 0", every, keep)
	}
	wait := time.Duration(0)
	if newest, ok := newestBackup(dir); ok {
		wait = min(every, time.Until(newest.at.Add(every))) // no longer, also where the clock was put back
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = every
		path, err := l.Backup(ctx, dir)
		if err == nil {
			s := l.Stats()
			l.log.Info("backed the ledger up", "file", path, "bytes", s.LastBackupBytes, "ms", s.LastBackupTook.Milliseconds())
			err = prune(dir, keep)
		} else {
			wait = min(every, retryBackup)
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // It was told to end.
		}
		if err != nil {
			l.log.Error("backups of the ledger fail", "error", err)
		}
	}
}
