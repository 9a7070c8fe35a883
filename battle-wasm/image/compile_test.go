package image

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHasCustomSection(t *testing.T) {
	t.Parallel()
	const head = "\x00asm\x01\x00\x00\x00"
	tests := map[string]struct {
		module string
		want   bool
		err    string
	}{
		"an empty module":             {module: head},
		"the section alone":           {module: head + "\x00\x09\x08wasmedge", want: true},
		"behind other sections":       {module: head + "\x01\x02ab\x00\x03\x02xx\x00\x0a\x08wasmedge!", want: true},
		"another section's content":   {module: head + "\x01\x09\x08wasmedge"},
		"a longer name":               {module: head + "\x00\x0a\x09wasmedge2"},
		"a name beyond the section":   {module: head + "\x00\x09\x7fwasmedge"},
		"no module":                   {module: "\x7fELF", err: "is not a Wasm module"},
		"cut within a section":        {module: head + "\x00\x09\x08wasm", err: "ends within a section"},
		"cut within a section's size": {module: head + "\x00\x80", err: "ends within a section"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := hasCustomSection([]byte(tt.module), "wasmedge")
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestPathCompilerTakesItsVersionOnly(t *testing.T) {
	tests := map[string]struct {
		script string
		want   string
	}{
		"the version":     {script: `[ "$1" = --version ] && echo "wasmedge version 0.14.1" || { echo "$@" > "$4"; }`},
		"another version": {script: `echo "wasmedge version 0.15.0"`, want: `wasmedge on PATH is "wasmedge version 0.15.0": 0.14.1 is needed`},
		"a failure": {
			script: `[ "$1" = --version ] && echo "wasmedge version 0.14.1" || { echo no memory >&2; exit 1; }`, want: "exit status 1\nno memory",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "wasmedge"), []byte("#!/bin/sh\n"+tt.script+"\n"), 0o700))
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			out := filepath.Join(dir, "out")
			err := PathCompiler(context.Background(), "in.wasm", out)
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			got, err := os.ReadFile(out)
			require.NoError(t, err)
			require.Equal(t, "compile --generic-binary in.wasm "+out+"\n", string(got))
		})
	}
}
