package main

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/sshtest"
)

func TestDial(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options sshtest.Options
		changes func(t *testing.T, s *sshtest.Server) map[string]any
		wantErr []string
		dials   int
	}{
		"by key": {dials: 1},
		"by password": {
			changes: func(_ *testing.T, s *sshtest.Server) map[string]any {
				return map[string]any{"privateKey": nil, "password": s.Password}
			}, dials: 1,
		},
		"without a host key any host will do": {
			changes: func(*testing.T, *sshtest.Server) map[string]any { return map[string]any{"hostKey": nil} }, dials: 1,
		},
		"a wrong host key ends it at once": {
			changes: func(t *testing.T, _ *sshtest.Server) map[string]any {
				return map[string]any{"hostKey": sshtest.NewHostKey(t), "dialErrorLimit": float64(5)}
			}, wantErr: []string{"host key mismatch: want SHA256:"}, dials: 1,
		},
		"a host key that is none": {
			changes: func(*testing.T, *sshtest.Server) map[string]any { return map[string]any{"hostKey": "nonsense"} },
			wantErr: []string{"parse host key"},
		},
		"a wrong key": {
			changes: func(t *testing.T, _ *sshtest.Server) map[string]any {
				return map[string]any{"privateKey": sshtest.NewClientKey(t)}
			}, wantErr: []string{"after 1 failed attempts", "unable to authenticate"}, dials: 1,
		},
		"a key that is none": {
			changes: func(*testing.T, *sshtest.Server) map[string]any { return map[string]any{"privateKey": "nonsense"} },
			wantErr: []string{"parse private key: ssh: no key found"},
		},
		"a host that comes late": {
			options: sshtest.Options{Drop: 2},
			changes: func(*testing.T, *sshtest.Server) map[string]any { return map[string]any{"dialErrorLimit": float64(2)} },
			dials:   3,
		},
		"a host that comes too late": {
			options: sshtest.Options{Drop: 3},
			changes: func(*testing.T, *sshtest.Server) map[string]any { return map[string]any{"dialErrorLimit": float64(2)} },
			wantErr: []string{"after 3 failed attempts"}, dials: 3,
		},
		"patience without limit": {
			options: sshtest.Options{Drop: 3},
			changes: func(*testing.T, *sshtest.Server) map[string]any { return map[string]any{"dialErrorLimit": float64(-1)} },
			dials:   4,
		},
		"a host that says nothing": {
			options: sshtest.Options{Silent: true},
			changes: func(*testing.T, *sshtest.Server) map[string]any { return map[string]any{"perDialTimeout": float64(1)} },
			wantErr: []string{"no answer within 1s"}, dials: 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sshtest.Start(t, tt.options)
			var changes map[string]any
			if tt.changes != nil {
				changes = tt.changes(t, server)
			}
			r := newPlugin(t).Resource(remoteCommand, "dial")
			err := r.Create(t.Context(), remoteInputs(server, map[string]any{
				"create": "echo reached", "connection": connection(server, changes),
			}), false)
			if len(tt.wantErr) == 0 {
				require.NoError(t, err)
				require.Equal(t, "reached", plain(r.State["stdout"]))
			}
			for _, want := range tt.wantErr {
				require.ErrorContains(t, err, want)
			}
			require.Equal(t, tt.dials, server.Dials())
		})
	}
}

func TestDialErrorNamesTheHost(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{})
	server.Stop()
	r := newPlugin(t).Resource(remoteCommand, "unreachable")
	err := r.Create(t.Context(), remoteInputs(server, map[string]any{"create": "true"}), false)
	require.ErrorContains(t, err, "dial 127.0.0.1:"+strconv.Itoa(server.Port)+": after 1 failed attempts")
	require.ErrorContains(t, err, "connection refused")
}

func TestDialCanceled(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{Silent: true})
	plugin := newPlugin(t)
	done := make(chan error, 1)
	go func() {
		done <- plugin.Resource(remoteCommand, "cancel").Create(context.Background(), remoteInputs(server, map[string]any{
			"create": "true", "connection": connection(server, map[string]any{"dialErrorLimit": float64(-1), "perDialTimeout": float64(0)}),
		}), false)
	}()
	require.Eventually(t, func() bool { return server.Dials() == 1 }, 10*time.Second, 10*time.Millisecond)
	plugin.Cancel()
	select {
	case err := <-done:
		require.ErrorContains(t, err, "context canceled")
	case <-time.After(10 * time.Second):
		require.Fail(t, "the dialing was not ended")
	}
}

func TestDialThroughProxy(t *testing.T) {
	t.Parallel()
	proxy, server := sshtest.Start(t, sshtest.Options{}), sshtest.Start(t, sshtest.Options{Drop: 1})
	through := func(changes map[string]any) map[string]any {
		m := map[string]any{
			"host": proxy.Host, "port": float64(proxy.Port), "user": "jump", "privateKey": proxy.ClientKey, "hostKey": proxy.HostKey,
			"dialErrorLimit": float64(0),
		}
		for key, value := range changes {
			m[key] = value
		}
		return map[string]any{"proxy": m, "dialErrorLimit": float64(1)}
	}
	r := newPlugin(t).Resource(remoteCommand, "proxy")
	require.NoError(t, r.Create(t.Context(), remoteInputs(server, map[string]any{
		"create": "echo reached", "connection": connection(server, through(nil)),
	}), false))
	require.Equal(t, "reached", plain(r.State["stdout"]))
	require.Equal(t, 1, proxy.Dials())
	require.Equal(t, 2, proxy.Forwards(), "a failed log in through the proxy is tried again")

	err := r.Create(t.Context(), remoteInputs(server, map[string]any{
		"create": "echo reached", "connection": connection(server, through(map[string]any{"hostKey": sshtest.NewHostKey(t)})),
	}), false)
	require.ErrorContains(t, err, "proxy: dial "+proxy.Host)
	require.ErrorContains(t, err, "host key mismatch")
	require.Equal(t, 2, proxy.Forwards())
}
