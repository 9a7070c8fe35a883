package messaging_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/internal/mocks"
	"github.com/edge-arena/edge-arena/modules/messaging"
)

func TestHosts(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"nats", "nats.city", "nats.city.svc", "nats.city.svc.cluster.local", "localhost"}, messaging.Hosts("city"))
}

func TestNewNATSRefuses(t *testing.T) {
	t.Parallel()
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := messaging.NewNATS(ctx, "x", &messaging.NATSArgs{})
		return err
	}, pulumi.WithMocks("edge-arena", "test", &mocks.Graph{}))
	for _, want := range []string{"NATS x: owner: required", "namespace: required", "credentials: required", "cluster: required", "messaging.storage: required"} {
		require.ErrorContains(t, err, want)
	}
}
