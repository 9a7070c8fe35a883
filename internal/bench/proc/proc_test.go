package proc

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	const tail = " S 3061 3108 3108 0 -1 4194624 5474 0 2 0 286 282 0 0 20 0 1 0 628697 13081915392 8335\n"
	tests := map[string]struct {
		stat   string
		parent int
		cpu    time.Duration
		err    string
	}{
		"plain":                     {stat: "3108 (wasmedge)" + tail, parent: 3061, cpu: 5680 * time.Millisecond},
		"a name with everything":    {stat: "3108 (a ) S 1 (b)" + tail, parent: 3061, cpu: 5680 * time.Millisecond},
		"too short":                 {stat: "3108 (wasmedge) S 1", err: "too short"},
		"empty":                     {err: "too short"},
		"a parent without a number": {stat: "1 (a) S x 1 1 0 -1 0 0 0 0 0 1 1", err: "stat: parent: "},
		"a time without a number":   {stat: "1 (a) S 1 1 1 0 -1 0 0 0 0 0 x 1", err: "stat: processor time: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent, cpu, err := parseStat(tt.stat)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.parent, parent)
			require.Equal(t, tt.cpu, cpu)
		})
	}
}

func TestParseRollup(t *testing.T) {
	t.Parallel()
	var p Process
	const rollup = "55aefe479000-7ffe981cc000 ---p 00000000 00:00 0 [rollup]\nRss:   33520 kB\nPss:  25643 kB\nPss_Dirty: 24796 kB\nPss_File: 847 kB\nSwapPss: 7 kB\n"
	require.NoError(t, parseRollup(rollup, &p))
	require.Equal(t, Process{PSS: 25643 << 10, RSS: 33520 << 10, FilePSS: 847 << 10}, p)
	require.ErrorContains(t, parseRollup("Pss: much\n", &p), "smaps_rollup: Pss: ")
}

func TestRead(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(pid, name, content string) {
		require.NoError(t, os.MkdirAll(filepath.Join(root, pid), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, pid, name), []byte(content), 0o600))
	}
	write("7", "stat", "7 (k3s server) S 1 1 1 0 -1 0 0 0 0 0 100 20")
	write("7", "cmdline", "k3s\x00server\x00")
	write("7", "cgroup", "0::/system.slice/k3s.service\n")
	write("7", "smaps_rollup", "Rss: 8 kB\nPss: 4 kB\n")
	// One that ended while it was read.
	write("8", "stat", "8 (sh) Z 7 1 1 0 -1 0 0 0 0 0 0 0")
	write("sys", "stat", "no process")

	s, err := Read(root, true)
	require.NoError(t, err)
	require.Equal(t, []Process{{
		PID: 7, Parent: 1, Command: "k3s server", Cgroup: "0::/system.slice/k3s.service\n", CPU: 1200 * time.Millisecond, PSS: 4096, RSS: 8192,
	}}, s.Processes)

	write("9", "stat", "9 (sh)")
	_, err = Read(root, false)
	require.ErrorContains(t, err, "read process 9: ")
}

func TestWithoutTheSessionThatLooks(t *testing.T) {
	t.Parallel()
	s := Sample{Processes: []Process{{PID: 1}, {PID: 71, Parent: 1}, {PID: 80, Parent: 71}, {PID: 81, Parent: 80}, {PID: 90, Parent: 71}}}
	var left []int
	for _, p := range s.Without(81).Processes {
		left = append(left, p.PID)
	}
	require.Equal(t, []int{1, 71, 90}, left)
}

func TestOne(t *testing.T) {
	t.Parallel()
	p, err := One("/proc", os.Getpid(), true)
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), p.PID)
	require.Equal(t, os.Getppid(), p.Parent)
	require.Positive(t, p.RSS)
	_, err = One(t.TempDir(), 7, false)
	require.ErrorContains(t, err, "read process 7: ")
}
