package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/edge-arena/edge-arena/internal/slo"
)

const (
	// deployment is the name of the battle pods' Deployment and of their container, and their label `app`.
	deployment = "real-time-battle"
	selector   = "app=" + deployment
	// fieldManager is whom the API server names as the one who changed what a gate changes.
	fieldManager = "edge-arena-gate"
)

// errNotReady is a wait for pods that was too long.
var errNotReady = errors.New("not ready in time")

// city is the battle service of the city that a gate is for.
type city struct {
	client kubernetes.Interface
	spec   Spec
	// poll is how often is looked for what is waited for, patience for how long.
	poll, patience time.Duration
}

func newCity(client kubernetes.Interface, spec Spec) *city {
	return &city{client: client, spec: spec, poll: time.Second, patience: 2*time.Minute + time.Duration(spec.Pods)*2*time.Second + spec.Drain}
}

// bring has the city run the image that is gated, for a gate before may have put it back to another, and waits for its pods.
func (c *city) bring(ctx context.Context, log io.Writer) error {
	d, err := c.find(ctx)
	if err != nil {
		return err
	}
	if now := imageOf(&d.Spec.Template); now != c.spec.Image {
		_, _ = fmt.Fprintf(log, "the battle pods were put back to image %s: rolling image %s out again\n", now, c.spec.Image)
		// With the image other fields of the template went back. Where nobody knows them any more, the image alone has to do.
		rs, err := c.replicaSet(ctx, d, c.spec.Image)
		if err != nil {
			return err
		}
		if rs == nil {
			err = c.setImage(ctx, c.spec.Image)
		} else {
			err = c.setTemplate(ctx, rs)
		}
		if err != nil {
			return err
		}
	}
	return c.await(ctx, c.spec.Image)
}

func (c *city) find(ctx context.Context) (*appsv1.Deployment, error) {
	d, err := c.client.AppsV1().Deployments(c.spec.Namespace).Get(ctx, deployment, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("find the battle pods' Deployment: %w", err)
	}
	return d, nil
}

// imageOf is what the battle container of a template runs.
func imageOf(t *corev1.PodTemplateSpec) string { return imageIn(t.Spec.Containers) }

func imageIn(containers []corev1.Container) string {
	for i := range containers {
		if containers[i].Name == deployment {
			return containers[i].Image
		}
	}
	return ""
}

// setImage has the Deployment run the image, and leaves everything else of its template.
func (c *city) setImage(ctx context.Context, image string) error {
	containers := []map[string]string{{"name": deployment, "image": image}}
	return c.patch(ctx, types.StrategicMergePatchType, map[string]any{
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": containers}}},
	})
}

// setTemplate has the Deployment run the template of the ReplicaSet, all of it, as `kubectl rollout undo` does.
func (c *city) setTemplate(ctx context.Context, rs *appsv1.ReplicaSet) error {
	template := rs.Spec.Template.DeepCopy()
	delete(template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	return c.patch(ctx, types.JSONPatchType, []map[string]any{{"op": "replace", "path": "/spec/template", "value": template}})
}

func (c *city) patch(ctx context.Context, kind types.PatchType, patch any) error {
	content, err := json.Marshal(patch)
	if err == nil {
		_, err = c.client.AppsV1().Deployments(c.spec.Namespace).Patch(ctx, deployment, kind, content, metav1.PatchOptions{FieldManager: fieldManager})
	}
	if err != nil {
		return fmt.Errorf("change the battle pods' Deployment: %w", err)
	}
	return nil
}

// await waits until all pods run the image and are ready, and no others are left. It looks past an error of the API server, which may be
// starting again; one that lasts is returned, and only where nothing but pods is missing the error is errNotReady.
func (c *city) await(ctx context.Context, image string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, errNotReady)
	defer cancel()
	var missing string
	var failed error
	for {
		now, err := c.missing(ctx, image)
		if err == nil && now == "" {
			return nil
		}
		if ctx.Err() == nil {
			// Else this error is no more than the end of the wait.
			missing, failed = now, err
		}
		select {
		case <-time.After(c.poll):
			continue
		case <-ctx.Done():
		}
		cause := context.Cause(ctx)
		switch {
		case !errors.Is(cause, errNotReady):
			return fmt.Errorf("wait for the battle pods: %w", cause)
		case failed != nil:
			return failed
		}
		return fmt.Errorf("%w, after %s: %s", errNotReady, c.patience, missing)
	}
}

// missing says what is missing until all pods run the image and no others are left; empty is nothing.
func (c *city) missing(ctx context.Context, image string) (string, error) {
	d, err := c.find(ctx)
	if err != nil {
		return "", err
	}
	pods, err := c.client.CoreV1().Pods(c.spec.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return "", fmt.Errorf("look at the battle pods: %w", err)
	}
	ready, others := 0, 0
	for i := range pods.Items {
		p := &pods.Items[i]
		switch {
		case p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed:
			// Ended: it takes nothing from the others.
		case p.DeletionTimestamp != nil || imageIn(p.Spec.Containers) != image:
			others++
		case slo.Ready(p):
			ready++
		}
	}
	if ready == c.spec.Pods && others == 0 && d.Status.ObservedGeneration >= d.Generation {
		return "", nil
	}
	return fmt.Sprintf("%d of %d battle pods are ready with %s, and %d others are there", ready, c.spec.Pods, image, others), nil
}
