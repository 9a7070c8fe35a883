package token_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/lobby/token"
)

var now = time.Unix(1_800_000_000, 0)

// keyOf is a key made of a seed, the same each time.
func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
}

func publicOf(seed byte) ed25519.PublicKey { return keyOf(seed).Public().(ed25519.PublicKey) }

func writeKeys(t testing.TB, path string, keys map[string]ed25519.PublicKey) {
	t.Helper()
	content, err := token.MarshalKeys(keys)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, content, 0o600))
}

func verifier(t testing.TB, keys map[string]ed25519.PublicKey) *token.Verifier {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jwks.json")
	writeKeys(t, path, keys)
	k, err := token.OpenKeys(path)
	require.NoError(t, err)
	return &token.Verifier{Keys: k, Issuer: "accounts", Audience: "edge-arena", Now: func() time.Time { return now }}
}

func sign(t testing.TB, alg jose.SignatureAlgorithm, key any, kid string, claims any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	require.NoError(t, err)
	text, err := jwt.Signed(s).Claims(claims).Serialize()
	require.NoError(t, err)
	return text
}

func TestVerify(t *testing.T) {
	t.Parallel()
	v := verifier(t, map[string]ed25519.PublicKey{"a": publicOf('a'), "b": publicOf('b')})
	claims := func(change func(c map[string]any)) map[string]any {
		c := map[string]any{
			"iss": "accounts", "aud": "edge-arena", "sub": "somebody", "role": "player", "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		}
		if change != nil {
			change(c)
		}
		return c
	}
	eddsa := func(change func(c map[string]any)) string {
		return sign(t, jose.EdDSA, keyOf('a'), "a", claims(change))
	}
	set := func(key string, value any) func(map[string]any) { return func(c map[string]any) { c[key] = value } }
	without := func(key string) func(map[string]any) { return func(c map[string]any) { delete(c, key) } }
	good := eddsa(nil)
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"a"}`))
	altered, err := json.Marshal(claims(set("role", "admin")))
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		token string
		err   error
	}{
		"good":                    {token: good},
		"other key of the set":    {token: sign(t, jose.EdDSA, keyOf('b'), "b", claims(nil))},
		"one of two audiences":    {token: eddsa(set("aud", []string{"shop", "edge-arena"}))},
		"without nbf":             {token: eddsa(without("nbf"))},
		"expired within leeway":   {token: eddsa(set("exp", now.Add(-29*time.Second).Unix()))},
		"early within leeway":     {token: eddsa(set("nbf", now.Add(29*time.Second).Unix()))},
		"expired":                 {token: eddsa(set("exp", now.Add(-31*time.Second).Unix())), err: token.ErrExpired},
		"early":                   {token: eddsa(set("nbf", now.Add(31*time.Second).Unix())), err: token.ErrNotYet},
		"from the future":         {token: eddsa(set("iat", now.Add(31*time.Second).Unix())), err: token.ErrNotYet},
		"without exp":             {token: eddsa(without("exp")), err: token.ErrClaims},
		"without sub":             {token: eddsa(without("sub")), err: token.ErrClaims},
		"without role":            {token: eddsa(without("role")), err: token.ErrClaims},
		"role is no text":         {token: eddsa(set("role", []string{"player"})), err: token.ErrClaims},
		"long sub":                {token: eddsa(set("sub", strings.Repeat("x", 257))), err: token.ErrClaims},
		"other issuer":            {token: eddsa(set("iss", "mallory")), err: token.ErrIssuer},
		"without issuer":          {token: eddsa(without("iss")), err: token.ErrIssuer},
		"other audience":          {token: eddsa(set("aud", "shop")), err: token.ErrAudience},
		"without audience":        {token: eddsa(without("aud")), err: token.ErrAudience},
		"unknown kid":             {token: sign(t, jose.EdDSA, keyOf('a'), "c", claims(nil)), err: token.ErrKey},
		"without kid":             {token: sign(t, jose.EdDSA, keyOf('a'), "", claims(nil)), err: token.ErrKey},
		"kid of another":          {token: sign(t, jose.EdDSA, keyOf('a'), "b", claims(nil)), err: token.ErrSignature},
		"altered":                 {token: parts[0] + "." + base64.RawURLEncoding.EncodeToString(altered) + "." + parts[2], err: token.ErrSignature},
		"unsigned":                {token: none + "." + parts[1] + ".", err: token.ErrFormat},
		"public key as HMAC key":  {token: sign(t, jose.HS256, []byte(publicOf('a')), "a", claims(nil)), err: token.ErrFormat},
		"nothing":                 {token: "", err: token.ErrFormat},
		"something else":          {token: "a.b.c", err: token.ErrFormat},
		"a megabyte":              {token: strings.Repeat("a", 1<<20), err: token.ErrFormat},
		"with a key of its own":   {token: embedded(t, claims(nil)), err: token.ErrKey},
		"JSON serialization":      {token: `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, err: token.ErrFormat},
		"with a signature's head": {token: good[:len(good)-4], err: token.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := v.Verify(tc.token)
			if tc.err != nil {
				require.Equal(t, tc.err, err)
				require.Zero(t, p)
				return
			}
			require.NoError(t, err)
			require.Equal(t, token.Player{Subject: "somebody", Role: "player"}, p)
		})
	}
}

// embedded is signed with a stranger's key that the token itself brings.
func embedded(t *testing.T, claims any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: keyOf('x')}, &jose.SignerOptions{EmbedJWK: true})
	require.NoError(t, err)
	text, err := jwt.Signed(s).Claims(claims).Serialize()
	require.NoError(t, err)
	return text
}

func TestSigner(t *testing.T) {
	t.Parallel()
	v := verifier(t, map[string]ed25519.PublicKey{"a": publicOf('a')})
	s, err := token.NewSigner(keyOf('a'), "a", "accounts")
	require.NoError(t, err)
	p := token.Player{Subject: "me", Role: "player"}
	text, err := s.Sign(p, "edge-arena", now, now.Add(time.Minute))
	require.NoError(t, err)
	got, err := v.Verify(text)
	require.NoError(t, err)
	require.Equal(t, p, got)
}

func TestOpenKeys(t *testing.T) {
	t.Parallel()
	public := func(seed byte, kid, more string) string {
		return `{"kty":"OKP","crv":"Ed25519","kid":"` + kid + `","x":"` + base64.RawURLEncoding.EncodeToString(publicOf(seed)) + `"` + more + `}`
	}
	for name, tc := range map[string]struct{ content, err string }{
		"good":           {content: `{"keys":[` + public('a', "a", "") + `,` + public('b', "b", `,"alg":"EdDSA","use":"sig"`) + `]}`},
		"no JSON":        {content: `{`, err: "parse key set: unexpected end of JSON input"},
		"empty":          {content: `{"keys":[]}`, err: "no key"},
		"no kid":         {content: `{"keys":[` + public('a', "", "") + `]}`, err: "keys[0]: no kid"},
		"kid twice":      {content: `{"keys":[` + public('a', "a", "") + `,` + public('b', "a", "") + `]}`, err: "keys[1]: kid of another key"},
		"for encryption": {content: `{"keys":[` + public('a', "a", `,"use":"enc"`) + `]}`, err: "keys[0]: not an Ed25519 key for signatures"},
		"other alg":      {content: `{"keys":[` + public('a', "a", `,"alg":"ES256"`) + `]}`, err: "keys[0]: not an Ed25519 key for signatures"},
		"symmetric":      {content: `{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}`, err: "keys[0]: not a public key"},
		"private": {
			content: `{"keys":[` + public('a', "a", `,"d":"`+base64.RawURLEncoding.EncodeToString(keyOf('a').Seed())+`"`) + `]}`,
			err:     "keys[0]: not a public key",
		},
		"large": {content: strings.Repeat(" ", 64<<10+1), err: "more than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "jwks.json")
			require.NoError(t, os.WriteFile(path, []byte(tc.content), 0o600))
			_, err := token.OpenKeys(path)
			if tc.err == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, "player keys "+path+": "+tc.err)
		})
	}
	_, err := token.OpenKeys(filepath.Join(t.TempDir(), "jwks.json"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "read player keys: open ")
}

// A Secret's volume holds the file behind two links, of which the inner one is swapped.
func TestKeysFollowTheSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mount := func(name string, keys map[string]ed25519.PublicKey) {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		if keys != nil {
			writeKeys(t, filepath.Join(dir, name, "jwks.json"), keys)
		}
		require.NoError(t, os.Symlink(name, filepath.Join(dir, "..data_tmp")))
		require.NoError(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	a, b := map[string]ed25519.PublicKey{"a": publicOf('a')}, map[string]ed25519.PublicKey{"b": publicOf('b')}
	both := map[string]ed25519.PublicKey{"a": publicOf('a'), "b": publicOf('b')}
	mount("..1", a)
	path := filepath.Join(dir, "jwks.json")
	require.NoError(t, os.Symlink(filepath.Join("..data", "jwks.json"), path))

	synctest.Test(t, func(t *testing.T) {
		keys, err := token.OpenKeys(path)
		require.NoError(t, err)
		v := &token.Verifier{Keys: keys, Issuer: "accounts", Audience: "edge-arena"}
		valid := func(seed byte) bool {
			s, err := token.NewSigner(keyOf(seed), string(rune(seed)), "accounts")
			require.NoError(t, err)
			text, err := s.Sign(token.Player{Subject: "me", Role: "player"}, "edge-arena", time.Now(), time.Now().Add(time.Hour))
			require.NoError(t, err)
			_, err = v.Verify(text)
			if err != nil {
				require.Equal(t, token.ErrKey, err)
			}
			return err == nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		var reports []error
		go keys.Watch(ctx, time.Second, func(err error) { reports = append(reports, err) })
		look := func(a, b bool) {
			t.Helper()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			require.Equal(t, a, valid('a'), "a")
			require.Equal(t, b, valid('b'), "b")
		}
		look(true, false)
		mount("..2", both)
		look(true, true)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "..2", "jwks.json"), []byte("{"), 0o600))
		look(true, true)
		mount("..3", nil)
		look(true, true)
		mount("..4", b)
		look(false, true)
		require.Len(t, reports, 4)
		require.NoError(t, reports[0])
		require.EqualError(t, reports[1], "player keys "+path+": parse key set: unexpected end of JSON input")
		require.True(t, errors.Is(reports[2], os.ErrNotExist))
		require.NoError(t, reports[3])
		cancel()
	})
}

func FuzzVerify(f *testing.F) {
	v := verifier(f, map[string]ed25519.PublicKey{"a": publicOf('a')})
	s, err := token.NewSigner(keyOf('a'), "a", "accounts")
	require.NoError(f, err)
	good, err := s.Sign(token.Player{Subject: "me", Role: "player"}, "edge-arena", now, now.Add(time.Minute))
	require.NoError(f, err)
	f.Add(good)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		// Base64 has several spellings of the same bytes, so another text may be the same token.
		if p, err := v.Verify(text); err == nil && p != (token.Player{Subject: "me", Role: "player"}) {
			t.Fatalf("a token that nobody signed is taken: %q", text)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	v := verifier(b, map[string]ed25519.PublicKey{"a": publicOf('a')})
	s, err := token.NewSigner(keyOf('a'), "a", "accounts")
	require.NoError(b, err)
	text, err := s.Sign(token.Player{Subject: "me", Role: "player"}, "edge-arena", now, now.Add(time.Minute))
	require.NoError(b, err)
	for b.Loop() {
		if _, err := v.Verify(text); err != nil {
			b.Fatal(err)
		}
	}
}
