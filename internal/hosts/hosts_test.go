package hosts

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/hosts/hoststest"
	"github.com/edge-arena/edge-arena/modules/config"
)

func echo(command, stdin string) hoststest.Answer {
	return hoststest.Answer{Stdout: command + ": " + stdin, Stderr: "heard\n"}
}

func fail(string, string) hoststest.Answer {
	return hoststest.Answer{Stdout: "half\n", Stderr: "edge-arena: no room\n", Status: 3}
}

func TestRun(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer func(string, string) hoststest.Answer
		drop   int64
		change func(t *testing.T, e *config.Endpoint)
		want   string
		err    string
		dials  int64
	}{
		"a command with stdin":          {answer: echo, want: "cat: text", dials: 1},
		"dropped connections":           {answer: echo, drop: 2, want: "cat: text", dials: 3},
		"dropped too often":             {answer: echo, drop: 9, err: "after 3 failed attempts: ssh: handshake failed", dials: 3},
		"a command that fails":          {answer: fail, err: "Process exited with status 3:\nedge-arena: no room", dials: 1},
		"a host that is another one":    {answer: echo, change: func(t *testing.T, e *config.Endpoint) { e.HostKey = hoststest.NewHostKey(t) }, err: "host key mismatch: want SHA256:", dials: 1},
		"a key that is not known there": {answer: echo, change: func(t *testing.T, e *config.Endpoint) { e.PrivateKey = hoststest.NewClientKey(t) }, err: "unable to authenticate", dials: 3},
		"no private key":                {answer: echo, change: func(_ *testing.T, e *config.Endpoint) { e.PrivateKey = "" }, err: "read private key: ", dials: 0},
		"no host key":                   {answer: echo, change: func(_ *testing.T, e *config.Endpoint) { e.HostKey = "" }, err: "read host key: ", dials: 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := hoststest.Start(t, tt.answer)
			s.Drop.Store(tt.drop)
			e := s.Endpoint
			if tt.change != nil {
				tt.change(t, &e)
			}
			out, err := Run(t.Context(), e, "cat", "text")
			require.Equal(t, tt.dials, s.Dials())
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				require.Empty(t, out)
				require.NotContains(t, err.Error(), "PRIVATE KEY")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, out)
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	release := make(chan struct{})
	defer close(release)
	s := hoststest.Start(t, func(string, string) hoststest.Answer {
		cancel(enough)
		<-release
		return hoststest.Answer{}
	})
	_, err := Run(ctx, s.Endpoint, "sleep", "")
	require.ErrorIs(t, err, enough)
}

func TestReachable(t *testing.T) {
	t.Parallel()
	s := hoststest.Start(t, echo)
	require.NoError(t, Reachable(t.Context(), s.Endpoint))
	require.EqualValues(t, 1, s.Dials())

	s = hoststest.Start(t, echo)
	s.Drop.Store(1)
	require.ErrorContains(t, Reachable(t.Context(), s.Endpoint), "dial 127.0.0.1:")
	require.EqualValues(t, 1, s.Dials(), "it is asked once")
}
