package ledger

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childEnv makes the test's program record battles at the path that it holds until it is killed.
const childEnv = "EDGE_ARENA_TEST_LEDGER"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		fmt.Println("failed:", child(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// child does what the lobby does with a stream that never ends: it goes on behind the position, and says so once a batch is recorded.
func child(path string) error {
	ctx := context.Background()
	l, err := Open(ctx, path)
	if err != nil {
		return err
	}
	if l.Recovered() != nil {
		return fmt.Errorf("a kill damaged the ledger: %+v", l.Recovered())
	}
	go func() {
		for {
			_, _ = l.Backup(ctx, filepath.Join(filepath.Dir(path), "backups")) // may be killed at any moment too
			time.Sleep(5 * time.Millisecond)
		}
	}()
	at, err := l.Position(ctx)
	if err != nil {
		return err
	}
	for next := at.Sequence + 1; ; {
		last := next + rand.Uint64N(20)
		if err := l.Record(ctx, battles(next, last)); err != nil {
			return err
		}
		fmt.Println(last)
		next = last + 1
	}
}

func TestKilledWhileRecording(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	t.Parallel()
	path := newPath(t)
	program, err := os.Executable()
	require.NoError(t, err)
	acknowledged := uint64(0)
	for round := range 8 {
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Env = append(os.Environ(), childEnv+"="+path)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		var kill *time.Timer
		for lines.Scan() {
			n, err := strconv.ParseUint(lines.Text(), 10, 64)
			require.NoError(t, err, lines.Text())
			require.Greater(t, n, acknowledged)
			acknowledged = n
			if kill == nil { // at any moment of the recording that goes on; in the first round at once
				kill = time.AfterFunc(time.Duration(rand.IntN(100*round+1))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			}
		}
		require.ErrorContains(t, cmd.Wait(), "signal: killed")

		l, err := Open(t.Context(), path)
		require.NoError(t, err)
		require.Nil(t, l.Recovered())
		require.NoError(t, l.Check(t.Context()))
		at := sequence(t, l)
		require.GreaterOrEqual(t, at, acknowledged, "a batch that was acknowledged is lost")
		require.Equal(t, int(at), count(t, l), "a battle is lost or there twice")
		holds(t, l, max(1, at-min(at, 50)), at)
		require.NoError(t, l.Close())
		acknowledged = at // more may be recorded than the pipe had
	}
	l := open(t, path)
	holds(t, l, 1, sequence(t, l))

	// Whatever backups there are, half a one is not among them.
	dir := filepath.Join(filepath.Dir(path), "backups")
	all, err := listBackups(dir)
	require.NoError(t, err)
	for _, b := range all {
		require.NoError(t, checkFile(t.Context(), b.path, looking))
	}
	_, err = l.Backup(t.Context(), dir)
	require.NoError(t, err)
	partial, err := filepath.Glob(escapeGlob(dir) + "/*" + partialSuffix + "*")
	require.NoError(t, err)
	require.Empty(t, partial)
}
