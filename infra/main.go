// Infra is the Pulumi program of a region: it reads the region's config and makes its cities, wave after wave.
package main

import (
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/internal/gate"
	"github.com/edge-arena/edge-arena/internal/mint"
	"github.com/edge-arena/edge-arena/internal/refusal"
	"github.com/edge-arena/edge-arena/internal/rollout"
	"github.com/edge-arena/edge-arena/modules/config"
)

func main() {
	if len(os.Args) == 2 {
		// The engine has a gate of this program played, its policies proven, or its secrets made.
		switch os.Args[1] {
		case gate.Argument:
			os.Exit(gate.Main())
		case mint.Argument:
			os.Exit(mint.Main())
		case mint.RegionArgument:
			os.Exit(mint.RegionMain())
		case refusal.Argument:
			os.Exit(refusal.Main())
		}
	}
	pulumi.Run(program)
}

// program exports, of the cities that the run is about,
//
//	region       the region's name
//	waves        the waves in order: name and cities
//	cities       by city: K3s version, nodes with address and WasmEdge version, the battle service, the lobby, the objectives, the gate's outcome
//	kubeconfigs  by city: a secret
//	owed         by city: since when and why an offline city is owed an update
func program(ctx *pulumi.Context) error {
	region, err := config.Load(ctx)
	if err != nil {
		return err
	}
	if err := warn(ctx, region); err != nil {
		return err
	}
	run, err := rollout.FromEnv()
	if err != nil {
		return err
	}
	return rollOut(ctx, region, run)
}

// warn tells of the policies that the region breaks with leave.
func warn(ctx *pulumi.Context, region *config.Region) error {
	for i := range region.Cities {
		for _, v := range region.Cities[i].Violations() {
			if v.Enforcement != config.EnforceWarn {
				continue
			}
			if err := ctx.Log.Warn("city "+v.City+": "+v.Text, nil); err != nil {
				return err
			}
		}
	}
	return nil
}
