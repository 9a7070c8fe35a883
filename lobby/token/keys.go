package token

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// maxKeys bounds the file: a key is some 150 bytes.
const maxKeys = 64 << 10

// keySet are public keys by their kid.
type keySet map[string]ed25519.PublicKey

// Keys are the public keys of a JWKS file, which may change while they are in use.
type Keys struct {
	path    string
	content []byte // of the file, as of the last look that could read it
	current atomic.Pointer[keySet]
}

// OpenKeys reads the file. [Keys.Watch] follows it from there.
func OpenKeys(path string) (*Keys, error) {
	k := &Keys{path: path}
	if _, err := k.reload(); err != nil {
		return nil, err
	}
	return k, nil
}

// Watch looks at the file at intervals until ctx ends and takes up what has changed. The file is read by its content rather than by events: a
// Secret's volume swaps a link to its folder, which an event on the file does not show. A file that cannot be read or is no key set changes
// nothing. Each change is reported once: nil, or why it is not taken.
func (k *Keys) Watch(ctx context.Context, every time.Duration, report func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	missing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		changed, err := k.reload()
		unread := err != nil && !changed
		if changed || (unread && !missing) {
			report(err)
		}
		missing = unread
	}
}

// reload takes up the file if its content is another than before.
func (k *Keys) reload() (changed bool, err error) {
	content, err := readFile(k.path)
	if err != nil {
		return false, fmt.Errorf("read player keys: %w", err)
	}
	if k.content != nil && bytes.Equal(content, k.content) {
		return false, nil
	}
	k.content = content
	set, err := parseKeys(content)
	if err != nil {
		return true, fmt.Errorf("player keys %s: %w", k.path, err)
	}
	k.current.Store(&set)
	return true, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxKeys+1))
	return content, errors.Join(err, f.Close())
}

func (k *Keys) find(kid string) (ed25519.PublicKey, bool) {
	key, ok := (*k.current.Load())[kid]
	return key, ok
}

// parseKeys is strict: a key that is not as we want it would be one that somebody counts on.
func parseKeys(content []byte) (keySet, error) {
	if len(content) > maxKeys {
		return nil, fmt.Errorf("more than %d bytes", maxKeys)
	}
	var jwks struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(content, &jwks); err != nil {
		return nil, fmt.Errorf("parse key set: %w", err)
	}
	if len(jwks.Keys) == 0 {
		return nil, errors.New("no key")
	}
	set := keySet{}
	for i, raw := range jwks.Keys {
		var jwk jose.JSONWebKey
		if err := json.Unmarshal(raw, &jwk); err != nil {
			return nil, fmt.Errorf("keys[%d]: %w", i, err)
		}
		public, ok := jwk.Key.(ed25519.PublicKey)
		switch {
		case !jwk.IsPublic():
			return nil, fmt.Errorf("keys[%d]: not a public key", i)
		case !ok, jwk.Algorithm != "" && jwk.Algorithm != string(jose.EdDSA), jwk.Use != "" && jwk.Use != "sig":
			return nil, fmt.Errorf("keys[%d]: not an Ed25519 key for signatures", i)
		case jwk.KeyID == "":
			return nil, fmt.Errorf("keys[%d]: no kid", i)
		case set[jwk.KeyID] != nil:
			return nil, fmt.Errorf("keys[%d]: kid of another key", i)
		}
		set[jwk.KeyID] = public
	}
	return set, nil
}

// MarshalKeys writes public keys by their kid as a JWKS file.
func MarshalKeys(keys map[string]ed25519.PublicKey) ([]byte, error) {
	var jwks jose.JSONWebKeySet
	for _, kid := range slices.Sorted(maps.Keys(keys)) {
		key := keys[kid]
		jwks.Keys = append(jwks.Keys, jose.JSONWebKey{Key: key, KeyID: kid, Algorithm: string(jose.EdDSA), Use: "sig"})
	}
	content, err := json.Marshal(jwks)
	if err != nil {
		return nil, fmt.Errorf("write key set: %w", err)
	}
	return content, nil
}
