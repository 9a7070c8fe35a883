package netcode

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/internal/bench/freeport"
	"github.com/edge-arena/edge-arena/internal/bench/proc"
	"github.com/edge-arena/edge-arena/internal/bench/ticks"
	"github.com/edge-arena/edge-arena/internal/bots"
	"github.com/edge-arena/edge-arena/internal/nodehost"
	"github.com/edge-arena/edge-arena/internal/tinygo"
	"github.com/edge-arena/edge-arena/lobby/keyring"
)

// Host runs programs as a node does. It is a [nodehost.Host], and in tests this machine.
type Host interface {
	image.Toolchain
	// Output runs a program to its end.
	Output(ctx context.Context, p nodehost.Program) (string, error)
	// Start starts one, and returns its number and what stops it.
	Start(ctx context.Context, p nodehost.Program) (pid int, stop func(context.Context) error, err error)
	// Cores are the processors for what is measured and for who plays; none where there are too few.
	Cores() (measured, others []int)
}

// onNode is a [nodehost.Host].
type onNode struct{ *nodehost.Host }

// OnNode measures in the root of a node.
func OnNode(h *nodehost.Host) Host { return onNode{h} }

func (onNode) Cores() (measured, others []int) { return nodehost.Cores() }

func (n onNode) Start(ctx context.Context, p nodehost.Program) (int, func(context.Context) error, error) {
	s, err := n.Host.Start(ctx, p)
	if err != nil {
		return 0, nil, err
	}
	return s.PID, s.Stop, nil
}

// key is the ticket key of servers that are measured.
const key = "1:0f0e0d0c0b0a09080706050403020100000102030405060708090a0b0c0d0e0f"

// config is the servers': room for all battles, which do not end, and for players who join all at once.
const config = `{"rooms": 400, "joinsPerSecond": 1000000, "battleSeconds": 86400, "idleSeconds": 60}`

// program is one kind of server.
type program struct {
	name  string
	files map[string]string
	args  []string
	// inArgs has the environment given by `--env`, as the wasmedge command wants it.
	inArgs bool
}

// runtimeEnv is what the native image of the server sets for Go.
var runtimeEnv = []string{"GOGC=off", "GOMEMLIMIT=64MiB"}

// servers builds the three kinds in a folder.
func servers(ctx context.Context, cfg Config, dir string) (all [3]program, err error) {
	configFile := filepath.Join(dir, "config.json")
	if err := os.WriteFile(configFile, []byte(config), 0o644); err != nil {
		return all, err
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	for _, program := range []string{"battle", "battle-wazero"} {
		if err := image.BuildNativeProgram(ctx, cfg.Root, program, "", file(program)); err != nil {
			return all, err
		}
	}
	if err := compile(ctx, cfg, "battle", file("battle.wasm"), file("battle.so")); err != nil {
		return all, err
	}
	return [3]program{
		{name: "native", files: map[string]string{"/app": file("battle"), "/config.json": configFile}, args: []string{"/app"}},
		{name: "Wasm", files: map[string]string{"/app.so": file("battle.so"), "/config.json": configFile}, args: []string{"wasmedge", "--dir", "/:/"}, inArgs: true},
		{name: "wazero", files: map[string]string{"/app": file("battle-wazero"), "/app.wasm": file("battle.wasm"), "/config.json": configFile}, args: []string{"/app"}},
	}, nil
}

// compile compiles a program to Wasm, and that ahead of time.
func compile(ctx context.Context, cfg Config, program, module, out string) error {
	if err := cfg.Host.Module(ctx, tinygo.Program{Source: cfg.Root, Package: "./battle-wasm/cmd/" + program}, module); err != nil {
		return err
	}
	compiled, err := image.Compile(ctx, cfg.Progress, cfg.Cache, cfg.Host, module)
	if err != nil {
		return err
	}
	return os.WriteFile(out, compiled, 0o644)
}

// run is how the program is run at a port, on some processors.
func (p program) run(port int, cpus []int) nodehost.Program {
	env := []string{"BATTLE_PORT=" + strconv.Itoa(port), "NODE_IP=127.0.0.1", "POD_NAME=bench", "TICKET_KEYS=" + key}
	n := nodehost.Program{Files: p.files, Args: p.args, CPUs: cpus}
	if !p.inArgs {
		n.Env = slices.Concat(env, runtimeEnv)
		return n
	}
	n.Args = append([]string(nil), p.args...)
	for _, e := range env {
		n.Args = append(n.Args, "--env", e)
	}
	n.Args = append(n.Args, "/app.so")
	return n
}

// warmup is how long is played before it is measured.
const warmup = time.Second

// play has players play so many battles on a server of its own.
func play(ctx context.Context, cfg Config, p program, measured, others []int, rooms int, d time.Duration) (l Load, err error) {
	port, err := freeport.Find()
	if err != nil {
		return l, err
	}
	pid, stop, err := cfg.Host.Start(ctx, p.run(port, measured))
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, stop(context.WithoutCancel(ctx))) }()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := ready(ctx, address); err != nil {
		return l, err
	}
	keys, err := keyring.Parse(key)
	if err != nil {
		return l, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	used := make(chan Load, 1)
	r, err := bots.Herd(ctx, bots.Config{
		PerTarget: 10 * rooms, Warmup: warmup, Duration: d, JoinTimeout: 30 * time.Second,
		Targets: []bots.Target{{Name: "bench", Address: address, Tickets: bots.NewOffice(keys, address)}},
		Joined: func() {
			go func() {
				l, err := usage(ctx, pid, address, d)
				if err != nil {
					cancel(err)
				}
				used <- l
			}()
		},
	}, others...)
	if err != nil {
		return l, err
	}
	l = <-used
	if err := context.Cause(ctx); err != nil {
		return l, err
	}
	l.Rooms, l.TickRate = rooms, r.Total.TickRate()
	at := func(h interface{ ValueAtQuantile(float64) int64 }, q float64) float64 {
		return float64(h.ValueAtQuantile(q)) / 1000
	}
	l.P50, l.P99, l.Network = at(r.Total.RTT, 50), at(r.Total.RTT, 99), at(r.Total.Network, 99)
	l.SentLate, l.Players = at(r.Lateness, 99), r.Cores
	if l.Share > 0 && rooms > 0 {
		l.RoomTick = l.Share * 1e6 / float64(rooms) / l.TickRate
	}
	return l, nil
}

// margin keeps the window in which the server is looked at within that of the players.
const margin = 200 * time.Millisecond

// usage looks at a server twice, from the end of the warm-up nearly to the end of the play.
func usage(ctx context.Context, pid int, address string, d time.Duration) (l Load, err error) {
	if err := pause(ctx, warmup+margin); err != nil {
		return l, err
	}
	pod := ticks.Pod{Name: "bench", Address: address}
	before, err := ticks.Read(ctx, pod)
	if err != nil {
		return l, err
	}
	began, first, err := took(pid)
	if err != nil {
		return l, err
	}
	if err := pause(ctx, d-2*margin); err != nil {
		return l, err
	}
	ended, last, err := took(pid)
	if err != nil {
		return l, err
	}
	after, err := ticks.Read(ctx, pod)
	if err != nil {
		return l, err
	}
	between, err := after.Since(before)
	if err != nil {
		return l, err
	}
	l.Share = (last.CPU - first.CPU).Seconds() / ended.Sub(began).Seconds()
	l.Lateness, l.OnTime = between.Lateness.Times(), between.Lateness.Share(maxLate)
	if n := between.Lateness.Count(); n > 0 {
		l.Allocations = between.Allocations / n
	}
	return l, nil
}

// took is what a process has taken so far.
func took(pid int) (time.Time, proc.Process, error) {
	now := time.Now()
	p, err := proc.One("/proc", pid, false)
	if err != nil {
		return now, p, fmt.Errorf("the server has ended: %w", err)
	}
	return now, p, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// ready waits until the server answers.
func ready(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if _, err := client.Run(ctx, address); err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
