package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	orchestrator "github.com/edge-arena/edge-arena/internal/fleet"
	"github.com/edge-arena/edge-arena/internal/machine"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/tests/rig"
)

// atOnce is how many resources of a region are worked on at once: all hosts share the cores of one machine, on which more would wait for each
// other until their time-outs.
const atOnce = "6"

// rigName is the name of the nodes' rig, whatever runs on it.
const rigName = "bench-fleet"

// regions measures every region that has no result yet. One that fails keeps the others from nothing.
func (r *runner) regions(ctx context.Context) error {
	for i, name := range r.cfg.Regions {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		sample, err := os.ReadFile(sampleFile(r.cfg.Workspace.Root, name))
		if err != nil {
			return fmt.Errorf("read region %s: %w", name, err)
		}
		what := r.what
		if what.File, err = fingerprint(sample); err != nil {
			return fmt.Errorf("region %s: %w", name, err)
		}
		file := r.path("regions", name+".json")
		before, err := readResult[Region](file)
		if err != nil {
			return err
		}
		if !r.cfg.Fresh && before.done(what) {
			r.p.Note("region %s: measured %s", name, before.Started.Format(time.DateTime+" MST"))
			continue
		}
		result := &Region{Name: name, What: what, Started: time.Now().UTC().Truncate(time.Second)}
		err = r.p.Step(ctx, fmt.Sprintf("region %s (%d of %d)", name, i+1, len(r.cfg.Regions)), func(ctx context.Context) error {
			return r.region(ctx, name, sample, result)
		})
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			result.Error = err.Error()
		}
		if err := keep(file, result); err != nil {
			return err
		}
	}
	return nil
}

// fingerprint tells files apart by what is measured with them.
func fingerprint(sample []byte) (string, error) {
	content, err := overlay(sample, Local{})
	return fmt.Sprintf("%x", sha256.Sum256(content)), err
}

// done tells whether the region was measured as it is now, to its end.
func (r *Region) done(what What) bool { return r != nil && r.Error == "" && r.What == what }

// region rolls one region out on nodes of its own.
func (r *runner) region(ctx context.Context, name string, sample []byte, result *Region) error {
	used, available, err := machine.Memory()
	if err != nil {
		return err
	}
	_, tree, err := parseFile(sample)
	if err != nil {
		return err
	}
	if err := r.fits(name, sample, available); err != nil {
		return err
	}
	return r.withNodes(ctx, rigName, nodesOf(tree), func(ctx context.Context, made *rig.Rig) error {
		content, err := overlay(sample, r.local(made))
		if err != nil {
			return err
		}
		s, err := r.stack("bench-"+name, content)
		if err != nil {
			return err
		}
		s.Env = append(s.Env, "PULUMI_PARALLEL="+atOnce)
		cfg, err := s.Region()
		if err != nil {
			return err
		}
		stop, err := watchLoad(ctx, made)
		if err != nil {
			return err
		}
		began := time.Now()
		snapshot, err := r.up(ctx, s)
		result.Seconds = time.Since(began).Seconds()
		result.Load = stop()
		result.Load.Before = used
		result.adopt(cfg, snapshot)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if countErr := countPods(ctx, made, cfg, result); countErr != nil {
			r.p.Note("region %s: %v", name, countErr)
		}
		return err
	})
}

// fits looks whether the region's file, with paths in place of what is made with the nodes, has room on this machine.
func (r *runner) fits(name string, sample []byte, available int64) error {
	content, err := overlay(sample, r.images())
	if err != nil {
		return err
	}
	s, err := r.stack("bench-"+name, content)
	if err != nil {
		return err
	}
	raw, err := s.RegionJSON()
	if err != nil {
		return err
	}
	cfg, err := config.ParseWithoutFiles(raw)
	if err != nil {
		return err
	}
	return fit(neededBy(cfg), available)
}

// up rolls the stack's region out as `arena fleet up` does.
func (r *runner) up(ctx context.Context, s stack.Stack) (orchestrator.Snapshot, error) {
	o := r.options(s)
	if r.cfg.Log != nil {
		o.Observe = orchestrator.NewLive(r.cfg.Log, false).Observe
	}
	return orchestrator.Up(ctx, o)
}

func (r *runner) options(s stack.Stack) orchestrator.Options {
	return orchestrator.Options{Stacks: []stack.Stack{s}, Dir: r.path("runs")}
}

// adopt takes over what became of the cities.
func (r *Region) adopt(cfg *config.Region, s orchestrator.Snapshot) {
	for i := range cfg.Cities {
		r.Nodes += len(cfg.Cities[i].Nodes)
	}
	if len(s.Regions) == 0 {
		return
	}
	for _, c := range s.Regions[0].Cities {
		city := City{Name: c.Name, Wave: c.Wave, State: string(c.State), Error: c.Error, Nodes: c.Nodes, Pods: c.Pods}
		if !c.Started.IsZero() && c.Finished.After(c.Started) {
			city.Seconds = c.Finished.Sub(c.Started).Seconds()
		}
		if g := c.Gate; g != nil {
			city.P50, city.P99, city.TickRate, city.Warned = g.RTT.P50, g.RTT.P99, g.TickRate, len(g.Warnings) > 0
		}
		if r.WasmEdge == "" {
			r.WasmEdge = c.WasmEdge
		}
		r.Cities = append(r.Cities, city)
	}
}

// asked is how many nodes are asked for their pods at once.
const asked = 4

// countPods counts the battle pods that are ready in every city, and how often their containers were started again.
func countPods(ctx context.Context, made *rig.Rig, cfg *config.Region, result *Region) error {
	var g errgroup.Group
	g.SetLimit(asked)
	for i := range result.Cities {
		c := &result.Cities[i]
		for j := range cfg.Cities {
			city := &cfg.Cities[j]
			if city.Name != c.Name {
				continue
			}
			g.Go(func() (err error) {
				c.Ready, c.Restarts, err = podsOf(ctx, made, nodeName(city.Name, city.Servers()[0].Name), city.Battle.Namespace)
				return err
			})
		}
	}
	return g.Wait()
}

// podsOf asks a city's server for its battle pods, past Pulumi: also where the roll-out has failed.
func podsOf(ctx context.Context, made *rig.Rig, server, namespace string) (ready, restarts int, err error) {
	out, err := made.Exec(ctx, server, "/usr/local/bin/k3s", "kubectl", "--kubeconfig", "/etc/rancher/k3s/k3s.yaml",
		"-n", namespace, "get", "pods", "-l", "app=real-time-battle", "-o", "json")
	if err != nil {
		return 0, 0, fmt.Errorf("count the pods of %s: %w", server, err)
	}
	return parsePods([]byte(out))
}

func parsePods(content []byte) (ready, restarts int, err error) {
	var pods struct {
		Items []struct {
			Status struct {
				Conditions        []struct{ Type, Status string }
				ContainerStatuses []struct{ RestartCount int }
			}
		}
	}
	if err := json.Unmarshal(content, &pods); err != nil {
		return 0, 0, fmt.Errorf("count pods: %w", err)
	}
	for _, pod := range pods.Items {
		for _, c := range pod.Status.Conditions {
			if c.Type == "Ready" && c.Status == "True" {
				ready++
			}
		}
		for _, c := range pod.Status.ContainerStatuses {
			restarts += c.RestartCount
		}
	}
	return ready, restarts, nil
}

// RegionNames are the regions of the checkout at root, but for the local one.
func RegionNames(root string) ([]string, error) {
	names, err := stack.Names(root)
	return slices.DeleteFunc(names, func(name string) bool { return name == "local" }), err
}
