// Package slo holds a city's roll-out to its objectives: a gate is a resource that plays bots at the city and fails the update when an
// objective is missed, so what depends on it is not touched.
package slo

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/internal/gate"
	"github.com/edge-arena/edge-arena/modules/config"
)

// GateType is the type token of [Gate].
const GateType = "edge-arena:slo:Gate"

// GateArgs describe a gate.
type GateArgs struct {
	// City is the city's name, as `region/city`. Required.
	City string
	// Subject is the hash of what the gate holds to the objectives: when it changes the gate is played again, and only then. Required.
	Subject string
	// SLO are the objectives and how they are measured. Required.
	SLO config.SLO
	// Battle is the battle service. Required.
	Battle config.Battle
	// Image is what the battle pods must run, by digest. Required.
	Image pulumi.StringInput
	// Kubeconfig reaches the city's cluster. Required; a secret.
	Kubeconfig pulumi.StringInput
	// Monitored is whether the city has a Prometheus that is told what was measured. Default is false.
	Monitored bool
	// After are the resources to wait for: the city is ready to be played at when they are there. Default is none.
	After []pulumi.Resource
}

func (a GateArgs) validate() error {
	var errs []error
	if a.City == "" {
		errs = append(errs, errors.New("city: required"))
	}
	if a.Subject == "" {
		errs = append(errs, errors.New("subject: required"))
	}
	if a.Image == nil {
		errs = append(errs, errors.New("image: required"))
	}
	if a.Kubeconfig == nil {
		errs = append(errs, errors.New("kubeconfig: required"))
	}
	return errors.Join(errs...)
}

// Gate is the proof that a city holds its objectives.
type Gate struct {
	pulumi.ResourceState

	// Outcome is what was measured, a JSON document of [slo.Outcome].
	Outcome pulumi.StringOutput
	// Passed is the resource to depend on: the objectives are met when it is there.
	Passed pulumi.Resource
}

// NewGate makes a gate.
func NewGate(ctx *pulumi.Context, name string, args *GateArgs, opts ...pulumi.ResourceOption) (*Gate, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("gate %s: %w", name, err)
	}
	g := &Gate{}
	if err := ctx.RegisterComponentResource(GateType, name, g, opts...); err != nil {
		return nil, fmt.Errorf("gate %s: %w", name, err)
	}
	spec := pulumi.All(args.Kubeconfig, args.Image).ApplyT(func(known []any) (string, error) {
		content, err := json.Marshal(args.spec(known[0].(string), known[1].(string)))
		return string(content), err
	}).(pulumi.StringOutput)
	played, err := local.NewCommand(ctx, name+"-bots", &local.CommandArgs{
		Create: pulumi.String(gate.CommandLine),
		Update: pulumi.String(gate.CommandLine),
		// The kubeconfig is a secret, so all of it travels on stdin.
		Stdin:                  pulumi.ToSecret(spec).(pulumi.StringOutput),
		Logging:                local.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}, pulumi.Parent(g), pulumi.DependsOn(args.After))
	if err != nil {
		return nil, fmt.Errorf("gate %s: %w", name, err)
	}
	g.Outcome = pulumi.Unsecret(played.Stdout).(pulumi.StringOutput)
	g.Passed = played
	if err := ctx.RegisterResourceOutputs(g, pulumi.Map{"outcome": g.Outcome}); err != nil {
		return nil, fmt.Errorf("gate %s: outputs: %w", name, err)
	}
	return g, nil
}

func (a GateArgs) spec(kubeconfig, image string) gate.Spec {
	return gate.Spec{
		City: a.City, Subject: a.Subject, Kubeconfig: kubeconfig, Namespace: a.Battle.Namespace, Image: image,
		Pods: a.Battle.Replicas, TickRate: a.Battle.TickRate, Bots: a.SLO.BotsPerPod, Duration: a.SLO.Duration,
		Objectives: gate.Objectives{RTTP50: a.SLO.RTTP50, RTTP99: a.SLO.RTTP99, RTTP999: a.SLO.RTTP999, TickRate: a.SLO.TickRate},
		Attempts:   a.SLO.Gate.Attempts, Rollback: a.SLO.Gate.Rollback, Drain: a.Battle.DrainTimeout, Monitored: a.Monitored,
	}
}
