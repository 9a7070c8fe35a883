package lobby_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/internal/mocks"
	"github.com/edge-arena/edge-arena/modules/lobby"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	l := config.Lobby{NodePort: 30080}
	node := config.Node{Endpoint: config.Endpoint{Address: "192.0.2.1"}}
	require.Equal(t, "http://192.0.2.1:30080", lobby.Address(node, l))
	node.ExternalAddress = "2001:db8::1"
	require.Equal(t, "http://[2001:db8::1]:30080", lobby.Address(node, l))
}

func TestNewLobbyRefuses(t *testing.T) {
	t.Parallel()
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := lobby.New(ctx, "x", &lobby.Args{})
		return err
	}, pulumi.WithMocks("edge-arena", "test", &mocks.Graph{}))
	for _, want := range []string{"lobby x: owner: required", "namespace: required", "NATS: required", "credentials: required", "cluster: required"} {
		require.ErrorContains(t, err, want)
	}
}
