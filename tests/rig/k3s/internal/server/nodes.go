package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

const retryNodes = time.Second

// nodeKeeper gives nodes their pod networks and external addresses, and the server's own node the roles that a kubelet may not give
// itself; it frees the names of deleted nodes.
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
		if err := k.sync(ctx, nodes.Lister()); err != nil && ctx.Err() == nil {
			klog.ErrorS(err, "Cannot bring all nodes up to date, will try again")
			time.AfterFunc(retryNodes, wake)
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
		problems = append(problems, k.node(ctx, node))
	}
	return errors.Join(problems...)
}

func (k *nodeKeeper) node(ctx context.Context, node *corev1.Node) error {
	// An earlier state of the node must not be brought back: taints and addresses are lists, and replaced as a whole.
	metadata := map[string]any{"resourceVersion": node.ResourceVersion}
	if addresses, differs := withExternal(node); differs {
		return k.patch(ctx, node, map[string]any{"metadata": metadata, "status": map[string]any{"addresses": addresses}}, "status")
	}
	spec := map[string]any{}
	if taints, waited := initialized(node); waited {
		spec["taints"] = taints
	}
	if node.Spec.PodCIDR == "" {
		if k.given[node.Name] == "" {
			cidr, err := k.networks.next(slices.Collect(maps.Values(k.given)))
			if err != nil {
				return err
			}
			k.given[node.Name] = cidr
		}
		cidr := k.given[node.Name]
		spec["podCIDR"], spec["podCIDRs"] = cidr, []string{cidr}
	}
	var labels map[string]string
	if node.Name == k.cfg.NodeName {
		labels = roles(node)
	}
	if len(spec) == 0 && labels == nil {
		return nil
	}
	if labels != nil {
		metadata["labels"] = labels
	}
	return k.patch(ctx, node, map[string]any{"metadata": metadata, "spec": spec})
}

// patch changes the node. One that has changed meanwhile is left alone: that change brings it here again.
func (k *nodeKeeper) patch(ctx context.Context, node *corev1.Node, patch map[string]any, subresources ...string) error {
	data, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = k.client.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, data, metav1.PatchOptions{FieldManager: "k3s"}, subresources...)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// roles are the labels that the server's node lacks, or nil.
func roles(node *corev1.Node) map[string]string {
	labels := map[string]string{
		"node-role.kubernetes.io/control-plane": "true",
		"node-role.kubernetes.io/master":        "true",
	}
	if holds(node.Labels, labels) {
		return nil
	}
	return labels
}

func holds(have, want map[string]string) bool {
	for key, value := range want {
		if have[key] != value {
			return false
		}
	}
	return true
}
