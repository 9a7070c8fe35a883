// Package drift tells how the nodes of a region differ from what its config asks for. Pulumi cannot: the resources that install a node
// are commands, and a command has nothing that a refresh could read.
package drift

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/edge-arena/edge-arena/internal/hosts"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

const (
	// sideBySide is how many nodes are read at once where the caller does not say.
	sideBySide = 16
	// readTimeout is how long one node may take once it has been reached: it has some hundred MiB of files to hash.
	readTimeout = 5 * time.Minute
)

// NodeReport is one node: how it is, or why that is not known.
type NodeReport struct {
	// City is the name of the node's city.
	City string `json:"city"`
	k3s.State
	// Error is why the node could not be read; empty where it could.
	Error string `json:"error,omitempty"`
}

// Read reads all nodes of the region over SSH, at most parallel at once (16 where that is 0), and changes nothing on them. The reports are
// in the region's order. A node that cannot be read is no error of the others.
func Read(ctx context.Context, region *config.Region, parallel int) []NodeReport {
	if parallel < 1 {
		parallel = sideBySide
	}
	type place struct {
		args *k3s.ClusterArgs
		node config.Node
	}
	var places []place
	var reports []NodeReport
	for _, c := range region.Cities {
		args := k3s.CityArgs(region.Name, c)
		for _, n := range slices.Concat(args.Servers, args.Agents) {
			places = append(places, place{args, n})
			reports = append(reports, NodeReport{City: c.Name, State: k3s.State{Node: n.Name}})
		}
	}
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, p := range places {
		g.Go(func() error {
			state, err := read(ctx, p.args, p.node)
			if err != nil {
				reports[i].Error = err.Error()
				return nil //nolint:nilerr // It is that node's, and in its report.
			}
			reports[i].State = state
			return nil
		})
	}
	// None of them returns one.
	_ = g.Wait()
	return reports
}

func read(ctx context.Context, args *k3s.ClusterArgs, node config.Node) (k3s.State, error) {
	dials := time.Duration(max(node.Endpoint.DialAttempts, 1)) * (node.Endpoint.DialTimeout + 5*time.Second)
	ctx, cancel := context.WithTimeoutCause(ctx, dials+readTimeout, fmt.Errorf("no answer within %s", dials+readTimeout))
	defer cancel()
	command, stdin := k3s.Inspection(args, node)
	printed, err := hosts.Run(ctx, node.Endpoint, command, stdin)
	if err != nil {
		return k3s.State{}, err
	}
	return k3s.ParseState([]byte(printed), node.Name)
}

// Drifted tells whether the node is known not to be as it was asked for.
func (r NodeReport) Drifted() bool { return r.Error == "" && len(r.Differences) > 0 }

// Resource is the logical name of the resource whose command mends the node when it runs again.
func (r NodeReport) Resource() string { return k3s.InstallName(r.City, r.Node) }

// Drifted are the nodes that are known not to be as they were asked for.
func Drifted(reports []NodeReport) []NodeReport {
	var drifted []NodeReport
	for _, r := range reports {
		if r.Drifted() {
			drifted = append(drifted, r)
		}
	}
	return drifted
}

// Unread joins the errors of the nodes that could not be read, each with the node's name; nil where all could.
func Unread(reports []NodeReport) error {
	var errs []error
	for _, r := range reports {
		if r.Error != "" {
			errs = append(errs, fmt.Errorf("read node %s of city %s: %s", r.Node, r.City, r.Error))
		}
	}
	return errors.Join(errs...)
}
