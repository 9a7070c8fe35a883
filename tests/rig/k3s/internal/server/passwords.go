package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// nodePasswords keeps the digest of each node's password in a Secret "<node>.node-password.k3s", where K3s keeps it. The password
// is random and long, so a plain digest tells nothing.
type nodePasswords struct{ client kubernetes.Interface }

const passwordKey = "hash"

// Check accepts the first password that comes with a node's name, and afterwards that one alone.
func (n nodePasswords) Check(ctx context.Context, node, password string) error {
	if password == "" {
		return errWrongPassword
	}
	sum := sha256.Sum256([]byte(password))
	digest := []byte(hex.EncodeToString(sum[:]))
	secrets := n.client.CoreV1().Secrets(metav1.NamespaceSystem)
	name := passwordSecret(node)
	known, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Data:       map[string][]byte{passwordKey: digest},
		}, metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("keep node password: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up node password: %w", err)
	}
	if subtle.ConstantTimeCompare(known.Data[passwordKey], digest) != 1 {
		return errWrongPassword
	}
	return nil
}

// Forget lets the name be taken anew, when its Node object is deleted.
func (n nodePasswords) Forget(ctx context.Context, node string) error {
	err := n.client.CoreV1().Secrets(metav1.NamespaceSystem).Delete(ctx, passwordSecret(node), metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("forget node password: %w", err)
	}
	return nil
}

func passwordSecret(node string) string { return node + ".node-password.k3s" }
