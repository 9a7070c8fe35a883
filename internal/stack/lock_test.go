package stack

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakePulumi puts a `pulumi` on PATH that writes its arguments into the returned file.
func fakePulumi(t *testing.T) (calls string) {
	t.Helper()
	dir := t.TempDir()
	calls = filepath.Join(dir, "calls")
	script := "#!/bin/sh\necho \"$@\" >> " + calls + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pulumi"), []byte(script), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return calls
}

func TestBreakStaleLock(t *testing.T) {
	host, err := os.Hostname()
	require.NoError(t, err)
	gone := exec.Command("true")
	require.NoError(t, gone.Run())

	tests := map[string]struct {
		stack    string
		held     heldBy
		wantErr  string
		canceled bool
	}{
		"a dead process's lock is broken":      {stack: "local", held: heldBy{PID: gone.Process.Pid, Hostname: host}, canceled: true},
		"a living process's lock is respected": {stack: "local", held: heldBy{PID: os.Getpid(), Hostname: host}, wantErr: "is being updated by process"},
		"another host's lock is respected":     {stack: "local", held: heldBy{PID: gone.Process.Pid, Hostname: "elsewhere"}, wantErr: "on elsewhere"},
		"another stack's lock is no concern":   {stack: "north", held: heldBy{PID: os.Getpid(), Hostname: host}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			calls := fakePulumi(t)
			state := t.TempDir()
			dir := filepath.Join(state, ".pulumi", "locks", "organization", "edge-arena", tt.stack)
			require.NoError(t, os.MkdirAll(dir, 0o700))
			content, err := json.Marshal(tt.held)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "x.json"), content, 0o600))

			s := Stack{Name: "local", Root: t.TempDir(), Env: []string{"PULUMI_BACKEND_URL=file:///elsewhere", "PULUMI_BACKEND_URL=file://" + state}}
			err = s.breakStaleLock(context.Background())
			if tt.wantErr != "" {
				require.ErrorContains(t, err, tt.wantErr)
			} else {
				require.NoError(t, err)
			}
			got, _ := os.ReadFile(calls)
			if tt.canceled {
				require.Equal(t, "cancel local --yes\n", string(got))
			} else {
				require.Empty(t, got)
			}
		})
	}
}
