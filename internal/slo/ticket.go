package slo

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

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
