package ledger

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// written makes a ledger of battles 1 to 300, with backups when it had 100 and 200, closes it, and returns its path and the backups.
func written(t *testing.T) (path string, backups []string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, path)
	for n := uint64(0); n < 300; n += 100 {
		require.NoError(t, l.Record(t.Context(), battles(n+1, n+100)))
		if n < 200 {
			b, err := l.Backup(t.Context(), filepath.Join(filepath.Dir(path), "backups"))
			require.NoError(t, err)
			backups = append(backups, b)
		}
	}
	require.NoError(t, l.Close())
	return path, backups
}

// overwrite writes zeros over part of a file.
func overwrite(t *testing.T, path string, at int64, size int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(make([]byte, size), at)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestDamagedLedger(t *testing.T) {
	t.Parallel()
	truncate := func(size int64) func(*testing.T, string, []string) {
		return func(t *testing.T, path string, _ []string) { require.NoError(t, os.Truncate(path, size)) }
	}
	for name, tc := range map[string]struct {
		damage func(t *testing.T, path string, backups []string)
		kept   bool // a damaged file is kept aside
		reason string
		holds  uint64
		backup int // 1 is the older, 0 none
	}{
		"a page is zeroed":      {func(t *testing.T, path string, _ []string) { overwrite(t, path, 8*4096, 4096) }, true, "ledger is damaged", 200, 2},
		"the header is gone":    {func(t *testing.T, path string, _ []string) { overwrite(t, path, 0, 100) }, true, "file is not a database", 200, 2},
		"cut off":               {truncate(9 * 4096), true, "ledger is damaged", 200, 2},
		"cut off in the header": {truncate(50), true, "ledger is damaged", 200, 2},
		"another file": {func(t *testing.T, path string, _ []string) {
			require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("something else\n", 1000)), 0o600))
		}, true, "file is not a database", 200, 2},
		"empty":   {truncate(0), false, "ledger is missing", 200, 2},
		"missing": {func(t *testing.T, path string, _ []string) { require.NoError(t, os.Remove(path)) }, false, "ledger is missing", 200, 2},
		"missing but for a WAL": {func(t *testing.T, path string, _ []string) {
			require.NoError(t, os.Rename(path, path+"-wal"))
		}, false, "ledger is missing", 200, 2},
		"the newest backup too": {func(t *testing.T, path string, backups []string) {
			overwrite(t, path, 4096, 4096)
			overwrite(t, backups[1], 8192, 4096)
		}, true, "ledger is damaged", 100, 1},
		"all backups too": {func(t *testing.T, path string, backups []string) {
			for _, p := range append(backups, path) {
				overwrite(t, p, 0, 4096)
			}
		}, true, "file is not a database", 0, 0},
		"no backup": {func(t *testing.T, path string, backups []string) {
			overwrite(t, path, 0, 4096)
			require.NoError(t, os.RemoveAll(filepath.Dir(backups[0])))
		}, true, "file is not a database", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, backups := written(t)
			tc.damage(t, path, backups)
			before, _ := os.ReadFile(path)
			var log bytes.Buffer
			l := open(t, path, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			r := l.Recovered()
			require.NotNil(t, r)
			require.Contains(t, r.Reason, tc.reason)
			require.Contains(t, log.String(), "level=ERROR")
			if tc.backup == 0 {
				require.Empty(t, r.Backup)
				require.Contains(t, log.String(), "beginning with an empty one")
			} else {
				require.Equal(t, backups[tc.backup-1], r.Backup)
				require.Contains(t, log.String(), "restored the ledger from a backup")
			}
			if tc.kept {
				kept, err := os.ReadFile(r.Kept)
				require.NoError(t, err)
				require.Equal(t, before, kept)
				require.Contains(t, log.String(), r.Kept)
			} else {
				require.Empty(t, r.Kept)
			}
			require.Equal(t, int(tc.holds), count(t, l))
			require.Equal(t, tc.holds, sequence(t, l))
			holds(t, l, 1, tc.holds)

			// What came later comes again from the stream.
			require.NoError(t, l.Record(t.Context(), battles(tc.holds+1, 300)))
			require.NoError(t, l.Check(t.Context()))
			require.NoError(t, l.Close())
			l = open(t, path)
			require.Nil(t, l.Recovered())
			holds(t, l, 1, 300)
			require.Equal(t, 300, count(t, l))
		})
	}
}

// A mend that was cut short is gone on with: the file is aside, the backup not yet there.
func TestMendIsCutShort(t *testing.T) {
	t.Parallel()
	path, backups := written(t)
	require.NoError(t, os.Rename(path, path+".damaged-1"))
	require.NoError(t, os.WriteFile(path+".partial", []byte("half"), 0o600))
	l := open(t, path)
	require.Equal(t, backups[1], l.Recovered().Backup)
	holds(t, l, 1, 200)
	require.NoFileExists(t, path+".partial")
}

// Whatever byte of the header is wrong, the ledger opens with all that it had, or is mended, or says that it cannot be; never is it silently empty.
func TestHeaderBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("opens a hundred ledgers")
	}
	t.Parallel()
	source, backups := written(t)
	text, err := os.ReadFile(source)
	require.NoError(t, err)
	for i := range 100 {
		for _, flip := range []byte{0xff, 0x01} {
			path := filepath.Join(t.TempDir(), "ledger.db")
			wrong := bytes.Clone(text)
			wrong[i] ^= flip
			require.NoError(t, os.WriteFile(path, wrong, 0o600))
			l, err := Open(t.Context(), path, WithBackups(filepath.Dir(backups[0])))
			if err != nil {
				require.ErrorContains(t, err, "has schema", "byte %d", i)
				continue
			}
			want := 300
			if l.Recovered() != nil {
				want = 200
			}
			require.Equal(t, want, count(t, l), "byte %d", i)
			require.NoError(t, l.Close())
		}
	}
}

func TestDamageWhileOpen(t *testing.T) {
	t.Parallel()
	path, _ := written(t)
	l := open(t, path)
	overwrite(t, path, 4096, 20*4096)
	err := l.Check(t.Context())
	require.ErrorIs(t, err, ErrDamaged)
	_, err = l.Backup(t.Context(), filepath.Join(filepath.Dir(path), "backups"))
	require.Error(t, err)
	require.Equal(t, uint64(1), l.Stats().BackupFailures)
	all, err := listBackups(filepath.Join(filepath.Dir(path), "backups"))
	require.NoError(t, err)
	require.Len(t, all, 2)
}

func TestBackupsAndRetention(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	dir := filepath.Join(filepath.Dir(path), "back [*] ups")
	require.NoError(t, os.Mkdir(dir, 0o755))
	for _, other := range []string{"notes.txt", "ledger-old.db", "ledger.db"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, other), []byte("mine"), 0o600))
	}
	half := filepath.Join(dir, "ledger-20200101T000000.000Z.db.partial")
	require.NoError(t, os.WriteFile(half, nil, 0o600))
	l := open(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.RunBackups(ctx, dir, 20*time.Millisecond, 3) }()
	for n := uint64(1); l.Stats().Backups < 8; n++ {
		require.NoError(t, l.Record(t.Context(), battles(n, n)))
		time.Sleep(time.Millisecond)
	}
	cancel()
	require.NoError(t, <-done)
	s := l.Stats()
	require.Zero(t, s.BackupFailures)
	require.Positive(t, s.LastBackupBytes)
	require.Positive(t, s.LastBackupTook)
	require.NoFileExists(t, half)

	all, err := listBackups(dir)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 3)
	require.LessOrEqual(t, len(all), 4) // one may be new and the oldest not yet removed
	require.Equal(t, all[0].at, s.LastBackup)
	require.True(t, all[0].at.After(all[1].at) && all[1].at.After(all[2].at))
	for _, other := range []string{"notes.txt", "ledger-old.db", "ledger.db"} {
		require.FileExists(t, filepath.Join(dir, other))
	}

	// A backup is a ledger.
	copied := filepath.Join(t.TempDir(), "copy.db")
	require.NoError(t, copyFile(all[0].path, copied))
	c := open(t, copied)
	holds(t, c, 1, sequence(t, c))
	require.Equal(t, all[0].at, open(t, filepath.Join(t.TempDir(), "new.db"), WithBackups(dir)).Stats().LastBackup)
}

func TestBackupsOnSchedule(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	dir := filepath.Join(filepath.Dir(path), "backups")
	l := open(t, path)
	_, err := l.Backup(t.Context(), dir)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.NoError(t, l.RunBackups(ctx, dir, time.Hour, 3)) // the one there is new enough
	require.Equal(t, uint64(1), l.Stats().Backups)

	// The newest backup has a later name than those before, also where the clock was put back.
	future := filepath.Join(dir, backupPrefix+time.Now().UTC().Add(time.Hour).Format(stamp)+backupSuffix)
	require.NoError(t, copyFile(l.path, future))
	b, err := l.Backup(t.Context(), dir)
	require.NoError(t, err)
	require.Greater(t, b, future)

	require.EqualError(t, l.RunBackups(t.Context(), dir, 0, 3), "backups: every 0s and keep 3 must be more than 0")
	require.EqualError(t, l.RunBackups(t.Context(), dir, time.Second, 0), "backups: every 1s and keep 0 must be more than 0")
}

func TestBackupThatFailsRemovesNone(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	l := open(t, path)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := l.Backup(t.Context(), file)
	require.ErrorContains(t, err, "back the ledger up: ")
	require.Equal(t, uint64(1), l.Stats().BackupFailures)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	_, err = l.Backup(ctx, dir)
	require.ErrorIs(t, err, context.Canceled)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries, fmt.Sprint(entries))
}
