// Package city makes one autonomous city: hosts in, players in the end.
package city

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/battle"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/k3s"
	"github.com/edge-arena/edge-arena/modules/slo"
	"github.com/edge-arena/edge-arena/modules/wasm"
)

// Type is the type token of [City].
const Type = "edge-arena:city:City"

// Args describe a city.
type Args struct {
	// Region is the name of its region. Required.
	Region string
	// City is its name, settings and nodes. Required.
	City config.City
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

// City is one K3s cluster with its battle service.
type City struct {
	pulumi.ResourceState

	// Kubeconfig reaches the city's cluster as its admin. A secret.
	Kubeconfig pulumi.StringOutput
	// Summary is what other programs need to know of the city. Nothing in it is secret.
	Summary pulumi.MapOutput
	// Passed are the resources to depend on: the city is up, and has passed its gate where it has one, when they are there.
	Passed []pulumi.Resource
}

// New makes a city: K3s, then Wasm in it, then the battle service, then the gate that holds it to its objectives.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*City, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}
	c := &City{}
	if err := ctx.RegisterComponentResource(Type, name, c, opts...); err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}
	city, owner, parent := args.City, args.Region+"/"+args.City.Name, pulumi.Parent(c)

	clusterArgs := k3s.CityArgs(args.Region, city)
	clusterArgs.After = args.After
	cluster, err := k3s.NewCluster(ctx, name, clusterArgs, parent)
	if err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}
	provider, err := kubernetes.NewProvider(ctx, name+"-kubernetes", &kubernetes.ProviderArgs{
		Kubeconfig:            cluster.Kubeconfig,
		EnableServerSideApply: pulumi.Bool(true),
		// Another first server is another cluster; another certificate or address is not.
		ClusterIdentifier: pulumi.String(owner + "/" + cluster.Nodes[0].Name),
	}, parent, pulumi.DependsOn(cluster.Ready))
	if err != nil {
		return nil, fmt.Errorf("city %s: provider: %w", name, err)
	}

	runtime, err := wasm.NewRuntime(ctx, name+"-wasm", &wasm.RuntimeArgs{Cluster: cluster}, parent, pulumi.Providers(provider))
	if err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}
	service, err := battle.NewService(ctx, name+"-battle", &battle.ServiceArgs{
		Battle: city.Battle, Cluster: cluster, Runtime: runtime,
	}, parent, pulumi.Providers(provider))
	if err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}

	c.Kubeconfig, c.Passed = cluster.Kubeconfig, service.Ready
	outcome := pulumi.String("").ToStringOutput()
	if city.SLO.Gate.Enabled {
		subject, err := subject(city)
		if err != nil {
			return nil, fmt.Errorf("city %s: %w", name, err)
		}
		gate, err := slo.NewGate(ctx, name+"-gate", &slo.GateArgs{
			City: owner, Subject: subject, SLO: city.SLO, Battle: city.Battle, Image: service.Image, Kubeconfig: cluster.Kubeconfig,
			After: service.Ready,
		}, parent, cluster.Contained())
		if err != nil {
			return nil, fmt.Errorf("city %s: %w", name, err)
		}
		outcome, c.Passed = gate.Outcome, []pulumi.Resource{gate.Passed}
	}
	c.Summary = summary(city, cluster, service, outcome)
	if err := ctx.RegisterResourceOutputs(c, pulumi.Map{"kubeconfig": c.Kubeconfig, "summary": c.Summary}); err != nil {
		return nil, fmt.Errorf("city %s: outputs: %w", name, err)
	}
	return c, nil
}

func summary(city config.City, cluster *k3s.Cluster, service *battle.Service, outcome pulumi.StringOutput) pulumi.MapOutput {
	var nodes pulumi.Array
	for _, n := range cluster.Nodes {
		nodes = append(nodes, pulumi.Map{
			"name":     pulumi.String(n.Name),
			"role":     pulumi.String(string(n.Role)),
			"address":  pulumi.String(n.Endpoint.Address),
			"external": pulumi.String(n.ExternalAddress),
			"wasmEdge": cluster.WasmEdge.MapIndex(pulumi.String(n.Name)),
		})
	}
	return pulumi.Map{
		"k3s":   cluster.Version,
		"nodes": nodes,
		"battle": pulumi.Map{
			"namespace": service.Namespace,
			"app":       pulumi.String(battle.App),
			"image":     service.Image,
			"replicas":  pulumi.Int(city.Battle.Replicas),
			"tickRate":  pulumi.Int(city.Battle.TickRate),
			"ports":     pulumi.IntMap{"first": pulumi.Int(city.Battle.Ports.First), "last": pulumi.Int(city.Battle.Ports.Last)},
		},
		"slo":  objectives(city.SLO),
		"gate": outcome,
	}.ToMapOutput()
}

// objectives are what the city promises, durations in milliseconds, and how that is measured.
func objectives(slo config.SLO) pulumi.Map {
	return pulumi.Map{
		"rttP50Ms":    pulumi.Float64(slo.RTTP50.Seconds() * 1000),
		"rttP99Ms":    pulumi.Float64(slo.RTTP99.Seconds() * 1000),
		"rttP999Ms":   pulumi.Float64(slo.RTTP999.Seconds() * 1000),
		"tickRate":    pulumi.Float64(slo.TickRate),
		"botsPerPod":  pulumi.Int(slo.BotsPerPod),
		"durationSec": pulumi.Float64(slo.Duration.Seconds()),
	}
}
