// Package netcode measures what the battle server sends and computes: how small snapshots are against whole ones, how many inputs a lossy network costs, what a room costs
// in a tick, natively and in Wasm. It needs no city: packets go through the real server and real players in one process, in its own time, see package loopback.
package netcode

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/battle-wasm/loopback"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/nodehost"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/slo"
)

// Config says what is measured.
type Config struct {
	// Root is the checkout. Required.
	Root string
	// Command is what the user typed.
	Command string
	// Host runs what is measured beside this process. Required.
	Host Host
	// Cache keeps modules that were compiled ahead of time, Progress tells of it. Required.
	Cache    *cache.Cache
	Progress *progress.Reporter
	// Quick is fewer and shorter rounds.
	Quick bool
	// Log takes the news of what is done.
	Log io.Writer

	began time.Time
}

// say tells what is done, and when since the start.
func (c Config) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.Log, "netcode: [%s] %s\n", time.Since(c.began).Round(time.Second), fmt.Sprintf(format, args...))
}

// Report is what was measured, and where.
type Report struct {
	Started time.Time   `json:"started"`
	Command string      `json:"command"`
	Quick   bool        `json:"quick,omitempty"`
	Machine slo.Machine `json:"machine"`
	Load    string      `json:"load"`

	Links   []Link  `json:"links"`
	Compute Compute `json:"compute"`
	Core    Core    `json:"core"`
}

// Link is what came of a network.
type Link struct {
	Name string `json:"name"`
	// RTT is there and back in ms, Loss how many packets of 100 are lost each way.
	RTT  float64 `json:"rtt"`
	Loss float64 `json:"loss"`
	// MedianBytes and P99Bytes are those of snapshots of ten players, MedianWhole of the same states written whole. Ratio is that of all bytes.
	MedianBytes int     `json:"medianBytes"`
	P99Bytes    int     `json:"p99Bytes"`
	MedianWhole int     `json:"medianWhole"`
	Ratio       float64 `json:"ratio"`
	// Inputs were sent by each of the two kinds of players: Lost are those of players who repeat them, LostOnce of players who do not.
	Inputs   int    `json:"inputs"`
	Lost     uint64 `json:"lost"`
	LostOnce uint64 `json:"lostOnce"`
	// InputBytes is the mean size of a packet of inputs with what it repeats.
	InputBytes float64 `json:"inputBytes"`
	// Checked are predictions that the server has answered, Wrong those in which the player was elsewhere.
	Checked int64 `json:"checked"`
	Wrong   int64 `json:"wrong"`
}

// Compute is what a room of ten costs in a tick, without system calls.
type Compute struct {
	Rounds int `json:"rounds"`
	// Runtime is what ran the Wasm side.
	Runtime string                 `json:"runtime"`
	Native  loopback.Measurement   `json:"native"`
	Wasm    loopback.Measurement   `json:"wasm"`
	All     []loopback.Measurement `json:"all"`
}

// Run measures.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	cfg.began = time.Now()
	r := &Report{Started: time.Now().UTC(), Command: cfg.Command, Quick: cfg.Quick, Machine: slo.ThisMachine()}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		r.Load = strings.Join(strings.Fields(string(b))[:3], " ")
	}
	seconds := 60
	if cfg.Quick {
		seconds = 5
	}
	for _, link := range []struct {
		name  string
		world loopback.Config
	}{
		{"no delay, nothing lost", loopback.Config{}},
		{"2 ticks each way", loopback.Config{Delay: 2}},
		{"3 ticks each way, 5 % lost", loopback.Config{Delay: 3, Loss: 50}},
		{"the same, aims tremble", loopback.Config{Delay: 3, Loss: 50, Jitter: true}},
	} {
		cfg.say("a network of %s", link.name)
		l, err := measureLink(link.name, link.world, seconds)
		if err != nil {
			return nil, err
		}
		r.Links = append(r.Links, l)
	}
	dir, err := os.MkdirTemp("", "netcode")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // What is left of it is in the system's temporary directory.
	if r.Compute, err = measureCompute(ctx, cfg, dir); err != nil {
		return nil, fmt.Errorf("compute: %w", err)
	}
	kinds, err := servers(ctx, cfg, dir)
	if err != nil {
		return nil, fmt.Errorf("build the servers: %w", err)
	}
	if r.Core, err = measureCore(ctx, cfg, kinds); err != nil {
		return nil, err
	}
	return r, nil
}

// measureLink plays a battle of ten over a network, once with repeated inputs and once without.
func measureLink(name string, world loopback.Config, seconds int) (Link, error) {
	world.Rooms, world.Seed = 1, 7
	l := Link{Name: name, RTT: float64(2*world.Delay) * 1000 / 120, Loss: float64(world.Loss) / 10}
	for _, repeat := range []int{0, wire.MaxEarlier} {
		world.Repeat = repeat
		w, err := loopback.New(world)
		if err != nil {
			return l, fmt.Errorf("network %s: %w", name, err)
		}
		for range 120 {
			w.Tick()
		}
		w.Record()
		for range 120 * seconds {
			w.Tick()
		}
		o := w.Outcome()
		if repeat == 0 {
			l.LostOnce = o.Lost
			continue
		}
		l.Inputs, l.Lost, l.InputBytes = o.Sent, o.Lost, float64(o.InputBytes)/float64(max(1, o.Sent))
		l.Checked, l.Wrong = o.Predictions.Checked, o.Predictions.Wrong
		l.sizes(o.Snapshots)
	}
	return l, nil
}

func (l *Link) sizes(all []loopback.Size) {
	if len(all) == 0 {
		return
	}
	var bytes, whole []int
	sum, sumWhole := 0, 0
	for _, s := range all {
		bytes, whole = append(bytes, s.Bytes), append(whole, s.Whole)
		sum, sumWhole = sum+s.Bytes, sumWhole+s.Whole
	}
	slices.Sort(bytes)
	slices.Sort(whole)
	l.MedianBytes, l.P99Bytes, l.MedianWhole = bytes[len(bytes)/2], bytes[len(bytes)*99/100], whole[len(whole)/2]
	l.Ratio = float64(sum) / float64(sumWhole)
}

// rooms is how many rooms play at once where computing is measured: what one core is to bear.
const rooms = 60

// measureCompute runs command tickbench natively and in Wasm, in turns. Of each side the round with the least mean counts: what other work of the machine adds is not the
// server's.
func measureCompute(ctx context.Context, cfg Config, dir string) (c Compute, err error) {
	native, module, compiled := filepath.Join(dir, "tickbench"), filepath.Join(dir, "tickbench.wasm"), filepath.Join(dir, "tickbench.so")
	if err := image.BuildNativeProgram(ctx, cfg.Root, "tickbench", "", native); err != nil {
		return c, err
	}
	if err := compile(ctx, cfg, "tickbench", module, compiled); err != nil {
		return c, err
	}
	measured, _ := cfg.Host.Cores()
	files := map[string]string{"/tickbench": native, "/tickbench.so": compiled}
	c.Runtime, c.Rounds = "WasmEdge 0.14.1, compiled ahead of time", 5
	ticks := "2400"
	if cfg.Quick {
		c.Rounds, ticks = 2, "600"
	}
	for n := range c.Rounds {
		cfg.say("ticks, round %d of %d", n+1, c.Rounds)
		for _, side := range []struct {
			args []string
			best *loopback.Measurement
		}{{[]string{"/tickbench"}, &c.Native}, {[]string{"wasmedge", "/tickbench.so"}, &c.Wasm}} {
			text, err := cfg.Host.Output(ctx, nodehost.Program{Files: files, Args: append(side.args, fmt.Sprint(rooms), ticks), CPUs: measured})
			if err != nil {
				return c, err
			}
			if err := c.take(side.best, text); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

func (c *Compute) take(best *loopback.Measurement, text string) error {
	var m loopback.Measurement
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return fmt.Errorf("read what tickbench printed: %w", err)
	}
	if best.Ticks == 0 || m.Mean < best.Mean {
		*best = m
	}
	c.All = append(c.All, m)
	return nil
}
