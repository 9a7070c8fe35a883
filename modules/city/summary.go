package city

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/battle"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/lobby"
	"github.com/edge-arena/edge-arena/modules/monitoring"
)

// summary is what other programs need to know of the city.
func (b *builder) summary() pulumi.MapOutput {
	city, cluster, service := b.city, b.cluster, b.battle
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
		"lobby": pulumi.Map{
			"namespace": pulumi.String(namespace),
			"app":       pulumi.String(lobby.App),
			"image":     b.lobby.Image,
			"address":   b.lobby.Address,
			"issuer":    pulumi.String(city.Lobby.Issuer),
		},
		"monitoring": monitoring.Summarize(city).Map(),
		"slo":        objectives(city.SLO),
		"gate":       b.outcome,
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
