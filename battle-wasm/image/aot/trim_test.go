package aot_test

import (
	"debug/elf"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/image/aot"
	"github.com/edge-arena/edge-arena/battle-wasm/image/aot/aottest"
)

func TestTrim(t *testing.T) {
	t.Parallel()
	const ret, header, others = "\xc3", "\x00asm\x01\x00\x00\x00", "\x03\x02\x01\x00"
	with := func(module string) aottest.Library {
		l := aottest.Compiled(elf.EM_X86_64, ret)
		l.Module = module
		return l
	}
	before := aottest.Compiled(elf.EM_X86_64, ret)
	got, err := aot.Trim(before.Bytes())
	require.NoError(t, err)
	// The section is two bytes shorter, and so is what is told of the module's length. Nothing else has changed.
	const short = header + others + "\x0a\x03\x01\x01\x00" + "\x00\x02\x01x"
	want := strings.Replace(string(before.Bytes()), string([]byte{byte(len(aottest.Module)), 0, 0, 0})+aottest.Module,
		string([]byte{byte(len(short)), 0, 0, 0})+short+"\x00\x00", 1)
	require.Equal(t, want, string(got))
	again, err := aot.Trim(got)
	require.NoError(t, err)
	require.Equal(t, got, again)

	tests := map[string]struct {
		library []byte
		err     string
	}{
		"no library":        {[]byte("\x00asm"), "is no library"},
		"no module":         {aottest.Library{Machine: elf.EM_X86_64, Type: elf.ET_DYN, Code: []string{ret}, Symbols: []string{"f0"}}.Bytes(), "has no wasm.size of 4 bytes"},
		"no functions":      {with(header + others).Bytes(), "the module in it has no functions"},
		"cut":               {with(header + "\x0a\x05\x01").Bytes(), "the module in it ends within a section"},
		"cut before":        {with("\x00asm").Bytes(), "the module in it ends within a section"},
		"too few functions": {with(header + "\x0a\x01\x05").Bytes(), "the module in it ends within a section"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := aot.Trim(tt.library)
			require.ErrorContains(t, err, "trim native code: ")
			require.ErrorContains(t, err, tt.err)
		})
	}
}

func FuzzTrim(f *testing.F) {
	f.Add(aottest.Compiled(elf.EM_X86_64, "\xc3").Bytes())
	f.Fuzz(func(t *testing.T, library []byte) {
		trimmed, err := aot.Trim(library)
		if err == nil && len(trimmed) != len(library) {
			t.Fatalf("%d bytes became %d", len(library), len(trimmed))
		}
	})
}
