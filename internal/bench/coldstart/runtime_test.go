package coldstart

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHandlerOf(t *testing.T) {
	t.Parallel()
	const runc = `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  BinaryName = "/usr/bin/runc"
`
	const wasmedge = `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."wasmedge"]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."wasmedge".options]
`
	tests := map[string]struct{ config, want string }{
		"first":           {wasmedge + "  BinaryName = \"/a b/crun\"\n  SystemdCgroup = false\n" + runc, "/a b/crun"},
		"last":            {runc + wasmedge + "  SystemdCgroup = false\n  BinaryName = \"/crun\"", "/crun"},
		"another's alone": {wasmedge + runc, ""},
		"no handler":      {runc, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := handlerOf(tt.config)
			if tt.want == "" {
				require.EqualError(t, err, "containerd's configuration names no program for the handler wasmedge")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
	got, err := resolve("runc")
	require.NoError(t, err)
	require.Equal(t, "runc", got)
}
