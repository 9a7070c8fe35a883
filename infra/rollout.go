package main

import (
	"slices"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"golang.org/x/sync/errgroup"

	"github.com/edge-arena/edge-arena/internal/rollout"
	"github.com/edge-arena/edge-arena/modules/city"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/credentials"
)

// rollOut makes the cities that the run is about: a wave waits for the gates of the one before.
func rollOut(ctx *pulumi.Context, region *config.Region, run rollout.Run) error {
	cities, kubeconfigs, waves := pulumi.Map{}, pulumi.StringMap{}, pulumi.Array{}
	var gates []pulumi.Resource
	watch, err := watchRegion(ctx, region)
	if err != nil {
		return err
	}
	for _, step := range region.Steps() {
		made, err := makeWave(ctx, region, watch, step, run, gates)
		if err != nil {
			return err
		}
		var passed []pulumi.Resource
		names := pulumi.StringArray{}
		for i, c := range step.Cities {
			names = append(names, pulumi.String(c.Name))
			if made[i] == nil {
				continue
			}
			cities[c.Name], kubeconfigs[c.Name] = made[i].Summary, made[i].Kubeconfig
			passed = append(passed, made[i].Passed...)
		}
		waves = append(waves, pulumi.Map{"name": pulumi.String(step.Name), "cities": names})
		if len(passed) > 0 {
			gates = passed
		}
	}
	ctx.Export("region", pulumi.String(region.Name))
	ctx.Export("waves", waves)
	ctx.Export("cities", cities)
	ctx.Export("kubeconfigs", pulumi.ToSecret(kubeconfigs))
	ctx.Export("owed", owed(run))
	return nil
}

// makeWave makes the cities of one wave, side by side: a component's outputs are registered only when they are known, so one city after
// the other would be just that on the hosts too. Cities that are left out stay nil.
func makeWave(ctx *pulumi.Context, region *config.Region, watch *credentials.Region, step config.Step, run rollout.Run, after []pulumi.Resource) ([]*city.City, error) {
	made := make([]*city.City, len(step.Cities))
	var g errgroup.Group
	for i, c := range step.Cities {
		if slices.Contains(run.LeftOut, c.Name) {
			continue
		}
		g.Go(func() (err error) {
			args := &city.Args{Region: region.Name, City: c, Watched: region.Watched(), Watch: watch, After: after}
			if len(region.Watched()) > 1 {
				args.Hub = region.HubAddress()
			}
			made[i], err = city.New(ctx, c.Name, args)
			return err
		})
	}
	return made, g.Wait()
}

// watchRegion makes the credentials of the region's monitoring, where there are any: what the cities and the hub know each other by, and Grafana's
// password.
func watchRegion(ctx *pulumi.Context, region *config.Region) (*credentials.Region, error) {
	hub := region.Hub()
	if hub == nil {
		return nil, nil
	}
	cities := region.Watched()
	if len(cities) == 1 && !hub.Monitoring.Hub.Grafana.Enabled {
		return nil, nil
	}
	return credentials.NewRegion(ctx, region.Name+"-monitoring", &credentials.RegionArgs{
		Region: region.Name, Generation: max(region.Credentials.Generation, 1), Cities: cities,
	})
}

func owed(run rollout.Run) pulumi.Map {
	debts := pulumi.Map{}
	for city, debt := range run.Owed {
		debts[city] = pulumi.StringMap{"since": pulumi.String(debt.Since.Format(time.RFC3339)), "reason": pulumi.String(debt.Reason)}
	}
	return debts
}
