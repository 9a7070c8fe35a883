package nodehost

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCommand(t *testing.T) {
	t.Parallel()
	h := &Host{image: "node:1"}
	require.Equal(t, []string{
		"run", "--network", "host", "--entrypoint", "", "--security-opt", "seccomp=unconfined", "--rm",
		"-v", "/tmp/a:/app:ro", "-v", "/tmp/c:/config.json:ro", "-e", "A=b", "node:1", "taskset", "--cpu-list", "1,3", "/app", "-x",
	}, h.command(Program{
		Files: map[string]string{"/config.json": "/tmp/c", "/app": "/tmp/a"}, Env: []string{"A=b"}, Args: []string{"/app", "-x"}, CPUs: []int{1, 3},
	}, "--rm"))
	require.Equal(t, []string{"run", "--network", "host", "--entrypoint", "", "--security-opt", "seccomp=unconfined", "node:1", "true"},
		h.command(Program{Args: []string{"true"}}))
}

func TestLastCPU(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]int{"0": 0, "0-1": 1, "0-63": 63, "0-1,4": 0, "1-3": 0, "": 0, "x": 0} {
		require.Equal(t, want, lastCPU(list), list)
	}
}
