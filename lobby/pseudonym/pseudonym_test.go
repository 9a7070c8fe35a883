package pseudonym_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/lobby/pseudonym"
)

func TestOf(t *testing.T) {
	t.Parallel()
	key, err := pseudonym.ParseKey(strings.Repeat("0b", 32))
	require.NoError(t, err)
	other, err := pseudonym.ParseKey(strings.Repeat("0c", 32))
	require.NoError(t, err)
	// printf 'Hi There' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0b…0b
	require.Equal(t, "198a607eb44bfbc69903a0f1cf2bbdc5", key.Of("Hi There").String())
	require.Equal(t, key.Of("a"), key.Of("a"))
	require.NotEqual(t, key.Of("a"), key.Of("b"))
	require.NotEqual(t, key.Of("a"), other.Of("a"))
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"none": "", "short": "0b0b", "long": strings.Repeat("0b", 33), "other digits": strings.Repeat("zz", 32),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := pseudonym.ParseKey(text)
			require.EqualError(t, err, "pseudonym key must have 64 hexadecimal digits")
		})
	}
}
