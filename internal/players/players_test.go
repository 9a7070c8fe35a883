package players

import (
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/native"
	"github.com/edge-arena/edge-arena/battle-wasm/server"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

func keys(t *testing.T) *ticket.Keys {
	t.Helper()
	k, err := ticket.ParseKeys("1:" + strings.Repeat("ab", 32))
	require.NoError(t, err)
	return k
}

// serve runs a battle server whose battles last a second, until the test ends or stop is called.
func serve(t *testing.T, edit ...func(*config.Config)) (address string, stop func()) {
	t.Helper()
	cfg := config.Default()
	for _, f := range edit {
		f(&cfg)
	}
	cfg.BattleSeconds, cfg.Tickets = 1, keys(t)
	started := make(chan struct{})
	var over atomic.Bool
	var running sync.WaitGroup
	running.Go(func() {
		defer close(started)
		m, err := native.Open(0)
		if err != nil {
			t.Error(err)
			return
		}
		cfg.Port = m.Port()
		l, err := server.NewLoop(cfg, m, server.Build{Version: "test"})
		if err != nil {
			t.Error(err)
			return
		}
		started <- struct{}{}
		for !over.Load() {
			l.Turn()
		}
		if err := m.Shut(); err != nil {
			t.Error(err)
		}
	})
	<-started
	stop = func() { over.Store(true); running.Wait() }
	t.Cleanup(stop)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.Port)), stop
}

func seatAt(t *testing.T, address string, battle ticket.ID) Seat {
	t.Helper()
	run, err := client.Run(context.Background(), address)
	require.NoError(t, err)
	expires := time.Now().Add(10 * time.Second)
	sealed := keys(t).Seal(nil, &ticket.Ticket{Pod: run, Battle: battle, Player: ticket.ID{1}, Serial: 1, Expires: expires.UnixMilli()})
	return Seat{Battle: battle.String(), Address: address, Ticket: base64.RawURLEncoding.EncodeToString(sealed), ExpiresAt: expires}
}

func TestPlayToTheEnd(t *testing.T) {
	t.Parallel()
	address, _ := serve(t)
	seat := seatAt(t, address, ticket.ID{7})
	end, err := Play(context.Background(), seat)
	require.NoError(t, err)
	require.True(t, end.Over)
	require.Equal(t, wire.RecordNone, end.Record, "this server has nowhere to record it")
	require.Greater(t, end.Snapshots, 50)

	_, err = Play(context.Background(), seat)
	require.ErrorContains(t, err, "take the seat: join "+address+": rejected by the server: ticket", "it has been used")
}

func TestAServerThatIsGone(t *testing.T) {
	t.Parallel()
	address, stop := serve(t)
	seat := seatAt(t, address, ticket.ID{7})
	time.AfterFunc(300*time.Millisecond, stop)
	began := time.Now()
	end, err := Play(context.Background(), seat)
	require.NoError(t, err)
	require.False(t, end.Over)
	require.Greater(t, time.Since(began), silence)
}

// Nobody waits for news from a server that is gone.
func TestAServerThatIsGoneBeforeItsResultIsRecorded(t *testing.T) {
	t.Parallel()
	address, stop := serve(t, func(c *config.Config) {
		c.NATS, c.NATSUser, c.NATSPassword = transport.Addr{IP: [4]byte{127, 0, 0, 1}, Port: 1}, "battle", "secret" // nobody listens there
	})
	time.AfterFunc(2*time.Second, stop) // the battle lasts one
	began := time.Now()
	end, err := Play(context.Background(), seatAt(t, address, ticket.ID{7}))
	require.NoError(t, err)
	require.True(t, end.Over)
	require.Equal(t, wire.RecordPending, end.Record)
	require.Less(t, time.Since(began), recordWait/2)
}

func TestLobby(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		switch {
		case r.Header.Get("Authorization") != "Bearer good":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"title":"no token","detail":"that counts"}`)
		case r.Method == http.MethodPost && string(body) == `{"battle":"b1"}`:
			_, _ = io.WriteString(w, `{"battle":"b1","pod":"p","address":"h:1","room":3,"ticket":"AAAA"}`)
		case r.Method == http.MethodGet && r.URL.Path == "/v1/battles/b1":
			_, _ = io.WriteString(w, `{"battle":"b1","status":"finished"}`)
		default:
			http.Error(w, "not a problem document", http.StatusServiceUnavailable)
		}
	}))
	defer s.Close()
	l := Lobby{URL: s.URL}
	seat, err := l.Join(context.Background(), "good", "b1")
	require.NoError(t, err)
	require.Equal(t, Seat{Battle: "b1", Pod: "p", Address: "h:1", Room: 3, Ticket: "AAAA"}, seat)
	_, err = seat.Sealed()
	require.ErrorContains(t, err, "the lobby's ticket has 3 bytes, want 76")
	b, err := l.Battle(context.Background(), "good", "b1")
	require.NoError(t, err)
	require.Equal(t, "finished", b.Status)
	_, err = l.Join(context.Background(), "bad", "")
	require.EqualError(t, err, "refused by the lobby: 401 no token: that counts")
	var refused *RefusedError
	_, err = l.Join(context.Background(), "good", "")
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 503, refused.Status)
	require.Contains(t, refused.Detail, "not a problem document")
}
