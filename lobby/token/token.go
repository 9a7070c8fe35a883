// Package token checks the tokens that players carry, and signs such tokens.
//
// A token is a JWT signed with Ed25519 by whoever knows the player's account. The lobby knows the public keys from a JWKS file that holds the old
// key beside the new one while tokens of both are about, see [OpenKeys].
package token

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// leeway is by how much the clock of who signed may differ from ours.
const leeway = 30 * time.Second

// The bounds of what is looked at: a token is some 300 bytes.
const (
	maxToken   = 4 << 10
	maxSubject = 256
	maxRole    = 64
)

// The reasons for which a token is not taken. [Verifier.Verify] returns them unwrapped, and never quotes the token.
var (
	ErrFormat    = errors.New("token is not a JWT signed with EdDSA")
	ErrKey       = errors.New("token is signed with an unknown key")
	ErrSignature = errors.New("token is forged or altered")
	ErrIssuer    = errors.New("token has another issuer")
	ErrAudience  = errors.New("token is for another audience")
	ErrExpired   = errors.New("token has expired")
	ErrNotYet    = errors.New("token is not valid yet")
	ErrClaims    = errors.New("token lacks sub, role or exp")
)

// Player is who carries a token.
type Player struct {
	// Subject is the account. It is for making the player's pseudonym of, and for nothing else.
	Subject string
	// Role is what the player is to the policy, such as `player`.
	Role string
}

// Verifier checks tokens. It is for any number of goroutines.
type Verifier struct {
	// Keys are the keys that count.
	Keys *Keys
	// Issuer and Audience are what the token must name. Required.
	Issuer, Audience string
	// Now tells the time. Default is [time.Now].
	Now func() time.Time
}

// role is the claim that is ours.
type role struct {
	Role string `json:"role"`
}

// Verify says who carries the token.
func (v *Verifier) Verify(text string) (Player, error) {
	if len(text) > maxToken {
		return Player{}, ErrFormat
	}
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(parsed.Headers) != 1 {
		return Player{}, ErrFormat
	}
	key, ok := v.Keys.find(parsed.Headers[0].KeyID)
	if !ok {
		return Player{}, ErrKey
	}
	var claims jwt.Claims
	var ours role
	if err := parsed.Claims(key, &claims, &ours); errors.Is(err, jose.ErrCryptoFailure) {
		return Player{}, ErrSignature
	} else if err != nil {
		return Player{}, ErrClaims
	}
	if claims.Expiry == nil || claims.Subject == "" || len(claims.Subject) > maxSubject || ours.Role == "" || len(ours.Role) > maxRole {
		return Player{}, ErrClaims
	}
	now := time.Now
	if v.Now != nil {
		now = v.Now
	}
	err = claims.ValidateWithLeeway(jwt.Expected{Issuer: v.Issuer, AnyAudience: jwt.Audience{v.Audience}, Time: now()}, leeway)
	if err != nil {
		return Player{}, reason(err)
	}
	return Player{Subject: claims.Subject, Role: ours.Role}, nil
}

func reason(err error) error {
	switch {
	case errors.Is(err, jwt.ErrInvalidIssuer):
		return ErrIssuer
	case errors.Is(err, jwt.ErrInvalidAudience):
		return ErrAudience
	case errors.Is(err, jwt.ErrExpired):
		return ErrExpired
	default: // nbf or iat
		return ErrNotYet
	}
}

// Signer makes tokens: for tests, and for an operator who tries the city out.
type Signer struct {
	signer jose.Signer
	issuer string
}

// NewSigner returns a signer with the key of that number in the key set.
func NewSigner(key ed25519.PrivateKey, kid, issuer string) (*Signer, error) {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("make token signer: %w", err)
	}
	return &Signer{signer: s, issuer: issuer}, nil
}

// Sign makes a token that is valid from one time to another.
func (s *Signer) Sign(p Player, audience string, from, to time.Time) (string, error) {
	text, err := jwt.Signed(s.signer).Claims(jwt.Claims{
		Issuer: s.issuer, Subject: p.Subject, Audience: jwt.Audience{audience}, NotBefore: jwt.NewNumericDate(from), Expiry: jwt.NewNumericDate(to),
	}).Claims(role{Role: p.Role}).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text, nil
}
