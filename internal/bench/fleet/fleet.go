// Package fleet measures what docs/benchmarks.md tells of many cities on one machine: the regions of stacks/, one after the other, each
// rolled out as in production onto nodes that are containers, and taken away before the next; and what the orchestration costs beside the
// same commands by plain ssh.
//
// What has been measured is kept region by region: a run that was cut off goes on where it stopped.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/internal/workspace"
	"github.com/edge-arena/edge-arena/tests/rig"
)

// Parts are what can be measured, in order.
func Parts() []string { return []string{"regions", "overhead"} }

// Config says what to measure, and how.
type Config struct {
	// Parts are those of [Parts] to measure. Default is all.
	Parts []string
	// Regions are the regions to roll out, by name. Required for the part regions.
	Regions []string
	// Sizes are how many cities the overhead is measured with. Default is 1, 4 and 16.
	Sizes []int
	// Fresh measures also what has been measured before.
	Fresh bool
	// Workspace is the checkout. Required.
	Workspace *workspace.Workspace
	// Machine is what cities on this machine are made from. Required.
	Machine *workspace.Parts
	// Log receives how the roll-outs go. Default is nobody.
	Log io.Writer
	// Command is what the user typed. Required.
	Command string
}

// runner measures.
type runner struct {
	cfg  Config
	p    *progress.Reporter
	what What
	salt string
}

// What says what was measured: results of something else are not taken for ours.
type What struct {
	// Battle and PortAllocator are the images' digests, K3s is the release and where it comes from.
	Battle        string `json:"battle"`
	PortAllocator string `json:"portAllocator"`
	K3s           string `json:"k3s"`
	// File is the SHA-256 of the region's file, after this machine's things were put into it as far as they are the same for all runs.
	File string `json:"file"`
}

// Run measures, and returns the report of all that is known: also of what was measured by earlier runs. A region that fails is part of the
// report and no error.
func Run(ctx context.Context, cfg Config, p *progress.Reporter) (*Report, error) {
	if len(cfg.Parts) == 0 {
		cfg.Parts = Parts()
	}
	for _, part := range cfg.Parts {
		if !slices.Contains(Parts(), part) {
			return nil, fmt.Errorf("there is no part %q: want some of %s", part, strings.Join(Parts(), ", "))
		}
	}
	if len(cfg.Sizes) == 0 {
		cfg.Sizes = []int{1, 4, 16}
	}
	origin := "official release"
	if cfg.Machine.ReleaseOrigin == rig.OriginStandIn {
		origin = "stand-in built from upstream Kubernetes"
	}
	r := &runner{cfg: cfg, p: p, what: What{
		Battle: cfg.Machine.Battle.Digest, PortAllocator: cfg.Machine.PortAllocator.Digest, K3s: rig.K3sVersion + ", " + origin,
	}}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil, fmt.Errorf("read load: %w", err)
	}
	local, _, err := r.localFile()
	if err != nil {
		return nil, err
	}
	r.salt, _ = local["encryptionsalt"].(string)
	if err := r.clear(ctx, "remove the nodes of a run that was cut off"); err != nil {
		return nil, err
	}
	steps := map[string]func(context.Context) error{"regions": r.regions, "overhead": r.overhead}
	var errs []error
	for _, part := range Parts() {
		if slices.Contains(cfg.Parts, part) && ctx.Err() == nil {
			errs = append(errs, steps[part](ctx))
		}
	}
	report, err := r.report(strings.Join(strings.Fields(string(load))[:3], " "))
	errs = append(errs, err)
	if ctx.Err() != nil {
		errs = append(errs, errors.New("interrupted: what is measured is kept, and the same command goes on from there"))
	}
	return report, errors.Join(errs...)
}

func (r *runner) path(elem ...string) string {
	return r.cfg.Workspace.Path(append([]string{"bench-fleet"}, elem...)...)
}

// rigDir is where the nodes' files lie: there is one rig at a time.
func (r *runner) rigDir() string { return r.path("rig") }

// localFile is the local city's stack file. Its passphrase is the one that this checkout's stacks are opened with.
func (r *runner) localFile() (file, region map[string]any, err error) {
	content, err := os.ReadFile(sampleFile(r.cfg.Workspace.Root, "local"))
	if err != nil {
		return nil, nil, fmt.Errorf("read the local region: %w", err)
	}
	return parseFile(content)
}

// clear takes the nodes away where there are any, under a title, and the stacks with their state, which holds secrets. Logs and results stay.
func (r *runner) clear(ctx context.Context, title string) error {
	if rig.Exists(r.rigDir()) {
		old, err := rig.Open(r.rigDir())
		if err != nil {
			return err
		}
		if err := r.p.Step(ctx, title, old.Remove); err != nil {
			return err
		}
	}
	if err := errors.Join(os.RemoveAll(r.path("state")), os.RemoveAll(r.path("stacks"))); err != nil {
		return fmt.Errorf("remove stacks: %w", err)
	}
	return nil
}

// withNodes has nodes while f runs. Whatever becomes of it, nothing of them is left.
func (r *runner) withNodes(ctx context.Context, name string, nodes []string, f func(context.Context, *rig.Rig) error) (err error) {
	defer func() { err = errors.Join(err, r.clear(context.WithoutCancel(ctx), "remove the nodes")) }()
	var made *rig.Rig
	err = r.p.Step(ctx, fmt.Sprintf("start %d nodes", len(nodes)), func(ctx context.Context) (err error) {
		made, err = rig.Start(ctx, rig.Spec{
			Name: name, Nodes: nodes, Dir: r.rigDir(), Cache: r.cfg.Workspace.Cache, Machine: r.cfg.Machine.Machine, Release: r.cfg.Machine.Release,
			// Many boot on few cores.
			ReadyTimeout: 5 * time.Minute,
		}, r.p)
		return err
	})
	if err != nil {
		return err
	}
	return f(ctx, made)
}

// stack is a stack of its own for a region, with the file's content.
func (r *runner) stack(name string, content []byte) (stack.Stack, error) {
	file := r.path("stacks", "Pulumi."+name+".yaml")
	state := r.path("state")
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.MkdirAll(state, 0o700), os.WriteFile(file, content, 0o600)); err != nil {
		return stack.Stack{}, fmt.Errorf("make stack %s: %w", name, err)
	}
	tools := r.cfg.Machine.Toolchain
	return stack.Stack{
		Name: name, Root: r.cfg.Workspace.Root, Pulumi: tools.Pulumi(), ConfigFile: file,
		Env: append(tools.Env(), "PULUMI_BACKEND_URL=file://"+state),
	}, nil
}

// local is what a rig has in place of what a region's file names.
func (r *runner) local(nodes *rig.Rig) Local {
	l := r.images()
	l.SSHConfig, l.MirrorURL, l.Checksums = nodes.SSHConfig(), nodes.Mirror().URL, filepath.Join(nodes.ReleaseDir(), "sha256sum-amd64.txt")
	l.Salt = r.salt
	return l
}

// images are those of this machine, where the stack file of the local city names them too.
func (r *runner) images() Local {
	w := r.cfg.Workspace
	return Local{
		Battle: r.cfg.Machine.Battle.Archive, PortAllocator: r.cfg.Machine.PortAllocator.Archive,
		Gatekeeper: w.Path("images", "gatekeeper.tar"), NATS: w.Path("images", "nats.tar"), Lobby: w.Path("images", "lobby.tar"),
		PlayerKeys: w.Path("lobby", "player-keys.json"),
	}
}

func (r *runner) report(load string) (*Report, error) {
	report := &Report{
		Started: time.Now().UTC().Truncate(time.Second), Command: r.cfg.Command, Machine: slo.ThisMachine(), Load: load, K3s: r.what.K3s,
	}
	regions, err := recall[Region](r.path("regions"))
	if err != nil {
		return report, err
	}
	overhead, err := recall[Overhead](r.path("overhead"))
	if err != nil {
		return report, err
	}
	report.Regions, report.Overhead = regions, overhead
	slices.SortFunc(report.Regions, func(a, b Region) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(report.Overhead, func(a, b Overhead) int { return a.Cities - b.Cities })
	return report, nil
}
