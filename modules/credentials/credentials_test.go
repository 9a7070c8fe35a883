package credentials_test

import (
	"encoding/json"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/mint"
	"github.com/edge-arena/edge-arena/modules/credentials"
	"github.com/edge-arena/edge-arena/modules/internal/mocks"
)

func TestCity(t *testing.T) {
	t.Parallel()
	values := make(chan []any, 1)
	fingerprints := make(chan []any, 1)
	g := mocks.Run(t, func(ctx *pulumi.Context) error {
		c, err := credentials.NewCity(ctx, "shanghai-credentials", &credentials.CityArgs{City: "east/shanghai", Generation: 2, Hosts: []string{"nats"}})
		if err != nil {
			return err
		}
		pulumi.All(c.TicketKeys, c.PodTicketKeys, c.Battle.User, c.Battle.Password, c.Battle.Hash, c.Battle.PreviousUser, c.Lobby.User, c.Lobby.Password,
			c.CA, c.Certificate, c.Key, c.PseudonymKey).ApplyT(func(v []any) bool { values <- v; return true })
		pulumi.All(credentials.Fingerprint(c.TicketKeys), credentials.Fingerprint(c.TicketKeys), credentials.Fingerprint(c.TicketKeys, c.Lobby.Password)).
			ApplyT(func(v []any) bool { fingerprints <- v; return true })
		for _, out := range []pulumi.StringOutput{c.TicketKeys, c.Battle.User, c.PseudonymKey} {
			require.True(t, pulumi.IsSecret(out))
		}
		require.False(t, pulumi.IsSecret(credentials.Fingerprint(c.TicketKeys)))
		return nil
	})
	m := mocks.Minted()
	require.Equal(t, []any{
		m.TicketKeys, m.PodTicketKeys, m.Battle.User, m.Battle.Password, m.Battle.Hash, m.Battle.PreviousUser, m.Lobby.User, m.Lobby.Password,
		m.CA, m.Certificate, m.Key, m.PseudonymKey,
	}, <-values)
	prints := <-fingerprints
	require.Equal(t, prints[0], prints[1])
	require.NotEqual(t, prints[0], prints[2])

	minted := g.Get(t, "shanghai-credentials-mint", "command:local:Command")
	require.Equal(t, "shanghai-credentials", minted.Parent)
	require.Equal(t, mint.CommandLine, minted.Inputs["create"].StringValue())
	require.Equal(t, mint.CommandLine, minted.Inputs["update"].StringValue())
	require.NotContains(t, minted.Inputs, "triggers", "it is never replaced, which would forget what was minted before")
	require.NotContains(t, minted.Inputs, "delete")
	require.Equal(t, "none", minted.Inputs["logging"].StringValue())
	require.True(t, minted.Inputs["addPreviousOutputInEnv"].BoolValue())
	require.Equal(t, []string{"stdout"}, minted.Secrets)
	var spec mint.Spec
	require.NoError(t, json.Unmarshal([]byte(minted.Inputs["stdin"].StringValue()), &spec))
	require.Equal(t, mint.Spec{City: "east/shanghai", Generation: 2, Hosts: []string{"nats"}}, spec)
}

func TestNewCityRefuses(t *testing.T) {
	t.Parallel()
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := credentials.NewCity(ctx, "x", &credentials.CityArgs{})
		return err
	}, pulumi.WithMocks("edge-arena", "test", &mocks.Graph{}))
	for _, want := range []string{"credentials x: city: required", "generation: at least 1", "hosts: at least one"} {
		require.ErrorContains(t, err, want)
	}
}
