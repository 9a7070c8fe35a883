package slo

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/internal/bots"
	"github.com/edge-arena/edge-arena/lobby/keyring"
)

// The Secret beside the battle pods, and the key of the ticket keys in it.
const (
	credentials   = "battle-credentials"
	ticketKeysKey = "TICKET_KEYS"
)

// ticketKeys reads the city's ticket keys: whoever may read its Secrets may measure it.
func ticketKeys(ctx context.Context, kube kubernetes.Interface, namespace string) (*keyring.Ring, error) {
	secret, err := kube.CoreV1().Secrets(namespace).Get(ctx, credentials, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the ticket keys: %w", err)
	}
	keys, err := keyring.Parse(string(secret.Data[ticketKeysKey]))
	if err != nil {
		return nil, fmt.Errorf("read the ticket keys: secret %s/%s: %s: %w", namespace, credentials, ticketKeysKey, err)
	}
	return keys, nil
}

// lifetime is how long a bot's ticket is good, and runTTL for how long it is believed that a pod has not been started anew.
const (
	lifetime = 15 * time.Second
	runTTL   = time.Second
)

// office gives the tickets of one pod to bots that measure: for any room that is theirs, so no player is in their way.
type office struct {
	keys    *keyring.Ring
	address string

	mu    sync.Mutex
	run   uint64
	until time.Time
}

// Ticket implements [bots.Tickets].
func (o *office) Ticket(ctx context.Context) ([ticket.Size]byte, error) {
	run, err := o.currentRun(ctx)
	if err != nil {
		return [ticket.Size]byte{}, fmt.Errorf("%w: %w", bots.ErrNoTicket, err)
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
func (o *office) currentRun(ctx context.Context) (uint64, error) {
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
