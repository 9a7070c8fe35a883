package bots

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/keyring"
)

// lifetime is how long a bot's ticket is good, and runTTL for how long it is believed that a pod has not been started anew.
const (
	lifetime = 15 * time.Second
	runTTL   = time.Second
)

// Office gives the tickets of one pod to bots that measure: for any room that is theirs, so no player is in their way.
type Office struct {
	keys    *keyring.Ring
	address string

	mu    sync.Mutex
	run   uint64
	until time.Time
}

// NewOffice returns the office of the pod at an address, `host:port`, that takes tickets sealed with these keys.
func NewOffice(keys *keyring.Ring, address string) *Office {
	return &Office{keys: keys, address: address}
}

// Ticket implements [Tickets].
func (o *Office) Ticket(ctx context.Context) ([ticket.Size]byte, error) {
	run, err := o.currentRun(ctx)
	if err != nil {
		return [ticket.Size]byte{}, fmt.Errorf("%w: %w", ErrNoTicket, err)
	}
	var random [24]byte
	if _, err := rand.Read(random[:]); err != nil {
		return [ticket.Size]byte{}, fmt.Errorf("make a ticket: %w", err)
	}
	t := ticket.Ticket{
		Pod: run, Room: ticket.AnyRoom, Player: ticket.ID(random[:16]), Serial: binary.LittleEndian.Uint64(random[16:]),
		Expires: time.Now().Add(lifetime).UnixMilli(),
	}
	return [ticket.Size]byte(o.keys.Seal(&t)), nil
}

// currentRun asks the pod for the number of its run.
func (o *Office) currentRun(ctx context.Context) (uint64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Now().Before(o.until) {
		return o.run, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	run, err := client.Run(ctx, o.address)
	if err != nil {
		return 0, err
	}
	o.run, o.until = run, time.Now().Add(runTTL)
	return run, nil
}
