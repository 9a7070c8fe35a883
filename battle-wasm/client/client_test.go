package client_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/battle-wasm/client/clienttest"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

func dial(t *testing.T, address string) *client.Client {
	t.Helper()
	c, err := client.Dial(context.Background(), address)
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := c.Close(); !errors.Is(err, net.ErrClosed) {
			require.NoError(t, err)
		}
	})
	return c
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// receive waits for the first event that is wanted.
func receive(t *testing.T, c *client.Client, want func(*client.Event) bool) *client.Event {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
	e := new(client.Event)
	for {
		require.NoError(t, c.Receive(e))
		if want(e) {
			return e
		}
	}
}

func TestPlayerFromJoinToLeave(t *testing.T) {
	t.Parallel()
	s := clienttest.Start(t, clienttest.Options{})
	c := dial(t, s.Address())
	welcome, err := c.Join(within(t, 5*time.Second), [ticket.Size]byte{})
	require.NoError(t, err)
	require.EqualValues(t, 120, welcome.TickRate)

	require.NoError(t, c.Send(&wire.Input{Seq: 1, Command: wire.Command{MoveX: 127}}))
	s.Noise()
	e := receive(t, c, func(e *client.Event) bool {
		require.Equal(t, wire.KindSnapshot, e.Kind, "noise is passed over")
		return e.Snapshot.AckSeq == 1
	})
	require.NotZero(t, e.Snapshot.Tick)
	require.Equal(t, []wire.Input{{Token: welcome.Token, Seq: 1, AckDelay: wire.MaxAckDelay, Command: wire.Command{MoveX: 127}}}, s.Inputs(), "there was no snapshot before it")

	require.NoError(t, c.Send(&wire.Input{Seq: 2}))
	require.Eventually(t, func() bool { return len(s.Inputs()) == 2 }, 5*time.Second, time.Millisecond)
	second := s.Inputs()[1]
	require.Equal(t, e.Snapshot.Tick, second.AckTick)
	require.Less(t, second.AckDelay, uint16(wire.MaxAckDelay))

	require.NoError(t, c.Leave())
	require.Eventually(t, func() bool { return s.Left() == 1 && s.Players() == 0 }, 5*time.Second, time.Millisecond)
}

// A join that worked while its context ended must leave no deadline behind: later reads would fail of it.
func TestJoinWhileItsContextEnds(t *testing.T) {
	t.Parallel()
	s := clienttest.Start(t, clienttest.Options{})
	joined := 0
	for i := range 300 {
		c := dial(t, s.Address())
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Duration(i)*time.Microsecond, cancel)
		if _, err := c.Join(ctx, [ticket.Size]byte{}); err != nil {
			require.ErrorIs(t, err, context.Canceled)
			continue
		}
		joined++
		require.NoError(t, c.Receive(new(client.Event)), "join %d", i)
	}
	t.Logf("%d of 300 joins were in time", joined)
}

func TestJoinAgain(t *testing.T) {
	t.Parallel()
	s := clienttest.Start(t, clienttest.Options{})
	c := dial(t, s.Address())
	first, err := c.Join(within(t, 5*time.Second), [ticket.Size]byte{})
	require.NoError(t, err)
	s.EndBattle()
	e := receive(t, c, func(e *client.Event) bool { return e.Kind == wire.KindEnd })
	require.Equal(t, first.Token, e.End.Token)

	second, err := c.Join(within(t, 5*time.Second), [ticket.Size]byte{})
	require.NoError(t, err)
	require.NotEqual(t, first.Token, second.Token)
	receive(t, c, func(e *client.Event) bool { return e.Kind == wire.KindSnapshot })

	s.Forget()
	require.NoError(t, c.Send(&wire.Input{Seq: 1}))
	e = receive(t, c, func(e *client.Event) bool { return e.Kind == wire.KindReject })
	require.Equal(t, wire.ReasonSession, e.Reject.Reason)
}

func TestJoinSurvivesLoss(t *testing.T) {
	t.Parallel()
	s := clienttest.Start(t, clienttest.Options{DropJoins: 2})
	_, err := dial(t, s.Address()).Join(within(t, 5*time.Second), [ticket.Size]byte{})
	require.NoError(t, err)
}

func TestJoinFails(t *testing.T) {
	t.Parallel()
	full := clienttest.Start(t, clienttest.Options{Refuse: wire.ReasonFull})
	busy := clienttest.Start(t, clienttest.Options{Refuse: wire.ReasonRate})
	silent := clienttest.Start(t, clienttest.Options{DropJoins: 1 << 30})
	gone, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	tests := map[string]struct{ address, want string }{
		"no place":              {full.Address(), "rejected by the server: full"},
		"too many joins":        {busy.Address(), "context deadline exceeded"},
		"no answer":             {silent.Address(), "context deadline exceeded"},
		"nobody listens":        {gone.LocalAddr().String(), "context deadline exceeded"},
		"a name without a host": {"host.invalid:1", "reach battle server"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := within(t, 300*time.Millisecond)
			c, err := client.Dial(ctx, tt.address)
			if err == nil {
				_, err = c.Join(ctx, [ticket.Size]byte{})
				require.NoError(t, c.Close())
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestCloseEndsReceive(t *testing.T) {
	t.Parallel()
	c := dial(t, clienttest.Start(t, clienttest.Options{}).Address())
	time.AfterFunc(10*time.Millisecond, func() { _ = c.Close() })
	require.ErrorIs(t, c.Receive(new(client.Event)), net.ErrClosed)
}
