package slo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/gate"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/internal/mocks"
	"github.com/edge-arena/edge-arena/modules/slo"
)

const (
	image      = "registry.example.com/battle@sha256:0"
	kubeconfig = "token: s3cret"
)

func args() *slo.GateArgs {
	return &slo.GateArgs{
		City: "east/shanghai", Subject: "abc", Image: pulumi.String(image), Kubeconfig: pulumi.ToSecret(pulumi.String(kubeconfig)).(pulumi.StringOutput),
		SLO: config.SLO{
			RTTP50: 10 * time.Millisecond, RTTP99: 20 * time.Millisecond, RTTP999: 50 * time.Millisecond, TickRate: 119.5, BotsPerPod: 8,
			Duration: 30 * time.Second, Gate: config.Gate{Enabled: true, Attempts: 3, Rollback: true},
		},
		Battle: config.Battle{Namespace: "battle", Replicas: 10, TickRate: 120, DrainTimeout: 5 * time.Minute},
	}
}

// build makes a gate, and returns what the program got out of it too.
func build(t *testing.T) (g *mocks.Graph, outcome string) {
	t.Helper()
	got := make(chan string, 1)
	g = mocks.Run(t, func(ctx *pulumi.Context) error {
		made, err := slo.NewGate(ctx, "shanghai-gate", args())
		if err != nil {
			return err
		}
		made.Outcome.ApplyT(func(s string) string { got <- s; return s })
		return nil
	})
	return g, <-got
}

func TestGatePlaysWhatTheConfigSays(t *testing.T) {
	t.Parallel()
	g, outcome := build(t)
	require.Equal(t, mocks.Outcome, outcome)
	played := g.Get(t, "shanghai-gate-bots", "command:local:Command")
	require.Equal(t, "shanghai-gate", played.Parent)
	require.Equal(t, gate.CommandLine, played.Inputs["create"].StringValue())
	require.Equal(t, gate.CommandLine, played.Inputs["update"].StringValue())
	require.NotContains(t, played.Inputs, "delete", "there is nothing to undo")
	require.Equal(t, "stderr", played.Inputs["logging"].StringValue(), "the outcome is no log")

	// What the resource sends is what the program reads.
	spec, err := gate.ReadSpec(strings.NewReader(played.Inputs["stdin"].SecretValue().Element.StringValue()))
	require.NoError(t, err)
	require.Equal(t, gate.Spec{
		City: "east/shanghai", Subject: "abc", Kubeconfig: kubeconfig, Namespace: "battle", Image: image, Pods: 10, TickRate: 120, Bots: 8,
		Duration: 30 * time.Second, Attempts: 3, Rollback: true, Drain: 5 * time.Minute,
		Objectives: gate.Objectives{RTTP50: 10 * time.Millisecond, RTTP99: 20 * time.Millisecond, RTTP999: 50 * time.Millisecond, TickRate: 119.5},
	}, spec)
}

func TestTheKubeconfigIsASecret(t *testing.T) {
	t.Parallel()
	g, _ := build(t)
	for _, r := range g.All() {
		for key, v := range r.Inputs {
			if key == "stdin" {
				require.True(t, v.IsSecret(), r.Name)
				continue
			}
			require.NotContains(t, v.String(), "s3cret", "%s of %s", key, r.Name)
		}
	}
}

func TestNewGateRefuses(t *testing.T) {
	t.Parallel()
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := slo.NewGate(ctx, "x", &slo.GateArgs{})
		return err
	}, pulumi.WithMocks("edge-arena", "test", &mocks.Graph{}))
	for _, want := range []string{"gate x: city: required", "subject: required", "image: required", "kubeconfig: required"} {
		require.ErrorContains(t, err, want)
	}
}
