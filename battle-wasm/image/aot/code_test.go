package aot

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// compiled is a module with native code as WasmEdge writes it.
func compiled(arch byte, code string) []byte {
	body := []byte("\x08wasmedge")
	number := func(v uint64) { body = binary.AppendUvarint(body, v) }
	number(1)
	body = append(body, 1, arch)
	for _, v := range []uint64{1000, 2000, 2, 10, 300, 1, 70000, 2} {
		number(v)
	}
	for kind, content := range []string{2: "data \xc5", 1: code} {
		if kind == 0 {
			continue
		}
		body = append(body, byte(kind))
		number(4096)
		number(uint64(len(content)))
		number(uint64(len(content)))
		body = append(body, content...)
	}
	return append(binary.AppendUvarint([]byte(head+"\x01\x02ab\x00"), uint64(len(body))), body...)
}

func TestCheckPortable(t *testing.T) {
	t.Parallel()
	const ret, roundsd, popcnt, tzcnt = "\xc3", "\x66\x0f\x3a\x0b\xc0\x09", "\xf3\x48\x0f\xb8\xc0", "\xf3\x48\x0f\xbc\xc0"
	whole := compiled(amd64, ret)
	tests := map[string]struct {
		module []byte
		err    string
	}{
		"SSE4.1, POPCNT and TZCNT": {module: compiled(amd64, roundsd+popcnt+tzcnt+ret)},
		"AVX":                      {compiled(amd64, ret+"\xc5\xfb\x10\x00"+ret), "native code: byte 1: c5 fb 10 00 is no instruction of x86-64-v2"},
		"BMI2":                     {compiled(amd64, "\xc4\xe2\xf9\xf7\xc0"), "is no instruction of x86-64-v2"},
		"LZCNT":                    {compiled(amd64, "\xf3\x48\x0f\xbd\xc0"), "is no instruction of x86-64-v2"},
		"no instruction":           {compiled(amd64, "\x06"), "native code: byte 0: "},
		"another architecture":     {compiled(2, ret), "native code: is for architecture 2, want 1"},
		"no code":                  {compiled(amd64, ""), "native code: there is none in the section"},
		"none at all":              {[]byte(head), "has no native code in it"},
		"an empty section":         {[]byte(head + "\x00\x09\x08wasmedge"), "native code: the section ends early"},
		"no module":                {whole[1:], "is not a Wasm module"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := CheckPortable(tt.module)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
		})
	}
}

func FuzzCheckPortable(f *testing.F) {
	f.Add(compiled(amd64, "\xc3\xc5\xfb\x10\x00"))
	f.Fuzz(func(_ *testing.T, module []byte) {
		_ = CheckPortable(module) // must not panic, nor run for ever
	})
}
