//go:build linux

package native_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/native"
	"github.com/edge-arena/edge-arena/battle-wasm/peer"
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

// serve runs a whole server on a free port until the test ends.
func serve(t *testing.T) (port int) {
	t.Helper()
	keys := keys(t)
	ports := make(chan int)
	done := make(chan struct{})
	var stop atomic.Bool
	go func() {
		defer close(done)
		defer close(ports)
		m, err := native.Open(0)
		if err != nil {
			t.Error(err)
			return
		}
		cfg := config.Default()
		cfg.Port, cfg.Tickets = m.Port(), keys
		l, err := server.NewLoop(cfg, m, server.Build{Version: "test", Runtime: "linux"})
		if err != nil {
			t.Error(err)
			return
		}
		ports <- m.Port()
		for !stop.Load() {
			l.Turn()
		}
		if err := m.Shut(); err != nil {
			t.Error(err)
		}
	}()
	port, ok := <-ports
	require.True(t, ok)
	t.Cleanup(func() {
		stop.Store(true)
		<-done
	})
	return port
}

func dial(t *testing.T, port int) net.Conn {
	t.Helper()
	c, err := net.Dial("udp4", fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	return c
}

func exchange(t *testing.T, c net.Conn, packet []byte) []byte {
	t.Helper()
	_, err := c.Write(packet)
	require.NoError(t, err)
	b := make([]byte, 1500)
	n, err := c.Read(b)
	require.NoError(t, err)
	return b[:n]
}

func TestAPlayerPlays(t *testing.T) {
	t.Parallel()
	port := serve(t)
	run, err := client.Run(context.Background(), fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(t, err)
	c := dial(t, port)
	pass := ticket.Ticket{Pod: run, Room: ticket.AnyRoom, Expires: time.Now().Add(time.Minute).UnixMilli()}
	j := wire.Join{Nonce: 5, Ticket: [ticket.Size]byte(keys(t).Seal(nil, &pass))}
	var challenge wire.Challenge
	require.NoError(t, wire.ParseChallenge(exchange(t, c, j.AppendTo(nil)), &challenge))
	j.Cookie = challenge.Cookie
	var w wire.Welcome
	require.NoError(t, wire.ParseWelcome(exchange(t, c, j.AppendTo(nil)), &w))

	_, err = c.Write(make([]byte, 60000)) // too long for any packet: it must do no harm
	require.NoError(t, err)
	session := peer.New(&w)
	var s peer.Snapshot
	for s.AckSeq == 0 {
		in := wire.Input{Seq: 1}
		session.Fill(&in, 0)
		require.True(t, session.Take(exchange(t, c, in.AppendTo(nil)), 0, &s))
	}
	require.True(t, s.State.Players[w.Player].Present)
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	port := serve(t)
	get := func(path string) string {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, path))
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.Status + " " + string(body)
	}
	require.Equal(t, "200 OK ok\n", get("/healthz"))
	require.Equal(t, "200 OK ok\n", get("/readyz"))
	require.Contains(t, get("/v1/address"), fmt.Sprintf(`{"address":"127.0.0.1:%d"`, port))
	require.Contains(t, get("/metrics"), "\nbattle_ticks_total ")
	require.Equal(t, "404 Not Found not found\n", get("/else"))

	// Connections that are held open keep nobody out.
	for range 40 {
		c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, "GET /")
		require.NoError(t, err)
	}
	require.Equal(t, "200 OK ok\n", get("/healthz"))

	c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "nonsense\r\n\r\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 400 Bad Request", strings.TrimSpace(line))
}

func TestMachine(t *testing.T) {
	m, err := native.Open(0)
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Shut()) }()
	_, err = native.Open(m.Port())
	require.EqualError(t, err, fmt.Sprintf("bind UDP port %d: address already in use", m.Port()))

	var b [16]byte
	_, _, err = m.Receive(b[:])
	require.Equal(t, transport.ErrAgain, err)
	_, err = m.Accept()
	require.Equal(t, transport.ErrAgain, err)

	start := m.Now()
	m.Wait(start + 3e6)
	require.GreaterOrEqual(t, m.Now(), start+3e6)

	c := dial(t, m.Port())
	_, err = c.Write([]byte("hello"))
	require.NoError(t, err)
	start = m.Now()
	m.Wait(start + 10e9)
	require.Less(t, m.Now(), start+5e9)
	n, from, err := m.Receive(b[:])
	require.NoError(t, err)
	require.Equal(t, "hello", string(b[:n]))
	require.Equal(t, c.LocalAddr().String(), fmt.Sprintf("127.0.0.1:%d", from.Port))
	require.Equal(t, [4]byte{127, 0, 0, 1}, from.IP)

	_, err = c.Write(make([]byte, 17))
	require.NoError(t, err)
	m.Wait(m.Now() + 10e9)
	_, _, err = m.Receive(b[:])
	require.Equal(t, transport.ErrTruncated, err)

	// A connection ends a rest, and no wait. A datagram ends both.
	web, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", m.Port()))
	require.NoError(t, err)
	defer web.Close()
	start = m.Now()
	m.Rest(start+10e9, nil)
	require.Less(t, m.Now(), start+5e9)
	start = m.Now()
	m.Wait(start + 3e6)
	require.GreaterOrEqual(t, m.Now(), start+3e6)
	conn, err := m.Accept()
	require.NoError(t, err)
	require.True(t, m.Local(conn))
	// So does a request, of a connection that is watched.
	start = m.Now()
	m.Rest(start+3e6, []transport.Conn{conn})
	require.GreaterOrEqual(t, m.Now(), start+3e6)
	_, err = web.Write([]byte("GET"))
	require.NoError(t, err)
	start = m.Now()
	m.Rest(start+3e6, nil)
	require.GreaterOrEqual(t, m.Now(), start+3e6)
	start = m.Now()
	m.Rest(start+10e9, slices.Repeat([]transport.Conn{conn}, 2*transport.MaxWatched))
	require.Less(t, m.Now(), start+5e9)
	m.Close(conn)
	require.False(t, m.Local(conn), "of a connection that is none nothing is known")
	require.InDelta(t, time.Now().UnixMilli(), m.Wall(), 5000)
	start = m.Now()
	m.Rest(start+3e6, nil)
	require.GreaterOrEqual(t, m.Now(), start+3e6)
	_, err = c.Write([]byte("again"))
	require.NoError(t, err)
	start = m.Now()
	m.Rest(start+10e9, nil)
	require.Less(t, m.Now(), start+5e9)
	_, _, err = m.Receive(b[:])
	require.NoError(t, err)

	require.NoError(t, m.Send([]byte("back"), from))
	n, err = c.Read(b[:])
	require.NoError(t, err)
	require.Equal(t, "back", string(b[:n]))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := m.Send(b[:4], from); err != nil {
			t.Error(err)
		}
		m.Wait(m.Now() + 1)
		_, _, _ = m.Receive(b[:])
	}))
}

func TestDial(t *testing.T) {
	m, err := native.Open(0)
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Shut()) }()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	to := transport.Addr{IP: [4]byte{127, 0, 0, 1}, Port: uint16(listener.Addr().(*net.TCPAddr).Port)}
	conn, err := m.Dial(to)
	require.NoError(t, err)
	var b [16]byte
	_, err = m.Read(conn, b[:])
	require.Equal(t, transport.ErrAgain, err)
	peer, err := listener.Accept()
	require.NoError(t, err)
	_, err = io.WriteString(peer, "INFO")
	require.NoError(t, err)
	n := 0
	for err = transport.ErrAgain; errors.Is(err, transport.ErrAgain); n, err = m.Read(conn, b[:]) {
		m.Wait(m.Now() + 1e6)
	}
	require.NoError(t, err)
	require.Equal(t, "INFO", string(b[:n]))
	m.Close(conn)
	require.NoError(t, peer.Close())
	require.NoError(t, listener.Close())

	// Where nobody listens it fails at once, or at the first use.
	conn, err = m.Dial(to)
	for err == nil || errors.Is(err, transport.ErrAgain) {
		_, err = m.Read(conn, b[:])
	}
	require.ErrorContains(t, err, "refused")
}
