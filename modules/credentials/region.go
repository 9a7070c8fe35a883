package credentials

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/internal/mint"
)

// RegionType is the type token of [Region].
const RegionType = "edge-arena:credentials:Region"

// RegionArgs describe the credentials of a region's monitoring.
type RegionArgs struct {
	// Region is the region's name. Required.
	Region string
	// Generation is the number of their generation: with another one they are minted anew. Required.
	Generation int
	// Cities are those that send to the hub. Default is none.
	Cities []string
}

// Region are the credentials of a region's monitoring. All of them are secrets.
type Region struct {
	pulumi.ResourceState

	// CA is what hub and cities believe each other by, in PEM.
	CA pulumi.StringOutput
	// Certificate and Key are the hub's, for [mint.HubName], in PEM.
	Certificate, Key pulumi.StringOutput
	// GrafanaPassword is that of Grafana's admin.
	GrafanaPassword pulumi.StringOutput

	stdout pulumi.StringOutput
}

// NewRegion has the credentials of a region's monitoring minted.
func NewRegion(ctx *pulumi.Context, name string, args *RegionArgs, opts ...pulumi.ResourceOption) (*Region, error) {
	r := &Region{}
	if err := ctx.RegisterComponentResource(RegionType, name, r, opts...); err != nil {
		return nil, fmt.Errorf("credentials %s: %w", name, err)
	}
	cities := slices.Sorted(slices.Values(args.Cities))
	spec, err := json.Marshal(mint.RegionSpec{Region: args.Region, Generation: args.Generation, Cities: cities})
	if err != nil {
		return nil, fmt.Errorf("credentials %s: %w", name, err)
	}
	minted, err := local.NewCommand(ctx, name+"-mint", &local.CommandArgs{
		Create: pulumi.String(mint.RegionCommandLine),
		Update: pulumi.String(mint.RegionCommandLine),
		Stdin:  pulumi.String(spec),
		// What was minted before stays, but for what is missing.
		AddPreviousOutputInEnv: pulumi.Bool(true),
		Logging:                local.LoggingNone,
	}, pulumi.Parent(r), pulumi.AdditionalSecretOutputs([]string{"stdout"}))
	if err != nil {
		return nil, fmt.Errorf("credentials %s: %w", name, err)
	}
	r.stdout = minted.Stdout
	r.CA = r.field(func(s *mint.RegionSecrets) string { return s.CA })
	r.Certificate = r.field(func(s *mint.RegionSecrets) string { return s.Hub.Certificate })
	r.Key = r.field(func(s *mint.RegionSecrets) string { return s.Hub.Key })
	r.GrafanaPassword = r.field(func(s *mint.RegionSecrets) string { return s.GrafanaPassword })
	if err := ctx.RegisterResourceOutputs(r, pulumi.Map{}); err != nil {
		return nil, fmt.Errorf("credentials %s: outputs: %w", name, err)
	}
	return r, nil
}

// City is what a city shows to the hub.
func (r *Region) City(name string) (certificate, key pulumi.StringOutput) {
	return r.field(func(s *mint.RegionSecrets) string { return s.Cities[name].Certificate }),
		r.field(func(s *mint.RegionSecrets) string { return s.Cities[name].Key })
}

func (r *Region) field(of func(*mint.RegionSecrets) string) pulumi.StringOutput {
	value := r.stdout.ApplyT(func(text string) (string, error) {
		minted, err := mint.ParseRegion(text)
		if err != nil {
			return "", err
		}
		return of(minted), nil
	}).(pulumi.StringOutput)
	return pulumi.ToSecret(value).(pulumi.StringOutput)
}
