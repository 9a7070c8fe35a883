package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkRecord compares batches with plain inserts of the same durability: each statement a commit of its own. All report battles, of 10 players
// each, a second. The files are in the folder of temporary files: set TMPDIR to a folder on the disk that is meant.
func BenchmarkRecord(b *testing.B) {
	for _, size := range []uint64{1, 16, 256} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			l := open(b, newPath(b))
			next := uint64(1)
			for b.Loop() {
				b.StopTimer()
				batch := battles(next, next+size-1)
				next += size
				b.StartTimer()
				if err := l.Record(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(next-1)/b.Elapsed().Seconds(), "battles/s")
		})
	}
	b.Run("plain", func(b *testing.B) {
		l := open(b, newPath(b))
		next := uint64(1)
		for b.Loop() {
			r, err := newRow(battle(next).Result)
			require.NoError(b, err)
			next++
			_, err = l.write.ExecContext(b.Context(), `INSERT INTO battles (battle, pod, run, room, outcome, started_at, ended_at, ticks, tick_rate, recorded_at)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.battle[:], r.Pod, r.Run, r.Room, r.Outcome, r.StartedAt, r.EndedAt, r.Ticks, r.TickRate, 0)
			require.NoError(b, err)
			for place, s := range r.Players {
				_, err = l.write.ExecContext(b.Context(), `INSERT INTO scores (battle_id, place, player, points, gone)
					VALUES ((SELECT id FROM battles WHERE battle = ?), ?, ?, ?, ?)`, r.battle[:], place, r.players[place][:], s.Points, s.Left)
				require.NoError(b, err)
			}
		}
		b.ReportMetric(float64(next-1)/b.Elapsed().Seconds(), "battles/s")
	})
}

// BenchmarkLedger is what a ledger of 35,000 battles, a week of one city in a hundred, takes to read, to back up and to open.
func BenchmarkLedger(b *testing.B) {
	const size = 35_000
	path := newPath(b)
	dir := filepath.Join(filepath.Dir(path), "backups")
	l := open(b, path)
	for n := uint64(1); n <= size; n += 250 {
		require.NoError(b, l.Record(b.Context(), battles(n, n+249)))
	}
	b.Run("battle", func(b *testing.B) {
		n := uint64(0)
		for b.Loop() {
			n = n%size + 1
			if _, err := l.Battle(b.Context(), battleID(n)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.Count(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("backup", func(b *testing.B) {
		for b.Loop() {
			path, err := l.Backup(b.Context(), dir)
			require.NoError(b, err)
			require.NoError(b, os.Remove(path))
		}
		b.ReportMetric(float64(l.Stats().LastBackupBytes)/size, "B/battle")
	})
	require.NoError(b, l.Close())
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			l, err := Open(b.Context(), path)
			require.NoError(b, err)
			require.NoError(b, l.Close())
		}
	})
}
