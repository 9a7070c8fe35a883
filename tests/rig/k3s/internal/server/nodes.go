package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

// nodeKeeper gives nodes their pod networks, and the server's own node the roles that a kubelet may not give itself; it frees the
// names of deleted nodes.
type nodeKeeper struct {
	cfg       *config.Config
	client    kubernetes.Interface
	passwords nodePasswords
	networks  podNetworks
	// given is what was handed out, which the watch may not have seen yet.
	given map[string]string
}

func (k *nodeKeeper) run(ctx context.Context) error {
	factory := informers.NewSharedInformerFactory(k.client, 0)
	nodes := factory.Core().V1().Nodes()
	changed, deleted := make(chan struct{}, 1), make(chan string)
	wake := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	_, err := nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { wake() },
		UpdateFunc: func(any, any) { wake() },
		DeleteFunc: func(obj any) {
			select {
			case deleted <- nameOf(obj):
			case <-ctx.Done():
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watch nodes: %w", err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case name := <-deleted:
			delete(k.given, name)
			if err := k.passwords.Forget(ctx, name); err != nil {
				klog.ErrorS(err, "Cannot free the name of a deleted node", "node", name)
			}
			continue
		case <-changed:
		}
		// A change that fails, for the node has changed meanwhile, comes again with that change.
		if err := k.sync(ctx, nodes.Lister()); err != nil && ctx.Err() == nil {
			klog.ErrorS(err, "Cannot bring all nodes up to date")
		}
	}
}

// nameOf is the name of a node that a watch reports as deleted.
func nameOf(obj any) string {
	key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj)
	if err != nil {
		klog.ErrorS(err, "Cannot tell which node was deleted")
	}
	return key
}

func (k *nodeKeeper) sync(ctx context.Context, lister listers.NodeLister) error {
	nodes, err := lister.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if node.Spec.PodCIDR != "" {
			k.given[node.Name] = node.Spec.PodCIDR
		}
	}
	var problems []error
	for _, node := range nodes {
		patch := map[string]any{}
		if node.Name == k.cfg.NodeName {
			if roles := k.roles(node); roles != nil {
				patch["metadata"] = roles
			}
		}
		if node.Spec.PodCIDR == "" {
			if k.given[node.Name] == "" {
				if k.given[node.Name], err = k.networks.next(slices.Collect(maps.Values(k.given))); err != nil {
					delete(k.given, node.Name)
					problems = append(problems, err)
					continue
				}
			}
			cidr := k.given[node.Name]
			patch["spec"] = map[string]any{"podCIDR": cidr, "podCIDRs": []string{cidr}}
		}
		if len(patch) > 0 {
			problems = append(problems, k.patch(ctx, node, patch))
		}
	}
	return errors.Join(problems...)
}

func (k *nodeKeeper) patch(ctx context.Context, node *corev1.Node, patch map[string]any) error {
	data, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = k.client.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, data, metav1.PatchOptions{FieldManager: "k3s"})
	return err
}

// roles is what the server's node lacks of its metadata, or nil.
func (k *nodeKeeper) roles(node *corev1.Node) map[string]any {
	labels := map[string]string{
		"node-role.kubernetes.io/control-plane": "true",
		"node-role.kubernetes.io/master":        "true",
	}
	annotations := map[string]string{"k3s.io/stand-in": "true", "k3s.io/internal-ip": k.cfg.NodeIP}
	if len(k.cfg.NodeExternalIPs) > 0 {
		annotations["k3s.io/external-ip"] = strings.Join(k.cfg.NodeExternalIPs, ",")
	}
	if holds(node.Labels, labels) && holds(node.Annotations, annotations) {
		return nil
	}
	return map[string]any{"labels": labels, "annotations": annotations}
}

func holds(have, want map[string]string) bool {
	for key, value := range want {
		if have[key] != value {
			return false
		}
	}
	return true
}
