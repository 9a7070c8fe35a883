// Package pseudonym gives players the names that the city knows them by.
//
// A player's subject in the token may be an account or an address. It goes no further than here: battles, tickets, policy, results and
// logs know the pseudonym, which nobody without the key can lead back to the subject, or tell from another city's.
package pseudonym

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// keySize is the length of a key in bytes.
const keySize = 32

// Key makes pseudonyms. It is for any number of goroutines.
type Key struct{ secret []byte }

// ParseKey reads 64 hexadecimal digits. An error does not quote them.
func ParseKey(text string) (*Key, error) {
	secret, err := hex.DecodeString(text)
	if err != nil || len(secret) != keySize {
		return nil, errors.New("pseudonym key must have 64 hexadecimal digits")
	}
	return &Key{secret: secret}, nil
}

// Of returns the pseudonym of a token's subject: the first half of its HMAC-SHA256.
func (k *Key) Of(subject string) ticket.ID {
	mac := hmac.New(sha256.New, k.secret)
	_, _ = mac.Write([]byte(subject)) // a hash does not fail
	return ticket.ID(mac.Sum(nil)[:len(ticket.ID{})])
}
