// Package bench measures what docs/benchmarks.md tells, on the running local city: the Wasm battle server beside the same server as a
// native container, the starts of both, how many pods a node holds, the images, the city's own needs, its lobby, and `pulumi up` with nothing to do.
//
// What is compared is measured in the same run, in turns, under the same conditions. Whatever the city is changed for that is put
// back before the run ends, also where it fails or is interrupted.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/internal/stack"
)

// Parts are what can be measured, in order.
func Parts() []string {
	return []string{"battle", "coldstart", "density", "image", "city", "lobby", "noop"}
}

// Config says what to measure, and how.
type Config struct {
	// Parts are those of [Parts] to measure. Default is all.
	Parts []string
	// Quick is for trying it out: fewer and shorter rounds, and numbers that nobody should quote.
	Quick bool
	// Root is the checkout. Required.
	Root string
	// Stack is the local city's. Required.
	Stack stack.Stack
	// SSHConfig is the OpenSSH configuration through which the node is reached. Required.
	SSHConfig string
	// Wasm and Native are the images to compare. Required.
	Wasm, Native image.Image
	// Hosted is the image of the same module under wazero. Required.
	Hosted image.Image
	// Token signs a token for the player of that name. Required.
	Token func(player string) (string, error)
	// Scratch is a folder on a disk for what is written meanwhile. Required.
	Scratch string
	// K3sOrigin says which K3s it is. Required.
	K3sOrigin string
	// Command is what the user typed. Required.
	Command string
}

// runner measures one city.
type runner struct {
	began   time.Time
	cfg     Config
	p       *progress.Reporter
	name    string
	city    stack.City
	promise stack.SLO
	cluster *cluster
	node    *node
	report  *Report
}

// Run measures. The report has the parts that were asked for; where one fails, those that were measured before it.
func Run(ctx context.Context, cfg Config, p *progress.Reporter) (report *Report, err error) {
	if len(cfg.Parts) == 0 {
		cfg.Parts = Parts()
	}
	for _, part := range cfg.Parts {
		if !slices.Contains(Parts(), part) {
			return nil, fmt.Errorf("there is no part %q: want some of %s", part, strings.Join(Parts(), ", "))
		}
	}
	r := &runner{began: time.Now(), cfg: cfg, p: p}
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close(context.WithoutCancel(ctx))) }()
	steps := map[string]func(context.Context) error{
		"battle": r.battle, "coldstart": r.coldStart, "density": r.density, "image": r.images, "city": r.idle, "lobby": r.lobby, "noop": r.noOp,
	}
	for _, part := range Parts() {
		if !slices.Contains(cfg.Parts, part) {
			continue
		}
		began := time.Now()
		if err := steps[part](ctx); err != nil {
			return r.report, fmt.Errorf("measure %s: %w", part, err)
		}
		p.Note("measured %s in %s, %s after the start", part, time.Since(began).Round(time.Second), time.Since(r.began).Round(time.Second))
	}
	return r.report, nil
}

// open finds the city, and sees that the images are those of the city.
func (r *runner) open(ctx context.Context) error {
	cities, kubeconfigs, err := r.cfg.Stack.CitiesAndKubeconfigs(ctx)
	if err != nil {
		return err
	}
	for name, city := range cities {
		r.name, r.city, r.promise = name, city, city.SLO
	}
	if len(cities) != 1 || len(r.city.Nodes) != 1 {
		return fmt.Errorf("stack %s has %d cities: one city of one node can be measured", r.cfg.Stack.Name, len(cities))
	}
	if r.cluster, err = openCluster([]byte(kubeconfigs[r.name]), r.city.Battle.Namespace, r.city.Battle.Replicas); err != nil {
		return err
	}
	if live, err := r.cluster.image(ctx); err != nil {
		return err
	} else if live != r.cfg.Wasm.Reference {
		return fmt.Errorf("the city runs %s, and this checkout makes %s: bring it up to date first (arena up)", live, r.cfg.Wasm.Reference)
	}
	if r.node, err = openNode(ctx, r.cfg.Root, r.cfg.SSHConfig, r.city.Nodes[0].Name); err != nil {
		return err
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return errors.Join(fmt.Errorf("read load: %w", err), r.close(ctx))
	}
	r.report = &Report{
		Started: time.Now().UTC().Truncate(time.Second), Command: r.cfg.Command, Quick: r.cfg.Quick, Machine: slo.ThisMachine(),
		Load: strings.Join(strings.Fields(string(load))[:3], " "), K3s: r.city.K3s + ", " + r.cfg.K3sOrigin, WasmEdge: r.city.Nodes[0].WasmEdge,
	}
	return nil
}

func (r *runner) close(ctx context.Context) error { return r.node.close(ctx) }

// withImages has the images that the city does not use on the node while f runs.
func (r *runner) withImages(ctx context.Context, f func(context.Context) error) (err error) {
	for _, other := range []image.Image{r.cfg.Native, r.cfg.Hosted} {
		defer func() { err = errors.Join(err, r.node.removeImage(context.WithoutCancel(ctx), other.Digest)) }()
		if err := r.node.importImage(ctx, other.Archive); err != nil {
			return err
		}
	}
	return f(ctx)
}

// withRestore puts the city's pods back when f is done.
func (r *runner) withRestore(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		back := r.p.Step(context.WithoutCancel(ctx), fmt.Sprintf("give %s its %d battle pods back", r.name, r.cluster.replicas), r.cluster.restore)
		err = errors.Join(err, back)
	}()
	return f(ctx)
}
