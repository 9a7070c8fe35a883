// Package token reads and writes node tokens, K10<sha256 of the server's CA>::<user>:<secret>: by the first part a node knows
// the server, by the second the server knows the node.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const prefix = "K10"

// Token is what a node joins with. A bare secret has no CAHash: whoever uses one trusts the server on first sight.
type Token struct {
	CAHash string
	Secret string
}

// Parse reads a whole token or a bare secret.
func Parse(s string) (Token, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Token{}, errors.New("token is required")
	}
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return Token{Secret: s}, nil
	}
	hash, credentials, ok := strings.Cut(rest, "::")
	if !ok {
		return Token{}, errors.New("invalid token: no \"::\" after the CA hash")
	}
	if raw, err := hex.DecodeString(hash); err != nil || len(raw) != sha256.Size {
		return Token{}, errors.New("invalid token: the CA hash is not a SHA-256")
	}
	if _, secret, ok := strings.Cut(credentials, ":"); ok {
		credentials = secret
	}
	if credentials == "" {
		return Token{}, errors.New("invalid token: no secret")
	}
	return Token{CAHash: hash, Secret: credentials}, nil
}

// Format writes the token that a node of the server with this CA joins with.
func Format(ca []byte, secret string) string {
	return prefix + hash(ca) + "::server:" + secret
}

// VerifyCA tells whether the CA is the one that the token speaks of.
func (t Token) VerifyCA(ca []byte) error {
	if got := hash(ca); t.CAHash != "" && got != t.CAHash {
		return fmt.Errorf("token CA hash does not match the server's CA: %s != %s", t.CAHash, got)
	}
	return nil
}

// NewSecret makes a random secret.
func NewSecret() (string, error) {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("make secret: %w", err)
	}
	return hex.EncodeToString(raw), nil
}

func hash(ca []byte) string {
	sum := sha256.Sum256(ca)
	return hex.EncodeToString(sum[:])
}
