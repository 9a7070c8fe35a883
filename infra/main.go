// Infra is the Pulumi program of a region: it reads the region's config and makes its cities.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/city"
	"github.com/edge-arena/edge-arena/modules/config"
)

func main() { pulumi.Run(program) }

// program exports
//
//	region       the region's name
//	cities       by city: K3s version, nodes with address and WasmEdge version, the battle service
//	slo          the objectives, durations in milliseconds, and how they are measured
//	kubeconfigs  by city: a secret
func program(ctx *pulumi.Context) error {
	region, err := config.Load(ctx)
	if err != nil {
		return err
	}
	cities, kubeconfigs := pulumi.Map{}, pulumi.StringMap{}
	for _, c := range region.Cities {
		made, err := city.New(ctx, c.Name, &city.Args{Region: region, City: c})
		if err != nil {
			return err
		}
		cities[c.Name], kubeconfigs[c.Name] = made.Summary, made.Kubeconfig
	}
	ctx.Export("region", pulumi.String(region.Name))
	ctx.Export("cities", cities)
	ctx.Export("slo", objectives(region.SLO))
	ctx.Export("kubeconfigs", pulumi.ToSecret(kubeconfigs))
	return nil
}

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
