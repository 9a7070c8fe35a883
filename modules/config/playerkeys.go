package config

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// CheckPlayerKeys says all that is wrong with a JSON Web Key Set that players' tokens are to be verified by. What it lets pass is a set of
// Ed25519 public keys, each with a kid of its own. An error quotes nothing of a key but its kid: the file may hold a private one by mistake.
func CheckPlayerKeys(content []byte) error {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(content, &set); err != nil {
		return errors.New("it is not a JSON Web Key Set: an object with a list `keys` is wanted")
	}
	if len(set.Keys) == 0 {
		return errors.New("it has no keys, so nobody could play: put the public keys of whoever signs the players' tokens there")
	}
	var errs []error
	seen := map[string]bool{}
	for i, raw := range set.Keys {
		if err := checkPlayerKey(raw, seen); err != nil {
			errs = append(errs, fmt.Errorf("keys[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

func checkPlayerKey(raw json.RawMessage, seen map[string]bool) error {
	var key struct {
		Kid string           `json:"kid"`
		Kty string           `json:"kty"`
		Crv string           `json:"crv"`
		X   string           `json:"x"`
		Use string           `json:"use"`
		Alg string           `json:"alg"`
		D   *json.RawMessage `json:"d"`
	}
	if err := json.Unmarshal(raw, &key); err != nil {
		return errors.New("not a JSON Web Key")
	}
	if key.D != nil {
		return errors.New("it has a private part (d), with which anybody could sign tokens: replace the key pair and put the public part alone here")
	}
	if key.Kty != "OKP" || key.Crv != "Ed25519" {
		return fmt.Errorf("kty %q with crv %q: only Ed25519 (kty OKP, crv Ed25519) is taken", key.Kty, key.Crv)
	}
	if point, err := base64.RawURLEncoding.DecodeString(key.X); err != nil || len(point) != 32 {
		return errors.New("x is not a public key of 32 bytes in base64url")
	}
	switch {
	case key.Kid == "":
		return errors.New("kid is required: a token names its key by it")
	case seen[key.Kid]:
		return fmt.Errorf("kid %q is another key's too", key.Kid)
	case key.Use != "" && key.Use != "sig":
		return fmt.Errorf("use %q: a key that signs has sig", key.Use)
	case key.Alg != "" && key.Alg != "EdDSA":
		return fmt.Errorf("alg %q: only EdDSA is taken", key.Alg)
	}
	seen[key.Kid] = true
	return nil
}
