// Package keyring is the city's ticket keys for a service of many goroutines: [ticket.Keys] are for one.
package keyring

import (
	"sync"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// Ring seals tickets and checks what battle pods say.
type Ring struct {
	mu   sync.Mutex
	keys *ticket.Keys
}

// Parse reads keys as [ticket.ParseKeys] does.
func Parse(text string) (*Ring, error) {
	keys, err := ticket.ParseKeys(text)
	if err != nil {
		return nil, err
	}
	return &Ring{keys: keys}, nil
}

// Seal returns the sealed ticket.
func (r *Ring) Seal(t *ticket.Ticket) []byte {
	b := make([]byte, 0, ticket.Size)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys.Seal(b, t)
}

// Verify says whether a battle pod of this city wrote the message.
func (r *Ring) Verify(mac string, message []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys.Verify(mac, message)
}
