package coldstart

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// running makes a folder with the configurations of containers, as containerd has it.
func running(t *testing.T, specs ...string) string {
	t.Helper()
	root := t.TempDir()
	for i, spec := range specs {
		dir := filepath.Join(root, strconv.Itoa(i))
		require.NoError(t, os.Mkdir(dir, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(spec), 0o600))
	}
	return root
}

func TestLiveSpec(t *testing.T) {
	t.Parallel()
	const (
		pause  = `{"process": {"args": ["/pause"], "env": []}, "annotations": {"run.oci.handler": "wasm"}}`
		native = `{"process": {"args": ["/app"], "env": ["BATTLE_PORT=20001"]}, "annotations": {}}`
		battle = `{"process": {"args": ["/app.wasm"], "env": ["BATTLE_PORT=20000", "NATS_ADDRESS=10.43.0.7:4222", "NATS_USER=battle", "NATS_PASSWORD=x", "TICKET_KEYS=k"]},
			"annotations": {"run.oci.handler": "wasm"}}`
	)
	root := running(t, pause, native, battle)
	require.NoError(t, os.Mkdir(filepath.Join(root, "ended"), 0o700))
	spec, err := liveSpec(root)
	require.NoError(t, err)
	require.JSONEq(t, `{"process": {"args": ["/app.wasm"], "env": ["BATTLE_PORT=20000", "TICKET_KEYS=k"]}, "annotations": {"run.oci.handler": "wasm"}}`, string(spec),
		"nobody is to hear of it, so it has no NATS")
	program, err := programOf(spec)
	require.NoError(t, err)
	require.Equal(t, "/app.wasm", program)
}

func TestLiveSpecFails(t *testing.T) {
	t.Parallel()
	_, err := liveSpec(running(t, `{"process": {"env": []}}`))
	require.EqualError(t, err, "no battle pod runs on this node")
	_, err = liveSpec(running(t, `{`))
	require.ErrorContains(t, err, "config.json: unexpected end of JSON input")
	_, err = programOf([]byte(`{"process": {"args": []}}`))
	require.EqualError(t, err, "OCI configuration: process.args: required")
	_, err = programOf([]byte(`[]`))
	require.ErrorContains(t, err, "read OCI configuration: ")
}
