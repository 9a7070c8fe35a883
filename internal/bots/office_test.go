package bots

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/keyring"
)

func TestTicketsAreForThePodsRun(t *testing.T) {
	t.Parallel()
	run := "00000000000000ff"
	pod := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/v1/address", r.URL.Path)
		_, err := fmt.Fprintf(w, `{"run":%q}`, run)
		require.NoError(t, err)
	}))
	defer pod.Close()
	text := "1:" + strings.Repeat("ab", 32)
	opener, err := ticket.ParseKeys(text)
	require.NoError(t, err)
	keys, err := keyring.Parse(text)
	require.NoError(t, err)
	o := NewOffice(keys, strings.TrimPrefix(pod.URL, "http://"))
	seen := map[uint64]bool{}
	for range 3 {
		sealed, err := o.Ticket(context.Background())
		require.NoError(t, err)
		var got ticket.Ticket
		require.NoError(t, opener.Open(sealed[:], &got))
		require.EqualValues(t, 255, got.Pod)
		require.EqualValues(t, ticket.AnyRoom, got.Room)
		require.WithinDuration(t, time.Now().Add(lifetime), time.UnixMilli(got.Expires), 5*time.Second)
		require.False(t, seen[got.Serial])
		seen[got.Serial] = true
	}
	run, o.until = "zz", time.Time{}
	_, err = o.Ticket(context.Background())
	require.ErrorIs(t, err, ErrNoTicket)
	require.ErrorContains(t, err, `parsing "zz"`)
}
