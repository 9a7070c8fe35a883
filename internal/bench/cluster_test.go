package bench

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func wasmDeployment() *appsv1.Deployment {
	class := "wasmedge"
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: wasmApp, Namespace: "battle"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": wasmApp}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      map[string]string{"app": wasmApp, "app.kubernetes.io/name": wasmApp, "app.kubernetes.io/part-of": "edge-arena"},
					Annotations: map[string]string{handlerAnnotation: "wasm"},
				},
				Spec: corev1.PodSpec{
					RuntimeClassName: &class, HostNetwork: true,
					TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{MaxSkew: 1}},
					Containers:                []corev1.Container{{Name: wasmApp, Image: "wasm@sha256:1", Env: []corev1.EnvVar{{Name: "TICK_RATE", Value: "120"}}}},
				},
			},
		},
	}
}

func TestNativeDeploymentDiffersInItsServerAlone(t *testing.T) {
	t.Parallel()
	wasm := wasmDeployment()
	native, err := nativeVariant(nativeApp, "native@sha256:2").deploymentOf(wasm)
	require.NoError(t, err)
	require.Equal(t, wasmDeployment(), wasm, "the live one is not touched")
	require.Equal(t, corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{"app": nativeApp, "app.kubernetes.io/name": nativeApp, "app.kubernetes.io/part-of": "edge-arena"},
			Annotations: map[string]string{},
		},
		Spec: corev1.PodSpec{RuntimeClassName: wasm.Spec.Template.Spec.RuntimeClassName, HostNetwork: true, Containers: []corev1.Container{{
			Name: wasmApp, Image: "native@sha256:2", ImagePullPolicy: "Never", Env: []corev1.EnvVar{{Name: "TICK_RATE", Value: "120"}},
		}}},
	}, native.Spec.Template)
	require.Equal(t, map[string]string{"app": nativeApp}, native.Spec.Selector.MatchLabels)
	require.Zero(t, *native.Spec.Replicas)

	wasm.Spec.Template.Spec.Containers = nil
	_, err = variant{}.deploymentOf(wasm)
	require.EqualError(t, err, "deployment real-time-battle: has 0 containers, want 1")
}

func TestMakeAndRemoveNative(t *testing.T) {
	t.Parallel()
	hook := &admissionv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: webhookName, UID: "1"},
		Webhooks: []admissionv1.MutatingWebhook{{
			Name: "ports", ClientConfig: admissionv1.WebhookClientConfig{CABundle: []byte("ca")},
			ObjectSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": wasmApp}},
		}},
	}
	c := &cluster{client: fake.NewSimpleClientset(wasmDeployment(), hook), namespace: "battle"}
	ctx := context.Background()
	webhooks := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	// Twice: what a run that was killed has left behind is in nobody's way.
	for range 2 {
		require.NoError(t, c.make(ctx, nativeVariant(nativeApp, "native@sha256:2")))
		made, err := webhooks.Get(ctx, nativeWebhook, metav1.GetOptions{})
		require.NoError(t, err)
		require.Empty(t, made.UID)
		require.Equal(t, map[string]string{"app": nativeApp}, made.Webhooks[0].ObjectSelector.MatchLabels)
		require.Equal(t, []byte("ca"), made.Webhooks[0].ClientConfig.CABundle)
	}
	for range 2 {
		require.NoError(t, c.remove(ctx, nativeApp))
		_, err := webhooks.Get(ctx, nativeWebhook, metav1.GetOptions{})
		require.True(t, apierrors.IsNotFound(err))
		_, err = c.client.AppsV1().Deployments("battle").Get(ctx, nativeApp, metav1.GetOptions{})
		require.True(t, apierrors.IsNotFound(err))
	}
	live, err := webhooks.Get(ctx, webhookName, metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, hook.Webhooks, live.Webhooks)
}

func TestScaleIsPulumisAlone(t *testing.T) {
	t.Parallel()
	d := wasmDeployment()
	d.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: "pulumi-kubernetes-1", Operation: metav1.ManagedFieldsOperationUpdate}, {Manager: "k3s", Operation: metav1.ManagedFieldsOperationApply},
	}
	c := &cluster{client: fake.NewSimpleClientset(d), namespace: "battle"}
	require.EqualError(t, c.scale(context.Background(), 0), "scale real-time-battle: real-time-battle was not applied by Pulumi")
	d.ManagedFields = append(d.ManagedFields, metav1.ManagedFieldsEntry{Manager: "pulumi-kubernetes-2", Operation: metav1.ManagedFieldsOperationApply})
	manager, err := pulumiManager(d)
	require.NoError(t, err)
	require.Equal(t, "pulumi-kubernetes-2", manager)
}
