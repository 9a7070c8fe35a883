package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// wasmApp is the name of the battle service's Deployment and the label `app` of its pods; the others are those beside it.
const (
	wasmApp    = "real-time-battle"
	nativeApp  = "real-time-battle-native"
	hostedApp  = "real-time-battle-wazero"
	densityApp = "real-time-battle-density"
	// densityNativeApp is the native server beside it.
	densityNativeApp = "real-time-battle-density-native"
)

// patience is how long pods may take to come or go, patienceEach how much longer for each of many.
const (
	patience     = 2 * time.Minute
	patienceEach = 500 * time.Millisecond
)

// cluster is the city's Kubernetes.
type cluster struct {
	client    kubernetes.Interface
	namespace string
	// replicas is how many battle pods the stack says there are.
	replicas int32
}

func openCluster(kubeconfig []byte, namespace string, replicas int) (*cluster, error) {
	rc, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(rc)
	if err != nil {
		return nil, fmt.Errorf("open cluster: %w", err)
	}
	return &cluster{client: client, namespace: namespace, replicas: int32(replicas)}, nil
}

func (c *cluster) deployment(ctx context.Context) (*appsv1.Deployment, error) {
	d, err := c.client.AppsV1().Deployments(c.namespace).Get(ctx, wasmApp, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("get deployment %s: %w", wasmApp, err)
	}
	return d, nil
}

// scale gives the battle service n pods, and waits until there are as many. It does so in Pulumi's name: a change in any other
// would leave the field to that one, and the next pulumi up that changes it would end in a conflict.
func (c *cluster) scale(ctx context.Context, n int32) error {
	d, err := c.deployment(ctx)
	if err != nil {
		return err
	}
	apply, manager, err := asApplied(d)
	if err != nil {
		return fmt.Errorf("scale %s: %w", wasmApp, err)
	}
	apply.Spec.WithReplicas(n)
	_, err = c.client.AppsV1().Deployments(c.namespace).Apply(ctx, apply, metav1.ApplyOptions{FieldManager: manager, Force: true})
	if err != nil {
		return fmt.Errorf("scale %s to %d: %w", wasmApp, n, err)
	}
	return c.waitPods(ctx, wasmApp, int(n), patience)
}

// asApplied is a Deployment as Pulumi applied it, and the name under which it did.
func asApplied(d *appsv1.Deployment) (*applyappsv1.DeploymentApplyConfiguration, string, error) {
	manager, err := pulumiManager(d)
	if err != nil {
		return nil, "", err
	}
	apply, err := applyappsv1.ExtractDeployment(d, manager)
	if err != nil {
		return nil, "", fmt.Errorf("read what %s applied: %w", manager, err)
	}
	if apply.Spec == nil || apply.Spec.Template == nil || apply.Spec.Template.Spec == nil {
		return nil, "", fmt.Errorf("%s does not manage the pods of %s", manager, d.Name)
	}
	return apply, manager, nil
}

// pulumiManager is the name under which Pulumi applied an object.
func pulumiManager(o metav1.Object) (string, error) {
	for _, f := range o.GetManagedFields() {
		if f.Operation == metav1.ManagedFieldsOperationApply && strings.HasPrefix(f.Manager, "pulumi-kubernetes") {
			return f.Manager, nil
		}
	}
	return "", fmt.Errorf("%s was not applied by Pulumi", o.GetName())
}

// waitPods waits until an app has n pods, all of them ready.
func (c *cluster) waitPods(ctx context.Context, app string, n int, patience time.Duration) error {
	var all, ready int
	err := wait.PollUntilContextTimeout(ctx, 250*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		pods, err := c.client.CoreV1().Pods(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
		if err != nil {
			return false, err
		}
		all, ready = len(pods.Items), 0
		for i := range pods.Items {
			if isReady(&pods.Items[i]) {
				ready++
			}
		}
		return all == n && ready == n, nil
	})
	if err != nil {
		return fmt.Errorf("wait for %d ready pods of %s: there are %d, %d of them ready: %w", n, app, all, ready, err)
	}
	return nil
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}

// uids are those of an app's pods.
func (c *cluster) uids(ctx context.Context, app string) ([]string, error) {
	pods, err := c.client.CoreV1().Pods(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
	if err != nil {
		return nil, fmt.Errorf("list pods of %s: %w", app, err)
	}
	if len(pods.Items) == 0 {
		return nil, errors.New("there are no pods of " + app)
	}
	var uids []string
	for i := range pods.Items {
		uids = append(uids, string(pods.Items[i].UID))
	}
	return uids, nil
}

// pause waits, so that what has just started or ended is done with it.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// image is what the battle pods run.
func (c *cluster) image(ctx context.Context) (string, error) {
	d, err := c.deployment(ctx)
	if err != nil {
		return "", err
	}
	if len(d.Spec.Template.Spec.Containers) != 1 {
		return "", fmt.Errorf("deployment %s: has %d containers, want 1", d.Name, len(d.Spec.Template.Spec.Containers))
	}
	return d.Spec.Template.Spec.Containers[0].Image, nil
}
