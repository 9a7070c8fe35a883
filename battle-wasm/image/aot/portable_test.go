package aot_test

import (
	"debug/elf"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/image/aot"
	"github.com/edge-arena/edge-arena/battle-wasm/image/aot/aottest"
)

// Instructions of arm64, as they lie in memory.
const (
	ret64  = "\xc0\x03\x5f\xd6"
	ldaxr  = "\x20\xfc\x5f\xc8" // ldaxr x0, [x1]
	frintn = "\x20\x88\x61\x4e" // frintn v0.2d, v1.2d
	fcvt   = "\x20\xc0\x23\x1e" // fcvt h0, s1
)

func TestCheckPortable(t *testing.T) {
	t.Parallel()
	const ret, roundsd, popcnt, tzcnt = "\xc3", "\x66\x0f\x3a\x0b\xc0\x09", "\xf3\x48\x0f\xb8\xc0", "\xf3\x48\x0f\xbc\xc0"
	const none, none64 = " is no instruction of x86-64-v2", " is no instruction of Armv8.0-A"
	amd64 := func(code ...string) aottest.Library { return aottest.Compiled(elf.EM_X86_64, code...) }
	arm64 := func(code ...string) aottest.Library { return aottest.Compiled(elf.EM_AARCH64, code...) }
	with := func(change func(*aottest.Library)) aottest.Library {
		l := amd64(ret)
		change(&l)
		return l
	}
	tests := map[string]struct {
		library aottest.Library
		arch    aot.Arch
		err     string
	}{
		"SSE4.1, POPCNT and TZCNT": {amd64(roundsd + popcnt + tzcnt + ret), aot.AMD64, ""},
		"AVX":                      {amd64(ret + "\xc5\xfb\x10\x00" + ret), aot.AMD64, "native code: section .text, byte 1: c5 fb 10 00" + none},
		"BMI2":                     {amd64("\xc4\xe2\xf9\xf7\xc0"), aot.AMD64, none},
		"LZCNT":                    {amd64("\xf3\x48\x0f\xbd\xc0"), aot.AMD64, none},
		"no instruction":           {amd64("\x06"), aot.AMD64, "native code: section .text, byte 0: "},
		"in the second section":    {amd64(ret, "\xc5\xfb\x10\x00"), aot.AMD64, none},

		"atomics by LL and SC, NEON, half precision that is kept": {arm64(ldaxr + frintn + fcvt + ret64), aot.ARM64, ""},
		"LSE's LDADD":           {arm64(ret64 + "\x41\x00\x20\xb8"), aot.ARM64, "native code: section .text, byte 4: b8200041" + none64},
		"LSE's CASAL":           {arm64("\x41\xfc\xe0\xc8"), aot.ARM64, none64},
		"SVE":                   {arm64("\x20\x00\xa2\x04"), aot.ARM64, none64},
		"dot products":          {arm64("\x20\x94\x82\x4e"), aot.ARM64, none64},
		"half precision":        {arm64("\x20\x28\xe2\x1e"), aot.ARM64, none64},
		"CSSC":                  {arm64("\x20\x1c\xc0\xda"), aot.ARM64, none64},
		"JavaScript's rounding": {arm64("\x20\x00\x7e\x1e"), aot.ARM64, none64},
		"CRC32":                 {arm64("\x20\x48\xc2\x1a"), aot.ARM64, none64},
		"AES":                   {arm64("\x20\x48\x28\x4e"), aot.ARM64, none64},
		"half an instruction":   {arm64(ret64 + "\xc0\x03"), aot.ARM64, "native code: section .text, byte 4: c0 03 is half an instruction"},

		"another architecture":    {arm64(ret64), aot.AMD64, "native code: is ET_DYN for EM_AARCH64, want a shared library for EM_X86_64"},
		"an unknown architecture": {amd64(ret), "riscv64", `native code: "riscv64" is no architecture that is known here`},
		"a program":               {with(func(l *aottest.Library) { l.Type = elf.ET_EXEC }), aot.AMD64, "native code: is ET_EXEC for EM_X86_64"},
		"no code":                 {amd64(), aot.AMD64, "native code: there is none in the library"},
		"empty code":              {amd64(""), aot.AMD64, "native code: there is none in the library"},
		"another library":         {with(func(l *aottest.Library) { l.Symbols = l.Symbols[1:] }), aot.AMD64, "native code: has no version: it is none of WasmEdge's"},
		"calls of C":              {with(func(l *aottest.Library) { l.Wanted = []string{"floor"} }), aot.AMD64, "native code: wants floor of whoever loads it"},
		"linked with C":           {with(func(l *aottest.Library) { l.Needed = []string{"libm.so.6", "libc.so.6"} }), aot.AMD64, "native code: is linked with libm.so.6, libc.so.6"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := aot.CheckPortable(tt.library.Bytes(), tt.arch)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
		})
	}
	require.ErrorContains(t, aot.CheckPortable([]byte("\x00asm\x01\x00\x00\x00"), aot.AMD64), "native code: is no library: ")
}

func FuzzCheckPortable(f *testing.F) {
	f.Add(aottest.Compiled(elf.EM_X86_64, "\xc3\xc5\xfb\x10\x00").Bytes())
	f.Add(aottest.Compiled(elf.EM_AARCH64, ret64).Bytes())
	f.Fuzz(func(_ *testing.T, library []byte) {
		for _, arch := range []aot.Arch{aot.AMD64, aot.ARM64} {
			_ = aot.CheckPortable(library, arch) // must not panic, nor run for ever
		}
	})
}
