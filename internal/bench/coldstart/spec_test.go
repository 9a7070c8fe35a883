package coldstart

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpecForLeavesThePod(t *testing.T) {
	t.Parallel()
	pod := `{
		"ociVersion": "1.2.0",
		"process": {"user": {"uid": 65532}, "args": ["/app.wasm"], "env": ["A=b", "BATTLE_PORT=20010"], "noNewPrivileges": true},
		"root": {"path": "rootfs", "readonly": true},
		"mounts": [{"destination": "/proc", "type": "proc"}, {"destination": "/etc/hosts", "type": "bind", "source": "/var/lib/kubelet/x"}],
		"annotations": {"run.oci.handler": "wasm", "io.kubernetes.cri.sandbox-id": "1"},
		"linux": {"resources": {"memory": {"limit": 1}}, "cgroupsPath": "/kubepods/x", "namespaces": [{"type": "network", "path": "/proc/1/ns/net"}]}
	}`
	got, env, err := specFor([]byte(pod), Kind{Program: "/app"}, "/run/x/rootfs", "/bench", 19000)
	require.NoError(t, err)
	require.Equal(t, []string{"BATTLE_PORT=19000", "A=b"}, env)
	require.JSONEq(t, `{
		"ociVersion": "1.2.0",
		"process": {"user": {"uid": 65532}, "args": ["/app"], "env": ["BATTLE_PORT=19000", "A=b"], "noNewPrivileges": true, "terminal": false},
		"root": {"path": "/run/x/rootfs", "readonly": true},
		"mounts": [{"destination": "/proc", "type": "proc"}],
		"annotations": null,
		"linux": {"resources": {"memory": {"limit": 1}}, "cgroupsPath": "/bench",
			"namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}]}
	}`, string(got))
}

func TestSpecForRefuses(t *testing.T) {
	t.Parallel()
	_, _, err := specFor([]byte(`{`), Kind{}, "", "", 1)
	require.ErrorContains(t, err, "read OCI configuration: ")
	_, _, err = specFor([]byte(`{"process": {}}`), Kind{}, "", "", 1)
	require.EqualError(t, err, "OCI configuration: process, linux and mounts are required")
}
