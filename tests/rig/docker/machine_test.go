package docker

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStateIsKeptUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	m := Machine{Lib: filepath.Join(t.TempDir(), "lib"), Run: t.TempDir()}
	want := State{Packages: []string{"debootstrap"}, Daemon: &Daemon{PID: 7, Started: "42", IPForward: "0"}}
	require.NoError(t, m.locked(context.Background(), func() error { return m.save(want) }))
	got, err := m.State()
	require.NoError(t, err)
	require.Equal(t, want, got)

	require.NoError(t, m.locked(context.Background(), func() error { return m.save(State{}) }))
	got, err = m.State()
	require.NoError(t, err)
	require.Equal(t, State{}, got)
	require.NoDirExists(t, m.Lib)
}

func TestStateThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	m := Machine{Lib: t.TempDir()}
	require.NoError(t, os.WriteFile(m.stateFile(), []byte("{"), 0o600))
	_, err := m.State()
	require.ErrorContains(t, err, "read record of this machine "+m.stateFile())
}

func TestLockKeepsOthersOut(t *testing.T) {
	t.Parallel()
	m := Machine{Lib: filepath.Join(t.TempDir(), "lib")}
	unlock, err := m.lock(context.Background())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, m.locked(ctx, func() error { return nil }), context.Canceled)
	unlock()
	require.NoError(t, m.locked(context.Background(), func() error { return nil }))
}

func TestPurgeLeavesARunningDaemonItsProgram(t *testing.T) {
	t.Parallel()
	m := Machine{Lib: t.TempDir()}
	require.NoError(t, m.Purge(context.Background()), "nothing was installed")
	require.NoError(t, m.save(State{Packages: []string{"docker.io"}, Daemon: &Daemon{PID: 7}}))
	require.ErrorContains(t, m.Purge(context.Background()), "still runs: stop it first")
}

func TestAdded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ record, before, after, want []string }{
		"nothing new":             {before: []string{"a"}, after: []string{"a"}},
		"new with dependency":     {before: []string{"a"}, after: []string{"a", "c", "b"}, want: []string{"b", "c"}},
		"a second time":           {record: []string{"c"}, before: []string{"a", "c"}, after: []string{"a", "b", "c"}, want: []string{"b", "c"}},
		"the record has no twins": {record: []string{"b"}, before: []string{"a"}, after: []string{"a", "b"}, want: []string{"b"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, added(tt.record, tt.before, tt.after))
		})
	}
}

func TestDaemonAlive(t *testing.T) {
	t.Parallel()
	started, err := startTime(os.Getpid())
	require.NoError(t, err)
	require.True(t, (&Daemon{PID: os.Getpid(), Started: started}).alive())
	require.False(t, (&Daemon{PID: os.Getpid(), Started: "1" + started}).alive(), "a later process with the same id")
	_, err = startTime(1 << 30)
	require.ErrorContains(t, err, "read process "+strconv.Itoa(1<<30))
}

func TestMountsBelow(t *testing.T) {
	t.Parallel()
	mountinfo := `23 1 254:0 / / rw - ext4 /dev/vda rw
31 23 0:30 / /lib/docker/overlay rw - overlay overlay rw
32 23 0:31 / /lib/docker-other rw - tmpfs tmpfs rw
33 31 0:32 / /lib/docker/a\040b rw - tmpfs tmpfs rw
`
	require.Equal(t, []string{"/lib/docker/overlay", "/lib/docker/a b"}, mountsBelow(mountinfo, "/lib/docker"))
}
