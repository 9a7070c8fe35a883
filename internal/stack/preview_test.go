package stack

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Not in parallel: a program that was just written cannot be run while another test's fork still holds it open.
func TestPreviewJSON(t *testing.T) {
	const failed = `{"steps": [{"op": "delete", "urn": "urn:pulumi:east::edge-arena::command:remote:Command::shanghai-sh-1-host",
		"oldState": {"custom": true, "protect": true}}],
		"diagnostics": [{"severity": "warning", "message": "w"}, {"severity": "error", "message": "error: preview failed\n"}]}`
	tests := map[string]struct {
		script  string
		want    Digest
		wantErr string
	}{
		"nothing to do": {script: `echo '{}'`},
		"a preview that fails still tells what it would do": {
			script: "cat <<'END'\n" + failed + "\nEND\nexit 255",
			want: Digest{
				Steps: []Step{{
					Op: "delete", URN: "urn:pulumi:east::edge-arena::command:remote:Command::shanghai-sh-1-host",
					OldState: &StepState{Custom: true, Protect: true},
				}},
				Diagnostics: []Diagnostic{{Severity: "warning", Message: "w"}, {Severity: "error", Message: "error: preview failed\n"}},
			},
		},
		"no digest": {
			script:  "echo 'error: no stack named east found' >&2; exit 255",
			wantErr: "preview stack east: exit status 255: error: no stack named east found",
		},
		"an empty digest of a preview that failed": {
			script:  "echo '{}'; echo 'error: incorrect passphrase' >&2; exit 1",
			wantErr: "preview stack east: exit status 1: error: incorrect passphrase",
		},
		"other words than JSON": {script: "echo hello", wantErr: "preview stack east: read the preview: invalid character 'h'"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cli := filepath.Join(t.TempDir(), "pulumi")
			require.NoError(t, os.WriteFile(cli, []byte("#!/bin/sh\n"+tt.script+"\n"), 0o755))
			got, err := Stack{Name: "east", Root: t.TempDir(), Pulumi: cli}.PreviewJSON(context.Background())
			if tt.wantErr != "" {
				require.ErrorContains(t, err, tt.wantErr)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestPreviewJSONArguments(t *testing.T) {
	cli := filepath.Join(t.TempDir(), "pulumi")
	require.NoError(t, os.WriteFile(cli, []byte("#!/bin/sh\nprintf '{\"diagnostics\":[{\"message\":\"%s\"}]}' \"$*\"\n"), 0o755))
	got, err := Stack{Name: "east", Root: t.TempDir(), Pulumi: cli, ConfigFile: "/c.yaml"}.PreviewJSON(context.Background())
	require.NoError(t, err)
	require.Equal(t, "preview --stack east --non-interactive --color never --json --config-file /c.yaml", got.Diagnostics[0].Message)
}

func TestStepNames(t *testing.T) {
	t.Parallel()
	const project, chain = "urn:pulumi:east::edge-arena::", "edge-arena:city:City$edge-arena:k3s:Cluster"
	child := Step{URN: project + chain + "$command:remote:Command::shanghai-sh-1-k3s", OldState: &StepState{Parent: project + chain + "::shanghai"}}
	require.Equal(t, "shanghai-sh-1-k3s", child.Name())
	require.Equal(t, "shanghai", child.ParentName())
	require.Equal(t, chain+"$command:remote:Command", child.Type())
	require.Equal(t, []string{"", "", ""}, []string{Step{}.Name(), Step{}.ParentName(), Step{}.Type()})
}

func FuzzParseDigest(f *testing.F) {
	f.Add([]byte(`{"steps":[{"op":"update","urn":"urn:pulumi:a::b::c::d","newState":{"inputs":{"spec":{"replicas":8}}}}]}`))
	f.Add([]byte(`{"steps":[{}],"diagnostics":[{"severity":"error"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := ParseDigest(raw)
		if err != nil {
			require.Empty(t, d)
			return
		}
		for _, s := range d.Steps {
			require.Contains(t, s.URN, s.Name())
			require.Contains(t, s.URN, s.Type())
			require.LessOrEqual(t, len(s.ParentName()), len(raw))
		}
		require.LessOrEqual(t, len(d.Errors()), len(d.Diagnostics))
	})
}
