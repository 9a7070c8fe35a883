package coldstart

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRuntimeOf(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.toml")
	for text, want := range map[string]string{
		`[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."wasmedge"]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."wasmedge".options]
  SystemdCgroup = true
  BinaryName = "/a b/crun"
`: "/a b/crun",
		"[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.'wasmedge'.options]\n  BinaryName = '/opt/crun'\n": "/opt/crun",
		`[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."wasmedge".options]
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."other".options]
  BinaryName = "/usr/bin/other"
`: "",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		got, err := runtimeOf(file)
		require.Equal(t, want, got)
		require.Equal(t, want == "", err != nil, "%v", err)
	}
	_, err := runtimeOf(file + ".missing")
	require.ErrorIs(t, err, os.ErrNotExist)
	got, err := resolve("runc")
	require.NoError(t, err)
	require.Equal(t, "runc", got)
}
