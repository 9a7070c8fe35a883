// Package starts measures the cold starts of a city's battle servers: how long the OCI runtime and the server need until the server first answers, on the
// nodes themselves and beside the pods that play there. It is the one objective that no pod can see of itself, and no bot from outside.
package starts

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/coldstart"
	"github.com/edge-arena/edge-arena/internal/gobuild"
	"github.com/edge-arena/edge-arena/internal/hosts"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

const (
	// program is what runs on a node.
	program = "./internal/bench/nodeprobe"
	// patience is how long one start may take.
	patience = 20 * time.Second
	// allowance is how long the rest of a measurement may take on a node, beside its starts.
	allowance = 2 * time.Minute
)

// Config says what to measure.
type Config struct {
	// Root is the checkout that the program for the nodes is built from. Required.
	Root string
	// Image is the battle image of the city, by digest. Required.
	Image string
	// Starts is how often the server is started on each node. Required.
	Starts int
}

// Hosts are the nodes of a city that have battle pods, by name.
func Hosts(region *config.Region, city string, targets []slo.Target) (map[string]config.Endpoint, error) {
	found := map[string]config.Endpoint{}
	for _, c := range region.Cities {
		if c.Name != city {
			continue
		}
		for _, n := range c.Nodes {
			if slices.ContainsFunc(targets, func(t slo.Target) bool { return t.Node == n.Name }) {
				found[n.Name] = n.Endpoint
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the stack's file has none of the nodes that run the battle pods of %s", city)
	}
	return found, nil
}

// Measure starts the city's battle server on each of the nodes, one node after the other, and tells what that took by node.
func Measure(ctx context.Context, cfg Config, nodes map[string]config.Endpoint) ([]slo.NodeStarts, error) {
	if cfg.Starts < 1 {
		return nil, fmt.Errorf("measure cold starts: %d is no number of starts: want 1 or more", cfg.Starts)
	}
	probe, err := gobuild.Static(ctx, cfg.Root, program)
	if err != nil {
		return nil, fmt.Errorf("measure cold starts: %w", err)
	}
	var all []slo.NodeStarts
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		took, err := measure(ctx, cfg, nodes[name], probe)
		if err != nil {
			return nil, fmt.Errorf("measure cold starts on node %s: %w", name, err)
		}
		all = append(all, slo.NewNodeStarts(name, took))
	}
	return all, nil
}

const (
	// upload keeps stdin as a program in a folder of the login user's own, and prints the folder.
	upload = `umask 077; dir=$(mktemp -d) && { cat >"$dir/nodeprobe" || { rm -rf "$dir"; exit 1; }; } && printf %s "$dir"`
	// run has root run the program of the folder $1 with the job $2, and removes both. Not in /tmp: it might be mounted noexec.
	run = `set -eu
work=$(mktemp -d /run/arena-slo-XXXXXX)
trap 'rm -rf "$work" "$1"' EXIT
install -m 0700 "$1/nodeprobe" "$work/nodeprobe"
printf %s "$2" | "$work/nodeprobe" live
`
)

// measure brings the program to a node and has it start the server there.
func measure(ctx context.Context, cfg Config, node config.Endpoint, probe []byte) ([]time.Duration, error) {
	limit := time.Duration(cfg.Starts+1)*patience + allowance
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done within %s", limit))
	defer cancel()
	job, err := json.Marshal(coldstart.LiveJob{Image: cfg.Image, Starts: cfg.Starts, Timeout: patience})
	if err != nil {
		return nil, err
	}
	dir, err := hosts.Run(ctx, node, "sh -c '"+upload+"'", string(probe))
	if err != nil {
		return nil, fmt.Errorf("copy nodeprobe: %w", err)
	}
	line, script := k3s.RootCommand(run, strings.TrimSpace(dir), string(job))
	printed, err := hosts.Run(ctx, node, line, script)
	if err != nil {
		return nil, err
	}
	var starts []coldstart.Start
	if err := json.Unmarshal([]byte(printed), &starts); err != nil {
		return nil, fmt.Errorf("read nodeprobe's answer: %w", err)
	}
	if len(starts) != cfg.Starts {
		return nil, fmt.Errorf("nodeprobe tells of %d starts, not of %d", len(starts), cfg.Starts)
	}
	took := make([]time.Duration, len(starts))
	for i, s := range starts {
		took[i] = s.Ready
	}
	return took, nil
}
