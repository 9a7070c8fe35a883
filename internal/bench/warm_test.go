package bench

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/client/clienttest"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/internal/slo"
)

type tickets struct{ err error }

func (t tickets) Ticket(context.Context) ([ticket.Size]byte, error) {
	return [ticket.Size]byte{}, t.err
}

func TestWarmJoins(t *testing.T) {
	t.Parallel()
	server := clienttest.Start(t, clienttest.Options{})
	target := slo.Target{Pod: "warm", Address: server.Address(), Tickets: tickets{}}
	took, err := warmJoins(context.Background(), []slo.Target{target}, 3)
	require.NoError(t, err)
	require.Len(t, took, 3)
	for _, d := range took {
		require.Positive(t, d)
	}

	boom := errors.New("boom")
	target.Tickets = tickets{boom}
	_, err = warmJoins(context.Background(), []slo.Target{target}, 1)
	require.ErrorIs(t, err, boom)
	_, err = warmJoins(context.Background(), nil, 1)
	require.EqualError(t, err, "there is no pod to join")
}
