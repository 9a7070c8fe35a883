package coldstart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/bench/stages"
)

func TestStagesOf(t *testing.T) {
	t.Parallel()
	m := stages.Marks{Main: 11, Begin: 11, LLVM: 13, Library: 16, Machine: 20, Load: 25, Validate: 31, Instantiate: 38}
	got := stagesOf(10, m, 46, 55)
	require.Equal(t, Stages{Exec: 1, LLVM: 2, Library: 3, Machine: 4, Load: 5, Validate: 6, Instantiate: 7, Program: 8, Ready: 9}, got)
	require.Equal(t, time.Duration(45), got.Total())
}

func TestOutput(t *testing.T) {
	t.Parallel()
	out, err := newOutput()
	require.NoError(t, err)
	defer out.close()
	require.NoError(t, spoken(out, exec.Command("sh", "-c", "echo one; echo two >&2")))
	require.Eventually(t, func() bool { return out.String() == "one\ntwo\n" }, 5*time.Second, time.Millisecond)
	require.ErrorContains(t, spoken(out, exec.Command("false")), "false: exit status 1: one\ntwo")
}

func TestWaitReady(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer web.Close()
	port := web.Listener.Addr().(*net.TCPAddr).Port
	began := stages.Now()
	listening, ready, err := waitReady(context.Background(), port)
	require.NoError(t, err)
	require.Greater(t, listening, began)
	require.Greater(t, ready, listening+poll, "the first two answers do not count")
	require.EqualValues(t, 3, asked.Load())

	asked.Store(-1000000)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, _, err = waitReady(ctx, port)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "503 Service Unavailable")
}

// asProbe has this program stand in for stageprobe: it listens at the port that it names, or fails where that is none.
const asProbe = "COLDSTART_TEST_AS_PROBE"

func TestMain(m *testing.M) {
	address, ok := os.LookupEnv(asProbe)
	if !ok {
		os.Exit(m.Run())
	}
	if address == "" {
		fmt.Println("stageprobe: no library")
		os.Exit(1)
	}
	var job stages.Job
	listener, err := net.Listen("tcp4", address)
	now := stages.Now()
	marks := os.NewFile(3, "marks")
	err = errors.Join(err, json.NewDecoder(os.Stdin).Decode(&job),
		json.NewEncoder(marks).Encode(stages.Marks{Main: now - 9, Begin: now - 6, LLVM: now - 5, Library: now - 4, Machine: now - 3, Load: now - 2, Validate: now - 1, Instantiate: now}), marks.Close())
	fmt.Println("started", job.Program, job.Root, job.Env, err)
	_ = http.Serve(listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

func TestApart(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	b := &bundle{kind: Kind{Program: "/app.wasm"}, dir: t.TempDir(), port: port, timeout: 20 * time.Second}

	t.Setenv(asProbe, address(port))
	for range 2 { // the port is free again each time
		s, err := b.apart(context.Background(), os.Args[0], []string{"A=b"})
		require.NoError(t, err)
		require.Equal(t, []time.Duration{1, 1, 1, 1, 1, 1}, []time.Duration{s.LLVM, s.Library, s.Machine, s.Load, s.Validate, s.Instantiate})
		require.Positive(t, s.Exec)
		require.Positive(t, s.Program)
		require.Positive(t, s.Ready)
	}

	t.Setenv(asProbe, "")
	_, err = b.apart(context.Background(), os.Args[0], nil)
	require.ErrorContains(t, err, "read marks: EOF: stageprobe: no library")
	_, err = b.apart(context.Background(), filepath.Join(b.dir, "nothing"), nil)
	require.ErrorContains(t, err, "no such file")
}
