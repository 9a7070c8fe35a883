package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

func TestCheckPlayerKeys(t *testing.T) {
	t.Parallel()
	key := func(edit func(k object)) string {
		k := object{"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": strings.Repeat("A", 43)}
		edit(k)
		return string(raw(object{"keys": []any{k}}))
	}
	tests := map[string]struct {
		set  string
		want string // empty where it is taken
	}{
		"two keys":             {playerKeys("a", "b"), ""},
		"all that may be said": {key(func(k object) { k["use"], k["alg"], k["x5t"] = "sig", "EdDSA", "abc" }), ""},
		"no JSON":              {"ssh-ed25519 AAAA", "it is not a JSON Web Key Set"},
		"no object":            {"[]", "it is not a JSON Web Key Set"},
		"no keys":              {`{"keys": []}`, "it has no keys, so nobody could play"},
		"one key":              {`{"kid": "a"}`, "it has no keys"},
		"a key that is none":   {`{"keys": ["a"]}`, "keys[0]: not a JSON Web Key"},
		"a kid twice":          {playerKeys("a", "a"), `keys[1]: kid "a" is another key's too`},
		"no kid":               {playerKeys("a", ""), "keys[1]: kid is required"},
		"a private key":        {key(func(k object) { k["d"] = strings.Repeat("B", 43) }), "keys[0]: it has a private part (d)"},
		"an empty private key": {key(func(k object) { k["d"] = "" }), "keys[0]: it has a private part (d)"},
		"an RSA key":           {key(func(k object) { k["kty"], k["crv"] = "RSA", "" }), `keys[0]: kty "RSA" with crv "": only Ed25519`},
		"a key to agree with":  {key(func(k object) { k["crv"] = "X25519" }), `kty "OKP" with crv "X25519"`},
		"half a key":           {key(func(k object) { k["x"] = "AAAA" }), "keys[0]: x is not a public key of 32 bytes"},
		"a key with padding":   {key(func(k object) { k["x"] = strings.Repeat("A", 43) + "=" }), "keys[0]: x is not"},
		"a key that encrypts":  {key(func(k object) { k["use"] = "enc" }), `keys[0]: use "enc"`},
		"another algorithm":    {key(func(k object) { k["alg"] = "none" }), `keys[0]: alg "none"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := config.CheckPlayerKeys([]byte(tt.set))
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestCheckPlayerKeysTellsNoSecret(t *testing.T) {
	t.Parallel()
	err := config.CheckPlayerKeys([]byte(`{"keys": [{"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "shown", "d": "hidden"}]}`))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hidden")
}

func FuzzCheckPlayerKeys(f *testing.F) {
	f.Add(playerKeys("a", "b"))
	f.Add(`{"keys": [{"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "", "d": null}]}`)
	f.Add(`{"keys": [null, 1, {}]}`)
	f.Fuzz(func(t *testing.T, set string) {
		if config.CheckPlayerKeys([]byte(set)) != nil {
			return
		}
		var keys struct {
			Keys []map[string]any `json:"keys"`
		}
		require.NoError(t, json.Unmarshal([]byte(set), &keys))
		require.NotEmpty(t, keys.Keys)
		for _, k := range keys.Keys {
			// Whatever reads the set after us may take a member by its name in another case.
			for name := range k {
				require.False(t, strings.EqualFold(name, "d") && k[name] != nil, "a private part was let pass")
			}
		}
	})
}
