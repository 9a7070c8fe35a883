package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// besides are the files that SQLite keeps beside a database.
var besides = []string{"-wal", "-shm"}

// mend leaves at the ledger's path a database that passed its check, or none. It may be cut short anywhere: the next start goes on with it.
func (l *Ledger) mend(ctx context.Context, backups string) error {
	there, err := exists(l.path)
	if err != nil {
		return fmt.Errorf("look at ledger: %w", err)
	}
	var reason, aside string
	if there {
		err := checkFile(ctx, l.path, writing)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrDamaged) {
			return fmt.Errorf("ledger %s: %w", l.path, err)
		}
		reason = err.Error()
		aside = l.path + ".damaged-" + time.Now().UTC().Format(stamp)
		l.log.Error("the ledger is damaged: keeping it aside", "file", aside, "error", reason)
	} else {
		reason = "ledger is missing"
	}
	if err := l.moveAside(aside); err != nil {
		return fmt.Errorf("keep damaged ledger aside: %w", err)
	}
	backup, err := l.restore(ctx, backups)
	if err != nil {
		return fmt.Errorf("restore ledger: %w", err)
	}
	if !there && backup == "" {
		return nil // the first start
	}
	l.recovery = &Recovery{Reason: reason, Kept: aside, Backup: backup}
	if backup == "" {
		l.log.Error("no good backup of the ledger: beginning with an empty one", "reason", reason)
	} else {
		l.log.Error("restored the ledger from a backup: what came later is read again from the stream", "backup", backup, "reason", reason)
	}
	return nil
}

// moveAside moves the database away, to be looked at. Its WAL goes first: beside another database it would be taken for that one's. Without a
// database to keep, a WAL by itself is of no use.
func (l *Ledger) moveAside(aside string) error {
	for _, suffix := range append(besides, "") {
		var err error
		if aside != "" {
			err = os.Rename(l.path+suffix, aside+suffix)
		} else {
			err = os.Remove(l.path + suffix)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return syncDir(filepath.Dir(l.path))
}

// restore puts the newest good backup in the ledger's place, and returns its path; empty if there is none.
func (l *Ledger) restore(ctx context.Context, dir string) (string, error) {
	all, err := listBackups(dir)
	if err != nil {
		return "", err
	}
	for _, b := range all {
		err := checkFile(ctx, b.path, looking)
		if errors.Is(err, ErrDamaged) {
			l.log.Error("a backup of the ledger is damaged: trying the one before", "backup", b.path, "error", err)
			continue
		}
		if err != nil {
			return "", err
		}
		return b.path, copyFile(b.path, l.path)
	}
	return "", nil
}

// copyFile copies a file to where it appears whole or not at all, and stays.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	tmp := to + ".partial"
	out, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(tmp, to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return syncDir(filepath.Dir(to))
}
