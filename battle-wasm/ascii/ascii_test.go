package ascii

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUint(t *testing.T) {
	t.Parallel()
	for _, most := range []uint64{0, 7, 255, 65535, math.MaxUint64} {
		for _, s := range []string{
			"", "0", "7", "8", "255", "256", "65535", "65536", "0007", "18446744073709551615", "18446744073709551616", "99999999999999999999", "-1", "+1", "1 ", "a", "1a",
		} {
			want, err := strconv.ParseUint(s, 10, 64)
			if err != nil || want > most {
				want = 0
			}
			n, ok := Uint(s, most)
			require.Equal(t, err == nil && (want > 0 || strings.Trim(s, "0") == ""), ok, "%q of at most %d", s, most)
			require.Equal(t, want, n, "%q of at most %d", s, most)
		}
	}
}

func TestInt(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{"0": 0, "-1": -1, "+12": 12, "1000000000": 1e9} {
		n, ok := Int(s)
		require.True(t, ok, s)
		require.Equal(t, want, n)
	}
	for _, s := range []string{"", "-", "--1", "1.5", "1000000001", "4294967416", "0x1"} {
		_, ok := Int(s)
		require.False(t, ok, s)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	require.True(t, Equal([]byte("Content-Length"), "content-length"))
	require.False(t, Equal([]byte("Content-Lengt"), "content-length"))
	require.False(t, Equal([]byte("Content_Length"), "content-length"))
	for _, s := range []string{"", " ", "a", " a ", "a b", "\ta  bc\r\n", "a b c "} {
		var got []string
		for word, rest := Field([]byte(s)); len(word) > 0; word, rest = Field(rest) {
			got = append(got, string(word))
		}
		require.Equal(t, strings.Join(strings.Fields(s), "|"), strings.Join(got, "|"))
		require.Equal(t, strings.TrimSpace(s), string(Trim([]byte(s))))
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "plain", `a"b\c`, "\x00\x7f\xff"} {
		got, err := strconv.Unquote(Quote(s))
		require.NoError(t, err)
		require.Equal(t, s, got)
	}
}
