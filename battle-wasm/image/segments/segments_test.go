package segments

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	head   = "\x00asm\x01\x00\x00\x00"
	others = "\x01\x02ab"
)

func moduleOf(segments ...segment) string {
	body := encode(segments)
	return head + others + string(binary.AppendUvarint([]byte{dataSection}, uint64(len(body)))) + string(body) + "\x00\x02\x01c"
}

func segmentsOf(t *testing.T, module []byte) []segment {
	t.Helper()
	body, ok := strings.CutPrefix(string(module), head+others)
	require.True(t, ok)
	size, n := binary.Uvarint([]byte(body[1:]))
	segments, err := parse([]byte(body[1+n:][:size]))
	require.NoError(t, err)
	require.Equal(t, "\x00\x02\x01c", body[1+n+int(size):])
	return segments
}

// memory is what a memory begins as.
func memory(segments []segment) []byte {
	m := make([]byte, 64<<10)
	for _, s := range segments {
		copy(m[s.at:], s.content)
	}
	return m
}

func TestMerge(t *testing.T) {
	t.Parallel()
	at := func(at int64, content string) segment { return segment{at: at, content: []byte(content)} }
	tests := map[string]struct{ from, want []segment }{
		"none":                         {nil, nil},
		"one":                          {[]segment{at(7, "a")}, []segment{at(7, "a")}},
		"side by side":                 {[]segment{at(7, "ab"), at(9, "c")}, []segment{at(7, "abc")}},
		"zeros between":                {[]segment{at(0, "a"), at(4, "b"), at(6, "c")}, []segment{at(0, "a\x00\x00\x00b\x00c")}},
		"as far as may be":             {[]segment{at(0, "a"), at(1+maxGap, "b")}, []segment{at(0, "a"+strings.Repeat("\x00", maxGap)+"b")}},
		"too far":                      {[]segment{at(0, "a"), at(2+maxGap, "b")}, []segment{at(0, "a"), at(2+maxGap, "b")}},
		"backwards":                    {[]segment{at(9, "a"), at(3, "b"), at(5, "c")}, []segment{at(9, "a"), at(3, "b\x00c")}},
		"one over another":             {[]segment{at(3, "abc"), at(4, "d")}, []segment{at(3, "abc"), at(4, "d")}},
		"what the zeros would destroy": {[]segment{at(5, "a"), at(3, "b"), at(7, "c")}, []segment{at(5, "a"), at(3, "b"), at(7, "c")}},
		"numbers of several bytes":     {[]segment{at(63, "a"), at(8191, "b"), at(8200, "c")}, []segment{at(63, "a"), at(8191, "b"+strings.Repeat("\x00", 8)+"c")}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Merge([]byte(moduleOf(tt.from...)))
			require.NoError(t, err)
			require.Equal(t, tt.want, segmentsOf(t, got))
			require.Equal(t, memory(tt.from), memory(tt.want))
			again, err := Merge(got)
			require.NoError(t, err)
			require.Equal(t, got, again)
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	for module, want := range map[string]string{
		"\x7fELF":                                     "is not a Wasm module",
		head + "\x0b":                                 "a section ends early",
		head + "\x0b\x05\x01":                         "a section ends early",
		head + "\x0c\x01\x01":                         "counts its segments",
		head + "\x0b\x01\x01":                         "the data section ends early",
		head + "\x0b\x03\x01\x01\x00":                 "the data section has a segment whose place is not a constant",
		head + "\x0b\x06\x01\x00\x41\x01\x0c\x00":     "the data section has a segment whose place is not a constant",
		head + "\x0b\x07\x01\x00\x41\x01\x0b\x00\x00": "the data section has more than its segments",
	} {
		_, err := Merge([]byte(module))
		require.ErrorContains(t, err, want)
	}
}

func TestMergeFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "module.wasm")
	require.ErrorContains(t, MergeFile(path), "merge data segments: ")
	require.NoError(t, os.WriteFile(path, []byte("#!"), 0o600))
	require.ErrorContains(t, MergeFile(path), "module.wasm: is not a Wasm module")
	require.NoError(t, os.WriteFile(path, []byte(moduleOf(segment{0, []byte("a")}, segment{1, []byte("b")})), 0o600))
	require.NoError(t, MergeFile(path))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, moduleOf(segment{0, []byte("ab")}), string(got))
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte(moduleOf(segment{9, []byte("a")}, segment{3, []byte("b")}, segment{5, []byte("c")})))
	f.Fuzz(func(t *testing.T, module []byte) {
		merged, err := Merge(module)
		if err != nil {
			return
		}
		again, err := Merge(merged)
		require.NoError(t, err)
		require.Equal(t, merged, again)
	})
}
