package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// webhookName is the configuration that gives battle pods their ports; nativeWebhook that for native pods. It lives as long as they do.
const (
	webhookName   = "real-time-battle-ports"
	nativeWebhook = nativeApp + portsSuffix
	portsSuffix   = "-ports"
)

// removal is how long pods beside the battle service may take to go: there may be hundreds.
const removal = 10 * time.Minute

// variant is a Deployment beside the battle service's, which is the same but in what it changes. Its labels are others, so that nothing which selects
// battle pods selects its pods.
type variant struct {
	app    string
	change func(*corev1.PodTemplateSpec)
}

// variants are all that a run may have left behind.
func variants() []string { return []string{nativeApp, hostedApp, densityApp, densityNativeApp} }

// handlerAnnotation has crun run a container as Wasm, and shimAnnotation has pods share a shim.
const (
	handlerAnnotation = "run.oci.handler"
	shimAnnotation    = "io.containerd.runc.v2.group"
)

// nativeVariant is the server as a native container of an image: all else, limits and confinement included, is the same. So is the RuntimeClass, for the city's policies let no
// other pod into its namespace: its crun runs what is not said to be Wasm as any OCI runtime does, and has no part in what is running. Its pods have a shim each, as containers
// have unless they are told otherwise.
func nativeVariant(app, image string) variant {
	return variant{app: app, change: func(pod *corev1.PodTemplateSpec) {
		delete(pod.Annotations, handlerAnnotation)
		delete(pod.Annotations, shimAnnotation)
		pod.Spec.Containers[0].Image = image
		pod.Spec.Containers[0].ImagePullPolicy = "Never"
	}}
}

// deploymentOf is the variant's Deployment, without pods.
func (v variant) deploymentOf(wasm *appsv1.Deployment) (*appsv1.Deployment, error) {
	pod := wasm.Spec.Template.DeepCopy()
	if len(pod.Spec.Containers) != 1 {
		return nil, fmt.Errorf("deployment %s: has %d containers, want 1", wasm.Name, len(pod.Spec.Containers))
	}
	for key, value := range pod.Labels {
		if value == wasmApp {
			pod.Labels[key] = v.app
		}
	}
	// They name the battle service's pods, and mean nothing on one node.
	pod.Spec.TopologySpreadConstraints = nil
	v.change(pod)
	none := int32(0)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: v.app, Namespace: wasm.Namespace, Labels: map[string]string{"app": v.app}},
		Spec: appsv1.DeploymentSpec{
			Replicas: &none,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": v.app}},
			Template: *pod,
		},
	}, nil
}

// make makes a variant's Deployment, without pods, and has the port allocator asked for their ports.
func (c *cluster) make(ctx context.Context, v variant) error {
	if err := c.remove(ctx, v.app); err != nil {
		return err
	}
	wasm, err := c.deployment(ctx)
	if err != nil {
		return err
	}
	d, err := v.deploymentOf(wasm)
	if err != nil {
		return err
	}
	webhooks := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	hook, err := webhooks.Get(ctx, webhookName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get webhook %s: %w", webhookName, err)
	}
	hook.ObjectMeta = metav1.ObjectMeta{Name: v.app + portsSuffix, Labels: map[string]string{"app": v.app}}
	for i := range hook.Webhooks {
		hook.Webhooks[i].ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": v.app}}
	}
	if _, err := webhooks.Create(ctx, hook, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("make webhook %s: %w", hook.Name, err)
	}
	if _, err := c.client.AppsV1().Deployments(c.namespace).Create(ctx, d, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("make deployment %s: %w", v.app, err)
	}
	return nil
}

// scaleVariant gives a variant's Deployment n pods, and waits until there are as many.
func (c *cluster) scaleVariant(ctx context.Context, app string, n int32) error {
	within := patience
	if n == 0 {
		within = removal
	}
	return c.scaleVariantWithin(ctx, app, n, within)
}

// scaleVariantWithin is scaleVariant with a time that it may take.
func (c *cluster) scaleVariantWithin(ctx context.Context, app string, n int32, within time.Duration) error {
	// A patch, for the Deployment's controller writes to it as well.
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n)
	_, err := c.client.AppsV1().Deployments(c.namespace).Patch(ctx, app, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("scale %s to %d: %w", app, n, err)
	}
	return c.waitPods(ctx, app, int(n), within)
}

// remove removes a variant's Deployment and its webhook, where they are, with the pods. A run that was killed may have left them.
func (c *cluster) remove(ctx context.Context, app string) error {
	foreground := metav1.DeletePropagationForeground
	err := c.client.AppsV1().Deployments(c.namespace).Delete(ctx, app, metav1.DeleteOptions{PropagationPolicy: &foreground})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("remove deployment %s: %w", app, err)
	}
	if err := c.waitPods(ctx, app, 0, removal); err != nil {
		return err
	}
	// The API server goes on calling a webhook for a moment after it is gone: that is why the pods go first.
	err = c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(ctx, app+portsSuffix, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("remove webhook %s: %w", app+portsSuffix, err)
	}
	return nil
}

// restore leaves the city as the stack describes it.
func (c *cluster) restore(ctx context.Context) error {
	var errs []error
	for _, app := range variants() {
		errs = append(errs, c.remove(ctx, app))
	}
	return errors.Join(append(errs, c.scale(ctx, c.replicas))...)
}
