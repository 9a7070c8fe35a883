package bench

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// webhookName is the configuration that gives battle pods their ports; nativeWebhook the one for native pods. It lives as long as they do.
const (
	webhookName   = "real-time-battle-ports"
	nativeWebhook = "real-time-battle-native-ports"
)

// handlerAnnotation has crun run a container as Wasm.
const handlerAnnotation = "run.oci.handler"

// nativeDeployment is the battle service's Deployment with the server as a native container: all else, limits and confinement
// included, is the same. Its labels are others, so that nothing which selects battle pods selects these.
func nativeDeployment(wasm *appsv1.Deployment, image string) (*appsv1.Deployment, error) {
	pod := wasm.Spec.Template.DeepCopy()
	if len(pod.Spec.Containers) != 1 {
		return nil, fmt.Errorf("deployment %s: has %d containers, want 1", wasm.Name, len(pod.Spec.Containers))
	}
	for key, value := range pod.Labels {
		if value == wasmApp {
			pod.Labels[key] = nativeApp
		}
	}
	delete(pod.Annotations, handlerAnnotation)
	pod.Spec.RuntimeClassName = nil
	// They name the Wasm pods, and mean nothing on one node.
	pod.Spec.TopologySpreadConstraints = nil
	pod.Spec.Containers[0].Image = image
	pod.Spec.Containers[0].ImagePullPolicy = "Never"
	none := int32(0)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: nativeApp, Namespace: wasm.Namespace, Labels: map[string]string{"app": nativeApp}},
		Spec: appsv1.DeploymentSpec{
			Replicas: &none,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": nativeApp}},
			Template: *pod,
		},
	}, nil
}

// makeNative makes the native Deployment, without pods, and has the port allocator asked for their ports.
func (c *cluster) makeNative(ctx context.Context, image string) error {
	if err := c.removeNative(ctx); err != nil {
		return err
	}
	wasm, err := c.deployment(ctx)
	if err != nil {
		return err
	}
	native, err := nativeDeployment(wasm, image)
	if err != nil {
		return err
	}
	webhooks := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	hook, err := webhooks.Get(ctx, webhookName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get webhook %s: %w", webhookName, err)
	}
	hook.ObjectMeta = metav1.ObjectMeta{Name: nativeWebhook, Labels: map[string]string{"app": nativeApp}}
	for i := range hook.Webhooks {
		hook.Webhooks[i].ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": nativeApp}}
	}
	if _, err := webhooks.Create(ctx, hook, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("make webhook %s: %w", nativeWebhook, err)
	}
	if _, err := c.client.AppsV1().Deployments(c.namespace).Create(ctx, native, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("make deployment %s: %w", nativeApp, err)
	}
	return nil
}

// scaleNative gives the native Deployment n pods, and waits until there are as many.
func (c *cluster) scaleNative(ctx context.Context, n int32) error {
	// A patch, for the Deployment's controller writes to it as well.
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n)
	_, err := c.client.AppsV1().Deployments(c.namespace).Patch(ctx, nativeApp, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("scale %s to %d: %w", nativeApp, n, err)
	}
	return c.waitPods(ctx, nativeApp, int(n))
}

// removeNative removes the native Deployment and its webhook, where they are, with the pods. A run that was killed may have left them.
func (c *cluster) removeNative(ctx context.Context) error {
	foreground := metav1.DeletePropagationForeground
	err := c.client.AppsV1().Deployments(c.namespace).Delete(ctx, nativeApp, metav1.DeleteOptions{PropagationPolicy: &foreground})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("remove deployment %s: %w", nativeApp, err)
	}
	if err := c.waitPods(ctx, nativeApp, 0); err != nil {
		return err
	}
	// The API server goes on calling a webhook for a moment after it is gone: that is why the pods go first.
	err = c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(ctx, nativeWebhook, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("remove webhook %s: %w", nativeWebhook, err)
	}
	return nil
}

// restore leaves the city as the stack describes it.
func (c *cluster) restore(ctx context.Context) error {
	return errors.Join(c.removeNative(ctx), c.scale(ctx, c.replicas))
}
