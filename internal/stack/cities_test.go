package stack

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRevealed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ value, want, err string }{
		"a plain string":      {`"v1"`, `"v1"`, ""},
		"a plain object":      {`{"a":1}`, `{"a":1}`, ""},
		"an object alike":     {`{"plaintext":"\"x\""}`, `{"plaintext":"\"x\""}`, ""},
		"a secret":            {`{"4dabf18193072939515e22adb298388d":"1b47061264138c4ac30d75fd1eb44270","plaintext":"\"token\""}`, `"token"`, ""},
		"a secret, encrypted": {`{"4dabf18193072939515e22adb298388d":"1b47061264138c4ac30d75fd1eb44270","ciphertext":"x"}`, "", "a secret without its plaintext"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := revealed(json.RawMessage(tt.value))
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.JSONEq(t, tt.want, string(got))
		})
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	s := State{Resources: []Resource{
		{URN: "urn:pulumi:s::edge-arena::edge-arena:city:City::a", Type: cityType}, {URN: "urn:pulumi:s::edge-arena::edge-arena:city:City$command:remote:Command::a-1-host"},
		{URN: "urn:pulumi:s::edge-arena::edge-arena:city:City::ab", Type: cityType}, {URN: "urn:pulumi:s::edge-arena::edge-arena:city:City$command:remote:Command::ab-1-import", Delete: true}, {},
	}}
	require.Equal(t, []string{"a", "ab"}, s.Cities())
	require.Len(t, s.OfCity("a"), 2, "what only begins alike is another city's")
	require.False(t, s.Pending("a"))
	require.True(t, s.Pending("ab"))
}
