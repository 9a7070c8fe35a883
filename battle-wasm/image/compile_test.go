package image

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPathCompilerTakesItsVersionOnly(t *testing.T) {
	tests := map[string]struct {
		script string
		want   string
	}{
		"the version":     {script: `[ "$1" = --version ] && echo "wasmedge version 0.14.1" || { echo "$LD_PRELOAD" "$@" > "$4"; }`},
		"another version": {script: `echo "wasmedge version 0.15.0"`, want: `wasmedge on PATH is "wasmedge version 0.15.0": 0.14.1 is needed`},
		"a failure": {
			script: `[ "$1" = --version ] && echo "wasmedge version 0.14.1" || { echo no memory >&2; exit 1; }`, want: "\nno memory",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "wasmedge"), []byte("#!/bin/sh\n"+tt.script+"\n"), 0o700))
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			out := filepath.Join(dir, "out")
			err := PathCompiler(context.Background(), filepath.Join(dir, "in.wasm"), out)
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			got, err := os.ReadFile(out)
			require.NoError(t, err)
			require.Equal(t, dir+"/baseline.so compile --generic-binary "+dir+"/in.wasm "+out+"\n", string(got))
		})
	}
}
