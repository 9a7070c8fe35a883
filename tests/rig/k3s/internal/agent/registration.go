package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

// nodeClient acts as this node's kubelet.
func (n *Node) nodeClient() (kubernetes.Interface, error) {
	rest, err := clientcmd.BuildConfigFromFlags("", n.kubeletConf)
	if err != nil {
		return nil, fmt.Errorf("load kubelet's kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return nil, fmt.Errorf("make node client: %w", err)
	}
	return client, nil
}

// awaitRegistration waits until the kubelet has made this node known.
func (n *Node) awaitRegistration(ctx context.Context) error {
	client, err := n.nodeClient()
	if err != nil {
		return err
	}
	for {
		_, err := client.CoreV1().Nodes().Get(ctx, n.cfg.NodeName, metav1.GetOptions{})
		if err == nil && n.kubeletHealthy(ctx) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (n *Node) kubeletHealthy(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:10248/healthz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// announceExternal tells the server the node's external addresses, or that it has none any more, once the node is known.
func (n *Node) announceExternal(ctx context.Context) error {
	if err := n.awaitRegistration(ctx); err != nil {
		return err
	}
	client, err := n.nodeClient()
	if err != nil {
		return err
	}
	var value any
	if len(n.cfg.NodeExternalIPs) > 0 {
		value = strings.Join(n.cfg.NodeExternalIPs, ",")
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{config.ExternalIPAnnotation: value}}})
	if err != nil {
		return err
	}
	if _, err := client.CoreV1().Nodes().Patch(ctx, n.cfg.NodeName, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("announce the node's external addresses: %w", err)
	}
	<-ctx.Done()
	return ctx.Err()
}
