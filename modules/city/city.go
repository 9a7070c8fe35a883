// Package city makes one autonomous city: hosts in, players in the end.
package city

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/credentials"
	"github.com/edge-arena/edge-arena/modules/policy"
)

// Type is the type token of [City].
const Type = "edge-arena:city:City"

// Args describe a city.
type Args struct {
	// Region is the name of its region. Required.
	Region string
	// City is its name, settings and nodes. Required.
	City config.City
	// Hub is where the region's hub is reached, `host:port`. Default is nowhere: no other city sends anything.
	Hub string
	// Watched are the names of the region's cities that are monitored: its hub waits for their metrics. Default is none.
	Watched []string
	// Watch are the credentials of the region's monitoring. Required where several of its cities are monitored, and with Grafana.
	Watch *credentials.Region
	// After are resources to wait for before any of its nodes is touched: the gates of the wave before. Default is none.
	After []pulumi.Resource
}

func (a Args) validate() error {
	var errs []error
	if a.Region == "" {
		errs = append(errs, errors.New("region: required"))
	}
	if a.City.Name == "" {
		errs = append(errs, errors.New("city.name: required"))
	}
	if len(a.City.Servers()) == 0 {
		errs = append(errs, errors.New("city.nodes: a server is required"))
	}
	return errors.Join(errs...)
}

// City is one K3s cluster with its battle service, its lobby, and what both need.
type City struct {
	pulumi.ResourceState

	// Kubeconfig reaches the city's cluster as its admin. A secret.
	Kubeconfig pulumi.StringOutput
	// Summary is what other programs need to know of the city. Nothing in it is secret.
	Summary pulumi.MapOutput
	// Passed are the resources to depend on: the city is up, and has passed its gate where it has one, when they are there.
	Passed []pulumi.Resource
}

// namespace holds the city's own services beside the battle.
const namespace = policy.CityNamespace

// New makes a city: K3s, Wasm in it, the policies that it is held to, its secrets, then NATS, the battle service and the lobby, what it is
// watched with, and the gate that holds it to its objectives.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*City, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}
	c := &City{}
	if err := ctx.RegisterComponentResource(Type, name, c, opts...); err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}
	b := builder{ctx: ctx, name: name, args: args, city: args.City, owner: args.Region + "/" + args.City.Name, parent: pulumi.Parent(c)}
	for _, step := range []func() error{
		b.makeCluster, b.makeRuntime, b.makePolicies, b.makeNamespace, b.makeCredentials, b.makeMessaging, b.makeBattle, b.makeLobby, b.makeMonitoring,
		b.makeGate,
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("city %s: %w", name, err)
		}
	}
	c.Kubeconfig, c.Summary, c.Passed = b.cluster.Kubeconfig, b.summary(), b.passed
	if err := ctx.RegisterResourceOutputs(c, pulumi.Map{"kubeconfig": c.Kubeconfig, "summary": c.Summary}); err != nil {
		return nil, fmt.Errorf("city %s: outputs: %w", name, err)
	}
	return c, nil
}
