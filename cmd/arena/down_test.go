package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/workspace"
)

func TestRemoveState(t *testing.T) {
	t.Parallel()
	const stacks = "pulumi/state/.pulumi/stacks/edge-arena/"
	tests := map[string]struct {
		files, left, regions []string
	}{
		"the local city alone leaves nothing": {files: []string{stacks + "local.json", "pulumi/home/x", "rig/rig.json", "fleet/east/a.log"}},
		"the state of other regions stays": {
			files:   []string{stacks + "local.json", stacks + "local.json.bak", stacks + "east.json", "pulumi/state/.pulumi/meta.yaml", "pulumi/home/x", "rig/rig.json", "fleet/east/a.log"},
			left:    []string{"fleet/east/a.log", "pulumi/state/.pulumi/meta.yaml", stacks + "east.json"},
			regions: []string{"east"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &workspace.Workspace{Root: t.TempDir()}
			for _, f := range tt.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(w.Path(f)), 0o700))
				require.NoError(t, os.WriteFile(w.Path(f), nil, 0o600))
			}
			regions, err := removeState(w)
			require.NoError(t, err)
			require.Equal(t, tt.regions, regions)
			var left []string
			_ = filepath.WalkDir(w.Path(), func(path string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					rel, err := filepath.Rel(w.Path(), path)
					require.NoError(t, err)
					left = append(left, rel)
				}
				return nil
			})
			require.Equal(t, tt.left, left)
		})
	}
}
