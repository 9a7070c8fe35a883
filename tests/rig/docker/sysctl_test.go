package docker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRaiseIsTakenBack(t *testing.T) {
	t.Parallel()
	const limit = "fs.inotify.max_user_instances"
	tests := map[string]struct {
		was     string
		want    []int
		raised  string
		wantErr string
	}{
		"high enough":         {was: "128\n", want: []int{64, 128}, raised: "128\n"},
		"raised once":         {was: "128\n", want: []int{500}, raised: "500"},
		"raised, not lowered": {was: "128\n", want: []int{500, 200, 900}, raised: "900"},
		"not a number":        {was: "many", want: []int{1}, raised: "many", wantErr: "read fs.inotify.max_user_instances: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			m := Machine{Lib: filepath.Join(dir, "lib"), Run: filepath.Join(dir, "run"), Sys: filepath.Join(dir, "sys")}
			file := m.limitFile(limit)
			require.Equal(t, filepath.Join(dir, "sys/fs/inotify/max_user_instances"), file)
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
			require.NoError(t, os.WriteFile(file, []byte(tt.was), 0o600))
			for _, atLeast := range tt.want {
				err := m.Raise(t.Context(), limit, atLeast)
				if tt.wantErr != "" {
					require.ErrorContains(t, err, tt.wantErr)
					return
				}
				require.NoError(t, err)
			}
			require.Equal(t, tt.raised, content(t, file))
			require.NoError(t, m.Stop(t.Context(), nil))
			require.Equal(t, strings.TrimSpace(tt.was), strings.TrimSpace(content(t, file)))
			require.NoDirExists(t, m.Lib, "nothing of ours is left")
		})
	}
}

func content(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(b)
}
