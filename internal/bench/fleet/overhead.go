package fleet

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/internal/bench/fleet/replay"
	"github.com/edge-arena/edge-arena/internal/command"
	orchestrator "github.com/edge-arena/edge-arena/internal/fleet"
	"github.com/edge-arena/edge-arena/internal/machine"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/tests/rig"
)

// podsPerCity is how many battle pods each city of the comparison has.
const podsPerCity = 4

// overheadStack is the name of the stack and the region of the comparison.
const overheadStack = "bench-overhead"

// overhead compares Pulumi with plain ssh, for each number of cities that has no result yet.
func (r *runner) overhead(ctx context.Context) error {
	for _, n := range r.cfg.Sizes {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		file := r.path("overhead", fmt.Sprintf("%d.json", n))
		before, err := readResult[Overhead](file)
		if err != nil {
			return err
		}
		if !r.cfg.Fresh && before != nil && before.What == r.what {
			r.p.Note("overhead with %d cities: measured %s", n, before.Started.Format(time.DateTime+" MST"))
			continue
		}
		result := &Overhead{What: r.what, Started: time.Now().UTC().Truncate(time.Second), Cities: n, Pods: podsPerCity * n}
		if err := r.p.Step(ctx, fmt.Sprintf("overhead with %d cities", n), func(ctx context.Context) error { return r.pair(ctx, result) }); err != nil {
			return fmt.Errorf("overhead with %d cities: %w", n, err)
		}
		if err := keep(file, result); err != nil {
			return err
		}
	}
	return nil
}

func cityName(i int) string { return fmt.Sprintf("c%02d", i+1) }

// serverName is the one node of a city.
func serverName(city string) string { return city + "-1" }

// pair measures both sides, each on fresh nodes: Pulumi first, for what the other side runs is read from its state.
func (r *runner) pair(ctx context.Context, result *Overhead) error {
	_, available, err := machine.Memory()
	if err != nil {
		return err
	}
	if err := fit(needed(result.Cities, result.Cities, 0, result.Pods), available); err != nil {
		return err
	}
	var cities, nodes []string
	for i := range result.Cities {
		cities = append(cities, cityName(i))
		nodes = append(nodes, serverName(cityName(i)))
	}
	var steps []replay.Step
	var addresses map[string]string
	err = r.withNodes(ctx, rigName, nodes, func(ctx context.Context, made *rig.Rig) error {
		content, err := r.comparedFile(made, cities)
		if err != nil {
			return err
		}
		s, err := r.stack(overheadStack, content)
		if err != nil {
			return err
		}
		// The first use of the program compiles it, which is a matter of the checkout and not of the roll-out.
		if _, err := orchestrator.Preview(ctx, r.options(s)); err != nil {
			return err
		}
		if result.Pulumi, err = timed(func() error { _, err := r.up(ctx, s); return err }); err != nil {
			return err
		}
		if err := requireUp(ctx, made, nodes); err != nil {
			return err
		}
		addresses = addressesOf(made)
		steps, err = r.commands(ctx, s, cities, addresses)
		return err
	})
	if err != nil {
		return fmt.Errorf("with Pulumi: %w", err)
	}
	result.Steps = len(steps)
	err = r.withNodes(ctx, rigName, nodes, func(ctx context.Context, made *rig.Rig) error {
		replay.Rewrite(steps, moved(addresses, addressesOf(made))...)
		side, err := timed(func() error {
			return replay.Run(ctx, steps, func(ctx context.Context, s replay.Step) error { return overSSH(ctx, made.SSHConfig(), s) })
		})
		if err != nil {
			return err
		}
		result.Plain = side
		return requireUp(ctx, made, nodes)
	})
	if err != nil {
		return fmt.Errorf("by plain ssh: %w", err)
	}
	return nil
}

// timed measures what f takes of time and of this machine.
func timed(f func() error) (side Side, err error) {
	stop, err := watchUsage()
	if err != nil {
		return side, err
	}
	began := time.Now()
	err = f()
	side.Seconds = time.Since(began).Seconds()
	side.CPUSeconds, side.PeakRSS = stop()
	return side, err
}

// comparedFile is a region of cities of one node each, all in one wave and without gates.
func (r *runner) comparedFile(made *rig.Rig, cities []string) ([]byte, error) {
	file, region, err := r.localFile()
	if err != nil {
		return nil, err
	}
	region["name"] = overheadStack
	at(region, "battle")["replicas"] = podsPerCity
	var list []any
	for _, city := range cities {
		list = append(list, map[string]any{"name": city, "nodes": []any{map[string]any{"name": serverName(city), "host": serverName(city)}}})
	}
	region["cities"] = list
	sample, err := yaml.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("write region: %w", err)
	}
	content, err := overlay(sample, r.local(made))
	if err != nil {
		return nil, err
	}
	if file, region, err = parseFile(content); err != nil {
		return nil, err
	}
	region["slo"] = map[string]any{"gate": map[string]any{"enabled": false}}
	if content, err = yaml.Marshal(file); err != nil {
		return nil, fmt.Errorf("write region: %w", err)
	}
	return content, nil
}

// addressesOf are the addresses of the nodes and the mirror, by name.
func addressesOf(made *rig.Rig) map[string]string {
	all := map[string]string{"the mirror": strings.TrimPrefix(made.Mirror().URL, "http://")}
	for _, n := range made.Nodes() {
		all[n.Name] = n.Address
	}
	return all
}

// moved are the pairs of text that take commands from some addresses to others: those of the same rig made anew are mostly the same.
func moved(from, to map[string]string) []string {
	var pairs []string
	for name, old := range from {
		if now := to[name]; now != old {
			// Whatever follows an address in a text, it is no digit: 10.0.0.1 is not to be found in 10.0.0.11.
			for _, end := range []string{":", "/", "'", "\"", " ", "\n", ","} {
				pairs = append(pairs, old+end, now+end)
			}
		}
	}
	return pairs
}

// commands are what the update has run.
func (r *runner) commands(ctx context.Context, s stack.Stack, cities []string, addresses map[string]string) ([]replay.Step, error) {
	o := replay.Options{Cities: cities, Hosts: map[string]string{}, Servers: map[string]string{}, Dir: s.Root}
	for name, address := range addresses {
		if _, err := netip.ParseAddr(address); err == nil {
			o.Hosts[address] = name
		}
	}
	for _, city := range cities {
		o.Servers[city] = serverName(city)
	}
	export := command.Cmd{Dir: s.Root, Env: append(os.Environ(), s.Env...)}
	state, err := export.Run(ctx, s.Pulumi, "stack", "export", "--show-secrets", "--stack", s.Name)
	if err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	return replay.Parse([]byte(state), o)
}

// overSSH runs a step by the OpenSSH client.
func overSSH(ctx context.Context, config string, s replay.Step) (err error) {
	stdin := io.Reader(strings.NewReader(s.Stdin))
	if s.File != "" {
		f, err := os.Open(s.File)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // It is only read.
		stdin = f
	}
	// -T: no terminal.
	_, err = command.Cmd{Stdin: stdin}.Run(ctx, "ssh", "-T", "-F", config, s.Host, s.Script)
	return err
}

// requireUp sees that both sides end alike: every node Ready, and every battle pod.
func requireUp(ctx context.Context, made *rig.Rig, servers []string) error {
	for _, server := range servers {
		out, err := made.Exec(ctx, server, "/usr/local/bin/k3s", "kubectl", "--kubeconfig", "/etc/rancher/k3s/k3s.yaml",
			"get", "nodes", "-o", `jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}`)
		if err != nil {
			return fmt.Errorf("look at %s: %w", server, err)
		}
		if strings.TrimSpace(out) != "True" {
			return fmt.Errorf("node %s is not Ready", server)
		}
		ready, _, err := podsOf(ctx, made, server, "battle")
		if err != nil {
			return err
		}
		if ready != podsPerCity {
			return fmt.Errorf("%s has %d battle pods that are ready, not %d", server, ready, podsPerCity)
		}
	}
	return nil
}
