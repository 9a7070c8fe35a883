package aot

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const head = "\x00asm\x01\x00\x00\x00"

func TestHasAndStrip(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		module string
		want   bool
		left   string
		err    string
	}{
		"an empty module":             {module: head, left: head},
		"the section alone":           {module: head + "\x00\x09\x08wasmedge", want: true, left: head},
		"behind other sections":       {module: head + "\x01\x02ab\x00\x03\x02xx\x00\x0a\x08wasmedge!", want: true, left: head + "\x01\x02ab\x00\x03\x02xx"},
		"between others":              {module: head + "\x01\x02ab\x00\x09\x08wasmedge\x01\x01c", want: true, left: head + "\x01\x02ab\x01\x01c"},
		"another section's content":   {module: head + "\x01\x09\x08wasmedge", left: head + "\x01\x09\x08wasmedge"},
		"a longer name":               {module: head + "\x00\x0a\x09wasmedge2", left: head + "\x00\x0a\x09wasmedge2"},
		"a name beyond the section":   {module: head + "\x00\x09\x7fwasmedge", left: head + "\x00\x09\x7fwasmedge"},
		"no module":                   {module: "\x7fELF", err: "is not a Wasm module"},
		"cut within a section":        {module: head + "\x00\x09\x08wasm", err: "ends within a section"},
		"cut within a section's size": {module: head + "\x00\x80", err: "ends within a section"},
		"cut after a section's id":    {module: head + "\x00", err: "ends within a section"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Has([]byte(tt.module))
			left, stripErr := Strip([]byte(tt.module))
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				require.EqualError(t, stripErr, tt.err)
				return
			}
			require.NoError(t, err)
			require.NoError(t, stripErr)
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.left, string(left))
		})
	}
}

func TestStripFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.wasm")
	require.ErrorContains(t, StripFile(path), "strip native code: ")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh"), 0o600))
	require.ErrorContains(t, StripFile(path), "app.wasm: is not a Wasm module")
	require.NoError(t, os.WriteFile(path, []byte(head+"\x00\x09\x08wasmedge"), 0o600))
	require.NoError(t, StripFile(path))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, head, string(got))
}

func FuzzStrip(f *testing.F) {
	f.Add([]byte(head + "\x01\x02ab\x00\x09\x08wasmedge\x01\x01c"))
	f.Add([]byte(head + "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, module []byte) {
		left, err := Strip(module)
		if err != nil {
			return
		}
		again, err := Strip(left)
		if err == nil && len(again) > len(left) {
			t.Fatalf("%d bytes became %d", len(left), len(again))
		}
	})
}
