package server

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

// watchNodes gives the server's own node the roles that a kubelet may not give itself, and frees the names of deleted nodes.
func watchNodes(ctx context.Context, client kubernetes.Interface, cfg *config.Config, passwords nodePasswords) error {
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Core().V1().Nodes().Informer()
	label := func(obj any) {
		if node, ok := obj.(*corev1.Node); ok && node.Name == cfg.NodeName {
			if err := labelServer(ctx, client, cfg, node); err != nil {
				klog.ErrorS(err, "Cannot label the server's node")
			}
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    label,
		UpdateFunc: func(_, obj any) { label(obj) },
		DeleteFunc: func(obj any) {
			if last, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = last.Obj
			}
			if node, ok := obj.(*corev1.Node); ok {
				if err := passwords.Forget(ctx, node.Name); err != nil {
					klog.ErrorS(err, "Cannot free the name of a deleted node", "node", node.Name)
				}
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watch nodes: %w", err)
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	return ctx.Err()
}

func labelServer(ctx context.Context, client kubernetes.Interface, cfg *config.Config, node *corev1.Node) error {
	labels := map[string]string{
		"node-role.kubernetes.io/control-plane": "true",
		"node-role.kubernetes.io/master":        "true",
	}
	annotations := map[string]string{"k3s.io/stand-in": "true", "k3s.io/internal-ip": cfg.NodeIP}
	if len(cfg.NodeExternalIPs) > 0 {
		annotations["k3s.io/external-ip"] = strings.Join(cfg.NodeExternalIPs, ",")
	}
	if holds(node.Labels, labels) && holds(node.Annotations, annotations) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels, "annotations": annotations}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "k3s"})
	return err
}

func holds(have, want map[string]string) bool {
	for key, value := range want {
		if have[key] != value {
			return false
		}
	}
	return true
}
