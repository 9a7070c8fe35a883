package bench

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/proc"
)

// Objectives of the project.
const (
	imageObjective = 5_000_000
	// packedObjective is that of the Wasm image as it travels; imageObjective is also that of the module without native code in it.
	packedObjective = 3_000_000
	cityObjective   = 600_000_000
	noOpObjective   = 8.0
	// servicesObjective is that of lobby, NATS and Gatekeeper, all three together: 400 MiB.
	servicesObjective = 400 << 20
)

// Groups of a node's processes, in the order in which they are shown.
func groups() []string {
	return []string{groupK3s, groupContainerd, groupShims, groupPause, groupBattle, groupLobby, groupNATS, groupGatekeeper, groupMonitoring, groupPods, groupSystem}
}

const (
	groupK3s        = "K3s"
	groupContainerd = "containerd"
	groupShims      = "containerd shims"
	groupPause      = "pause containers"
	groupBattle     = "battle servers"
	groupLobby      = "lobby"
	groupNATS       = "NATS"
	groupGatekeeper = "Gatekeeper"
	groupMonitoring = "monitoring"
	groupPods       = "other pods"
	groupSystem     = "systemd, sshd, others"
)

// services are the programs of the city's own services, by their names.
func services() map[string]string {
	all := map[string]string{"lobby": groupLobby, "nats-server": groupNATS, "manager": groupGatekeeper}
	for _, name := range []string{"prometheus", "alertmanager", "node_exporter", "prometheus-nats-exporter", "otelcol-k8s", "loki", "hub-gateway", "grafana"} {
		all[name] = groupMonitoring
	}
	return all
}

// images compares the sizes.
func (r *runner) images(context.Context) error {
	wasm, native := r.cfg.Wasm, r.cfg.Native
	r.report.Images = &Images{
		Objective: imageObjective, Wasm: wasm.Bytes, Native: native.Bytes, Hosted: r.cfg.Hosted.Bytes,
		Module: wasm.ModuleBytes, Compiled: wasm.ProgramBytes, Binary: native.ProgramBytes,
	}
	return nil
}

// idle measures what the city needs while nobody plays, with its battle pods and without.
func (r *runner) idle(ctx context.Context) error {
	city := &City{Pods: int(r.cluster.replicas), Objective: cityObjective}
	err := r.withRestore(ctx, func(ctx context.Context) (err error) {
		if city.With, err = r.memoryWith(ctx, r.cluster.replicas); err != nil {
			return err
		}
		city.Without, err = r.memoryWith(ctx, 0)
		return err
	})
	if err != nil {
		return err
	}
	if city.Storage, err = r.node.diskUsage(ctx, "/var/lib/rancher"); err != nil {
		return err
	}
	r.report.City = city
	return nil
}

// Weights are the PSS of a node's processes by group.
type Weights map[string]int64

func (w Weights) total() int64 {
	var sum int64
	for _, bytes := range w {
		sum += bytes
	}
	return sum
}

func (w Weights) services() int64 { return w[groupLobby] + w[groupNATS] + w[groupGatekeeper] }

// bare is what the city would weigh without its services and its monitoring.
func (w Weights) bare() int64 { return w.total() - w.services() - w[groupMonitoring] }

func (r *runner) memoryWith(ctx context.Context, pods int32) (Weights, error) {
	if err := r.cluster.scale(ctx, pods); err != nil {
		return nil, err
	}
	calm := 10 * time.Second
	if r.cfg.Quick {
		calm = settle
	}
	var sample proc.Sample
	err := r.p.Step(ctx, fmt.Sprintf("weigh the idle city with %d battle pods", pods), func(ctx context.Context) (err error) {
		if err := pause(ctx, calm); err != nil {
			return err
		}
		sample, err = r.node.processes(ctx, true)
		return err
	})
	return weigh(sample), err
}

// weigh sums up the PSS of each group.
func weigh(s proc.Sample) Weights {
	sum := Weights{}
	for _, p := range s.Processes {
		sum[groupOf(p)] += p.PSS
	}
	return sum
}

func groupOf(p proc.Process) string {
	program, _, _ := strings.Cut(p.Command, " ")
	switch base := path.Base(program); {
	case strings.Contains(p.Cgroup, "kubepods") && p.Command == pauseCommand:
		return groupPause
	case strings.Contains(p.Cgroup, "kubepods") && (strings.HasSuffix(p.Command, programWasm) || strings.HasSuffix(p.Command, programPlain)):
		return groupBattle
	case isShim(p):
		return groupShims
	case strings.Contains(p.Cgroup, "kubepods") && services()[base] != "":
		return services()[base]
	case strings.Contains(p.Cgroup, "kubepods"):
		return groupPods
	case base == "containerd":
		return groupContainerd
	case strings.HasPrefix(base, "k3s"):
		return groupK3s
	}
	return groupSystem
}

// noOp runs pulumi up on a city that is as described. A preview sees to that: with --expect-no-changes alone, pulumi up complains of
// changes when it has made them.
func (r *runner) noOp(ctx context.Context) error {
	n := 3
	if r.cfg.Quick {
		n = 1
	}
	if err := r.cfg.Stack.Preview(ctx, "--expect-no-changes"); err != nil {
		return fmt.Errorf("the city is not as this checkout describes it: bring it up to date first (arena up): %w", err)
	}
	result := &NoOp{Objective: noOpObjective}
	for i := range n {
		err := r.p.Step(ctx, fmt.Sprintf("pulumi up without changes, %d of %d", i+1, n), func(ctx context.Context) error {
			began := time.Now()
			err := r.cfg.Stack.Up(ctx, "--expect-no-changes")
			result.Seconds = append(result.Seconds, time.Since(began).Seconds())
			return err
		})
		if err != nil {
			return err
		}
	}
	r.report.NoOp = result
	return nil
}
