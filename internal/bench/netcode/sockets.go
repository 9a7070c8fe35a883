package netcode

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/internal/bots"
	"github.com/edge-arena/edge-arena/internal/command"
)

// Sockets is what a server costs that bots play on over the loopback interface, system calls included.
type Sockets struct {
	Rooms int `json:"rooms"`
	// Seconds is how long is played.
	Seconds float64 `json:"seconds"`
	Native  Pod     `json:"native"`
	// Wasm is nil where there is no WasmEdge.
	Wasm *Pod `json:"wasm,omitempty"`
}

// Pod is one server. Times are in ms.
type Pod struct {
	// RoomTick is the processor time, in µs, for each room and tick: all that the process used while bots played, by the snapshots that it sent.
	RoomTick float64 `json:"roomTick"`
	// OnTime is the share of ticks that were at most 1 ms late.
	OnTime   float64 `json:"onTime"`
	TickRate float64 `json:"tickRate"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
	// SentLate is how late the bots themselves sent the worst hundredth of their inputs.
	SentLate float64 `json:"sentLate"`
}

// key is the ticket key of servers that are measured.
const key = "1:0f0e0d0c0b0a09080706050403020100000102030405060708090a0b0c0d0e0f"

func measureSockets(ctx context.Context, cfg Config) (s Sockets, err error) {
	s.Rooms, s.Seconds = 6, 10
	if cfg.Quick {
		s.Rooms, s.Seconds = 2, 3
	}
	dir, err := os.MkdirTemp("", "netcode")
	if err != nil {
		return s, fmt.Errorf("sockets: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // What is left of it is in the system's temporary directory.
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"rooms": 64, "joinsPerSecond": 100000}`), 0o600); err != nil {
		return s, fmt.Errorf("sockets: %w", err)
	}
	build := func(out string, env ...string) error {
		_, err := command.Cmd{Dir: cfg.Root, Env: append(os.Environ(), env...)}.Run(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./battle-wasm/cmd/battle")
		return err
	}
	native := filepath.Join(dir, "battle")
	if err := build(native, "CGO_ENABLED=0"); err != nil {
		return s, fmt.Errorf("sockets: %w", err)
	}
	s.Native, err = s.play(ctx, cfg, func(env []string) *exec.Cmd {
		c := exec.CommandContext(ctx, native, "-config", filepath.Join(dir, "config.json"))
		c.Env = env
		return c
	})
	if err != nil {
		return s, fmt.Errorf("sockets, natively: %w", err)
	}
	if _, err := exec.LookPath("wasmedge"); err != nil {
		return s, nil
	}
	module, compiled := filepath.Join(dir, "battle.wasm"), filepath.Join(dir, "compiled.wasm")
	if err := build(module, "GOOS=wasip1", "GOARCH=wasm"); err != nil {
		return s, fmt.Errorf("sockets: %w", err)
	}
	if err := image.PathCompiler(ctx, module, compiled); err != nil {
		return s, fmt.Errorf("sockets: %w", err)
	}
	pod, err := s.play(ctx, cfg, func(env []string) *exec.Cmd {
		args := []string{"--dir", "/:" + dir}
		for _, e := range env {
			args = append(args, "--env", e)
		}
		return exec.CommandContext(ctx, "wasmedge", append(args, compiled)...)
	})
	if err != nil {
		return s, fmt.Errorf("sockets, in Wasm: %w", err)
	}
	s.Wasm = &pod
	return s, nil
}

// play has bots play on a server that start makes.
func (s *Sockets) play(ctx context.Context, cfg Config, start func(env []string) *exec.Cmd) (p Pod, err error) {
	port, err := freePort()
	if err != nil {
		return p, err
	}
	c := start([]string{"BATTLE_PORT=" + strconv.Itoa(port), "NODE_IP=127.0.0.1", "POD_NAME=bench", "TICKET_KEYS=" + key})
	if err := c.Start(); err != nil {
		return p, fmt.Errorf("start the server: %w", err)
	}
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}()
	address := "127.0.0.1:" + strconv.Itoa(port)
	run, err := ready(ctx, address)
	if err != nil {
		return p, err
	}
	keys, err := ticket.ParseKeys(key)
	if err != nil {
		return p, err
	}
	used, before, err := usage(ctx, c.Process.Pid, address)
	if err != nil {
		return p, err
	}
	_, _ = fmt.Fprintf(cfg.Log, "netcode: %d bots play for %g s\n", 10*s.Rooms, s.Seconds)
	r, err := bots.Play(ctx, bots.Config{
		PerTarget: 10 * s.Rooms, Duration: time.Duration(s.Seconds * float64(time.Second)),
		Targets: []bots.Target{{Name: "bench", Address: address, Tickets: &tickets{keys: keys, run: run}}},
	})
	if err != nil {
		return p, err
	}
	usedAfter, after, err := usage(ctx, c.Process.Pid, address)
	if err != nil {
		return p, err
	}
	if sent := after.snapshots - before.snapshots; sent > 0 {
		p.RoomTick = float64((usedAfter - used).Microseconds()) / sent * 10
	}
	if ticks := after.ticks - before.ticks; ticks > 0 {
		p.OnTime = (after.onTime - before.onTime) / ticks
	}
	p.TickRate = r.Total.TickRate()
	p.P50, p.P99 = float64(r.Total.RTT.ValueAtQuantile(50))/1000, float64(r.Total.RTT.ValueAtQuantile(99))/1000
	p.SentLate = float64(r.Lateness.ValueAtQuantile(99)) / 1000
	return p, nil
}

// freePort finds a number that UDP and TCP have free. Another may take it before the server does, which the measurement then fails by.
func freePort() (int, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, err
	}
	return c.LocalAddr().(*net.UDPAddr).Port, c.Close()
}

// ready waits until the server answers, and returns the number of its run.
func ready(ctx context.Context, address string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		run, err := client.Run(ctx, address)
		if err == nil || ctx.Err() != nil {
			return run, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// counters are those of a server's metrics that are needed.
type counters struct{ ticks, onTime, snapshots float64 }

// usage gives the processor time that a process has used, and its counters.
func usage(ctx context.Context, pid int, address string) (time.Duration, counters, error) {
	var c counters
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, c, err
	}
	// Behind the name, which is in brackets: utime and stime are the 12th and 13th field, in hundredths of a second.
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 13 {
		return 0, c, errors.New("read the processor time of the server: too few fields")
	}
	user, userErr := strconv.Atoi(fields[11])
	system, systemErr := strconv.Atoi(fields[12])
	if err := errors.Join(userErr, systemErr); err != nil {
		return 0, c, fmt.Errorf("read the processor time of the server: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return 0, c, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, c, fmt.Errorf("read the metrics of the server: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // It was read.
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return 0, c, fmt.Errorf("read the metrics of the server: %w", err)
	}
	for _, m := range families["battle_tick_lateness_seconds"].GetMetric() {
		c.ticks = float64(m.GetHistogram().GetSampleCount())
		for _, bucket := range m.GetHistogram().GetBucket() {
			if bucket.GetUpperBound() == 0.001 {
				c.onTime = float64(bucket.GetCumulativeCount())
			}
		}
	}
	for _, m := range families["battle_packets_sent_total"].GetMetric() {
		if m.GetLabel()[0].GetValue() == "snapshot" {
			c.snapshots = m.GetCounter().GetValue()
		}
	}
	return time.Duration(user+system) * 10 * time.Millisecond, c, nil
}

// tickets lets the bots in, several at a time.
type tickets struct {
	run uint64

	mu     sync.Mutex
	keys   *ticket.Keys // not for several goroutines
	serial uint64
}

// Ticket implements [bots.Tickets].
func (t *tickets) Ticket(context.Context) ([ticket.Size]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.serial++
	return [ticket.Size]byte(t.keys.Seal(nil, &ticket.Ticket{
		Pod: t.run, Room: ticket.AnyRoom, Serial: t.serial, Expires: time.Now().Add(10 * time.Second).UnixMilli(),
	})), nil
}
