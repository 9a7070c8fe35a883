package token

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("ab", 32)
	for name, c := range map[string]struct {
		in   string
		want Token
		err  string
	}{
		"whole":           {in: "K10" + hash + "::server:secret\n", want: Token{CAHash: hash, Secret: "secret"}},
		"without user":    {in: "K10" + hash + "::secret", want: Token{CAHash: hash, Secret: "secret"}},
		"colon in secret": {in: "K10" + hash + "::server:a:b", want: Token{CAHash: hash, Secret: "a:b"}},
		"bare secret":     {in: "secret", want: Token{Secret: "secret"}},
		"empty":           {in: " ", err: "token is required"},
		"no secret":       {in: "K10" + hash + "::server:", err: "no secret"},
		"no separator":    {in: "K10" + hash, err: `no "::"`},
		"bad hash":        {in: "K10abc::server:x", err: "not a SHA-256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(c.in)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestVerifyCA(t *testing.T) {
	t.Parallel()
	got, err := Parse(Format([]byte("ca"), "secret"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Secret != "secret" {
		t.Errorf("secret: got %q", got.Secret)
	}
	if err := got.VerifyCA([]byte("ca")); err != nil {
		t.Errorf("right CA: %v", err)
	}
	if err := got.VerifyCA([]byte("other")); err == nil || !strings.Contains(err.Error(), "does not match the server's CA") {
		t.Errorf("other CA: got %v", err)
	}
	if err := (Token{Secret: "secret"}).VerifyCA([]byte("any")); err != nil {
		t.Errorf("bare secret: %v", err)
	}
}
