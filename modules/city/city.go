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
	"github.com/edge-arena/edge-arena/modules/wasm"
)

// Type is the type token of [City].
const Type = "edge-arena:city:City"

// Args describe a city.
type Args struct {
	// Region is what the city has in common with others. Required.
	Region *config.Region
	// City is its name and nodes. Required.
	City config.City
}

func (a Args) validate() error {
	var errs []error
	if a.Region == nil {
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
}

// New makes a city: K3s, then Wasm in it, then the battle service.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*City, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}
	c := &City{}
	if err := ctx.RegisterComponentResource(Type, name, c, opts...); err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}
	region, parent := args.Region, pulumi.Parent(c)

	cluster, err := k3s.NewCluster(ctx, name, &k3s.ClusterArgs{
		Owner:   region.Name + "/" + args.City.Name,
		Servers: args.City.Servers(),
		Agents:  args.City.Agents(),
		K3s:     region.K3s,
		Wasm:    region.Wasm,
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}
	provider, err := kubernetes.NewProvider(ctx, name+"-kubernetes", &kubernetes.ProviderArgs{
		Kubeconfig:            cluster.Kubeconfig,
		EnableServerSideApply: pulumi.Bool(true),
		// Another first server is another cluster; another certificate or address is not.
		ClusterIdentifier: pulumi.String(region.Name + "/" + args.City.Name + "/" + cluster.Nodes[0].Name),
	}, parent, pulumi.DependsOn(cluster.Ready))
	if err != nil {
		return nil, fmt.Errorf("city %s: provider: %w", name, err)
	}

	runtime, err := wasm.NewRuntime(ctx, name+"-wasm", &wasm.RuntimeArgs{Cluster: cluster}, parent, pulumi.Providers(provider))
	if err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}
	service, err := battle.NewService(ctx, name+"-battle", &battle.ServiceArgs{
		Battle: region.Battle, Cluster: cluster, Runtime: runtime,
	}, parent, pulumi.Providers(provider))
	if err != nil {
		return nil, fmt.Errorf("city %s: %w", name, err)
	}

	c.Kubeconfig = cluster.Kubeconfig
	c.Summary = summary(region, cluster, service)
	if err := ctx.RegisterResourceOutputs(c, pulumi.Map{"kubeconfig": c.Kubeconfig, "summary": c.Summary}); err != nil {
		return nil, fmt.Errorf("city %s: outputs: %w", name, err)
	}
	return c, nil
}

func summary(region *config.Region, cluster *k3s.Cluster, service *battle.Service) pulumi.MapOutput {
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
			"replicas":  pulumi.Int(region.Battle.Replicas),
			"tickRate":  pulumi.Int(region.Battle.TickRate),
			"ports":     pulumi.IntMap{"first": pulumi.Int(region.Battle.Ports.First), "last": pulumi.Int(region.Battle.Ports.Last)},
		},
	}.ToMapOutput()
}
