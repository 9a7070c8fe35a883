package netcode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/battle-wasm/loopback"
	"github.com/edge-arena/edge-arena/internal/bench/ticks"
	"github.com/edge-arena/edge-arena/internal/nodehost"
	"github.com/edge-arena/edge-arena/internal/tinygo"
)

// What the document claims is measured here too, on a shorter battle.
func TestLinks(t *testing.T) {
	t.Parallel()
	l, err := measureLink("lossy", loopback.Config{Delay: 3, Loss: 50}, 20)
	require.NoError(t, err)
	require.LessOrEqual(t, l.Ratio, maxRatio)
	require.LessOrEqual(t, l.MedianBytes, maxMedian)
	require.NotZero(t, l.LostOnce)
	require.LessOrEqual(t, float64(l.Lost), maxLostRatio*float64(l.LostOnce))
	require.NotZero(t, l.Checked)
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := Report{Command: "arena bench netcode", Quick: true, Links: []Link{
		{Name: "good", MedianBytes: 20, P99Bytes: 40, MedianWhole: 200, Ratio: 0.1, Inputs: 100},
		{Name: "bad", MedianBytes: 201, P99Bytes: 400, MedianWhole: 400, Ratio: 0.5, Inputs: 100, LostOnce: 50, Lost: 1},
	}}
	c := &r.Compute
	c.Rounds, c.Runtime = 2, "a runtime"
	require.NoError(t, c.take(&c.Native, `{"Rooms":60,"Ticks":10,"Mean":4000,"P99":5000,"Clock":"processor time"}`))
	require.NoError(t, c.take(&c.Native, `{"Rooms":60,"Ticks":10,"Mean":3000,"P99":6000,"Clock":"processor time"}`))
	require.NoError(t, c.take(&c.Native, `{"Rooms":60,"Ticks":10,"Mean":3500,"P99":4000,"Clock":"processor time"}`))
	require.NoError(t, c.take(&c.Wasm, `{"Rooms":60,"Ticks":10,"Mean":6000,"P99":9001,"Allocations":1,"Clock":"wall time"}`))
	require.ErrorContains(t, c.take(&c.Wasm, "nothing"), "read what tickbench printed")
	require.EqualValues(t, 3000, c.Native.Mean, "the round with the least mean counts")
	load := func(rooms int, share, late float64) Load {
		return Load{Rooms: rooms, Share: share, RoomTick: 100 * share, OnTime: 1 - late/100, Lateness: ticks.Times{P99: late, P999: 2 * late}, TickRate: 120, P50: 4, P99: 9, Network: 1 + share, SentLate: 0.5}
	}
	r.Core = Core{
		Tied: true, Seconds: 6, Equal: 10,
		Native: Bearing{Name: "native", Steps: []Load{load(10, .2, .1), load(40, .4, .2), load(60, .6, .3), load(80, .8, .9)}, End: "100: rejected by the server: full", At70: load(70, .7, .05)},
		Wasm:   Bearing{Name: "Wasm", Steps: []Load{load(10, .4, .2), load(40, .8, .9), load(60, 1, 5)}, End: "60: late", At70: load(35, .7, .2)},
		Hosted: Bearing{Name: "wazero", Steps: []Load{load(10, .9, 4)}, End: "10: late", At70: load(15, .7, .01)},
	}
	r.Core.Wasm.Steps[0].SentLate = 3
	var b bytes.Buffer
	r.Markdown(&b)
	for _, want := range []string{
		"| good | 20 B | 40 B | 200 B | 0.100 | pass | pass |", "| bad | 201 B | 400 B | 400 B | 0.500 | miss | miss |",
		"| bad | 100 | 50 | 1 | 0.0200 | miss |", "| P99 | 6.00 µs | 9.00 µs | 1.50 | miss |", "| heap allocations per tick of all rooms | 0 | 1 |  | miss |",
		"| processor time of a battle's tick | 20.0 µs | 40.0 µs | 2.00 | 90.0 µs | 4.50 | miss: Wasm / native at most 1.5 |",
		"| RTT less tick wait P99 | 1.20 ms | 1.40 ms | 1.17 | 1.90 ms | 1.58 | pass: Wasm / native at most 1.25 |",
		"| battles of ten that a core bears | 80 | 40 | 0.50 |  |  | miss: Wasm at least 60 |", "| of the core | 80 % | 80 % | 1.00 |  |  |  |",
		"| battles at about 70 % | 70 | 35 | 0.50 | 15 | 0.21 |  |", "miss: Wasm at most 1 ms |", "What native did not bear was 100: rejected by the server: full.",
		"](charts/core-share.svg)", "](charts/core-lateness.svg)",
		"bore: the machine is short of processor", "quick run", "the native side counts processor time, the Wasm side wall time",
	} {
		require.Contains(t, b.String(), want)
	}
}

// here runs the native server as a program of this machine.
type here struct{}

func (here) Cores() (measured, others []int)                      { return nil, nil }
func (here) Module(context.Context, tinygo.Program, string) error { return errors.New("not here") }
func (here) Native(context.Context, string, string) error         { return errors.New("not here") }
func (here) Output(context.Context, nodehost.Program) (string, error) {
	return "", errors.New("not here")
}

func (here) Start(ctx context.Context, p nodehost.Program) (int, func(context.Context) error, error) {
	c := exec.CommandContext(ctx, p.Files[p.Args[0]], "-config", p.Files["/config.json"])
	c.Env = p.Env
	return startAndStop(c)
}

func startAndStop(c *exec.Cmd) (int, func(context.Context) error, error) {
	if err := c.Start(); err != nil {
		return 0, nil, err
	}
	return c.Process.Pid, func(context.Context) error {
		err := c.Process.Kill()
		_ = c.Wait() // it was killed, so it did not end well
		return err
	}, nil
}

// TestPlay plays on a native server for a moment.
func TestPlay(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	dir := t.TempDir()
	app, file := filepath.Join(dir, "battle"), filepath.Join(dir, "config.json")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	require.NoError(t, image.BuildNativeProgram(context.Background(), root, "battle", "", app))
	cfg := Config{Root: root, Host: here{}, Log: io.Discard}
	native := program{name: "native", files: map[string]string{"/app": app, "/config.json": file}, args: []string{"/app"}}
	l, err := play(context.Background(), cfg, native, nil, nil, 2, time.Second)
	require.NoError(t, err)
	require.Equal(t, 2, l.Rooms)
	require.Positive(t, l.Share)
	require.InEpsilon(t, l.Share, l.RoomTick*2*l.TickRate/1e6, 1e-6, "of a core, two battles")
	require.Positive(t, l.P50)
	require.Positive(t, l.OnTime)

	native.files["/app"] = filepath.Join(dir, "nothing")
	_, err = play(context.Background(), cfg, native, nil, nil, 2, time.Second)
	require.ErrorContains(t, err, "no such file")
}

func TestClimb(t *testing.T) {
	t.Parallel()
	// limit bears so many battles, and refuses from how many on.
	limit := func(bears, refuses int) func(context.Context, int) (Load, error) {
		return func(_ context.Context, rooms int) (Load, error) {
			if rooms >= refuses {
				return Load{}, errors.New("full")
			}
			l := Load{Rooms: rooms, Share: float64(rooms) / 100, OnTime: 1, TickRate: 120}
			if rooms > bears {
				l.OnTime = .9
			}
			return l, nil
		}
	}
	tests := map[string]struct {
		bears, refuses int
		most           int
		end            string
	}{
		"late":           {53, 1000, 53, "120.0 ticks/s"},
		"full":           {1000, 46, 45, "full"},
		"not even a few": {0, 1000, 0, "120.0 ticks/s"},
		"without end":    {1000, 1000, 400, "400 battles are the most that were tried"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b Bearing
			require.NoError(t, b.climb(context.Background(), limit(tt.bears, tt.refuses)))
			most := 0
			if m := b.most(); m != nil {
				most = m.Rooms
			}
			require.InDelta(t, tt.most, most, finest)
			require.LessOrEqual(t, most, tt.bears)
			require.Contains(t, b.End, tt.end)
			require.NotEmpty(t, b.Steps)
			require.IsIncreasing(t, append([]int{0}, numbers(b.Steps)...))
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var b Bearing
	require.ErrorIs(t, b.climb(ctx, limit(1, 1)), context.Canceled)
}

func numbers(steps []Load) (all []int) {
	for _, l := range steps {
		all = append(all, l.Rooms)
	}
	return all
}

func TestRoomsAt(t *testing.T) {
	t.Parallel()
	b := Bearing{Steps: []Load{{Rooms: 20, Share: .3}, {Rooms: 40, Share: .5}, {Rooms: 60, Share: .9}}}
	require.Equal(t, 50, b.roomsAt(.7), "half way between the two")
	require.Equal(t, 10, b.roomsAt(.15))
	require.Equal(t, 66, b.roomsAt(1), "as the last went")
	require.Equal(t, 1, (&Bearing{}).roomsAt(.7))
}
