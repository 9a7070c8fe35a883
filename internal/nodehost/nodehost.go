// Package nodehost runs programs in the root of a city's node, without a city: with the WasmEdge that battle pods have, so that the machine itself needs none.
package nodehost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/tinygo"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
	"github.com/edge-arena/edge-arena/tests/rig/nodeimage"
)

// Host is where programs run.
type Host struct {
	docker *docker.Client
	image  string
	tinygo tinygo.Compiler
}

// New is a host of a node image that is there.
func New(m docker.Machine, d *docker.Client, image string, c *cache.Cache, p *progress.Reporter) *Host {
	return &Host{docker: d, image: image, tinygo: tinygo.Compiler{Machine: m, Docker: d, Image: image, Cache: c, Progress: p}}
}

// Open finds the node image, or makes it: see package nodeimage.
func Open(ctx context.Context, m docker.Machine, c *cache.Cache, p *progress.Reporter) (*Host, error) {
	d, err := m.Ensure(ctx, p)
	if err != nil {
		return nil, err
	}
	ref, err := nodeimage.Ensure(ctx, m, d, c, p)
	if err != nil {
		return nil, err
	}
	return New(m, d, ref, c, p), nil
}

// Module implements [image.Toolchain].
func (h *Host) Module(ctx context.Context, p tinygo.Program, out string) error {
	return h.tinygo.Compile(ctx, p, out)
}

// Native implements [image.Toolchain], with the node's WasmEdge.
func (h *Host) Native(ctx context.Context, in, out string) error {
	args := append([]string{"run", "--rm", "--network", "none", "--entrypoint", "",
		"-v", filepath.Dir(in) + ":/in:ro", "-v", filepath.Dir(out) + ":/out", h.image},
		image.CompilerArgs("/in/"+filepath.Base(in), "/out/"+filepath.Base(out))...)
	_, err := h.docker.Run(ctx, args...)
	return err
}

// Program is a program and what it sees of this machine. It has the machine's network, and may do all system calls: a battle pod's filter of them is not what is measured here.
type Program struct {
	// Files are those of this machine that it sees besides the node's own, read-only, by their path there.
	Files map[string]string
	// Env is its environment, Args its command line.
	Env, Args []string
	// CPUs are the processors that it may use. Default is all.
	CPUs []int
}

// command is the command line of `docker run` that runs the program.
func (h *Host) command(p Program, more ...string) []string {
	args := append([]string{"run", "--network", "host", "--entrypoint", "", "--security-opt", "seccomp=unconfined"}, more...)
	for _, path := range slices.Sorted(maps.Keys(p.Files)) {
		args = append(args, "-v", p.Files[path]+":"+path+":ro")
	}
	for _, e := range p.Env {
		args = append(args, "-e", e)
	}
	args = append(args, h.image)
	if len(p.CPUs) > 0 {
		var list []string
		for _, cpu := range p.CPUs {
			list = append(list, strconv.Itoa(cpu))
		}
		args = append(args, "taskset", "--cpu-list", strings.Join(list, ","))
	}
	return append(args, p.Args...)
}

// Output runs a program to its end, and returns what it prints.
func (h *Host) Output(ctx context.Context, p Program) (string, error) {
	return h.docker.Run(ctx, h.command(p, "--rm")...)
}

// Process is a program that runs.
type Process struct {
	// PID is its number on this machine.
	PID int

	host      *Host
	container string
}

// Start starts a program.
func (h *Host) Start(ctx context.Context, p Program) (*Process, error) {
	id, err := h.docker.Run(ctx, h.command(p, "--detach")...)
	if err != nil {
		return nil, err
	}
	s := &Process{host: h, container: strings.TrimSpace(id)}
	pid, err := h.docker.Run(ctx, "inspect", "--format", "{{.State.Pid}}", s.container)
	if err == nil {
		s.PID, err = strconv.Atoi(strings.TrimSpace(pid))
	}
	if err == nil && s.PID == 0 {
		err = errors.New("it has ended at once: " + s.Log(ctx))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", strings.Join(p.Args, " "), err), s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// logLines is how much of what a program has said is shown.
const logLines = "20"

// Log is the last that the program has said.
func (p *Process) Log(ctx context.Context) string {
	// What the program wrote to stderr Docker gives to its own.
	var said bytes.Buffer
	_, err := command.Cmd{Env: p.host.docker.Env(), Log: &said}.Run(ctx, "docker", "logs", "--tail", logLines, p.container)
	if err != nil {
		return err.Error()
	}
	return said.String()
}

// Stop kills the program, and leaves nothing of it.
func (p *Process) Stop(ctx context.Context) error {
	_, err := p.host.docker.Run(ctx, "rm", "--force", "--volumes", p.container)
	return err
}

// Cores splits this machine's processors: the last one for what is measured, the others for who plays. On a machine of one processor both are all.
func Cores() (measured, others []int) {
	n := onlineCPUs()
	if n < 2 {
		return nil, nil
	}
	for cpu := range n - 1 {
		others = append(others, cpu)
	}
	return []int{n - 1}, others
}

// onlineCPUs is how many processors the machine has, whatever this process may use of them. Where it is not told there is one, so that nothing is tied to any.
func onlineCPUs() int {
	b, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return 1
	}
	return lastCPU(strings.TrimSpace(string(b))) + 1
}

// lastCPU is the highest number of a list of processors that has no gaps, such as `0-3`. One with gaps is no machine to split.
func lastCPU(list string) int {
	first, last, found := strings.Cut(list, "-")
	n, err := strconv.Atoi(last)
	if !found || first != "0" || err != nil {
		return 0
	}
	return n
}
