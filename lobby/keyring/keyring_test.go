package keyring_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/keyring"
)

var keys = "7:" + strings.Repeat("ab", 32)

func TestSealAndVerifyFromManyGoroutines(t *testing.T) {
	t.Parallel()
	ring, err := keyring.Parse(keys)
	require.NoError(t, err)
	message := []byte(`{"pod":"battle-1"}`)
	pod, err := ticket.ParseKeys(keys)
	require.NoError(t, err)
	mac := string(pod.Sign(nil, message))
	sealed := make([][]byte, 64)
	verified := make([]bool, len(sealed))
	var wg sync.WaitGroup
	for i := range sealed {
		wg.Go(func() {
			sealed[i] = ring.Seal(&ticket.Ticket{Pod: 5, Serial: uint64(i)})
			verified[i] = ring.Verify(mac, message)
		})
	}
	wg.Wait()
	for i := range sealed {
		var got ticket.Ticket
		require.NoError(t, pod.Open(sealed[i], &got))
		require.Equal(t, ticket.Ticket{Pod: 5, Serial: uint64(i)}, got)
		require.True(t, verified[i])
	}
	require.False(t, ring.Verify(mac, []byte("{}")))
}

func TestParse(t *testing.T) {
	t.Parallel()
	_, err := keyring.Parse("7:secret")
	require.EqualError(t, err, "ticket key 1 must have 64 hexadecimal digits")
}
