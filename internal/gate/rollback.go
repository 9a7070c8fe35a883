package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
)

const (
	// record is the name of the ConfigMap in the battle namespace that says what passed last.
	record = "slo-gate"
	// revision is the annotation by which a Deployment numbers its ReplicaSets.
	revision = "deployment.kubernetes.io/revision"
)

// remember records that what runs has passed: it is what a later rollback goes back to.
func (c *city) remember(ctx context.Context) error {
	d, err := c.find(ctx)
	if err != nil {
		return fmt.Errorf("record what passed: %w", err)
	}
	rs, err := c.replicaSet(ctx, d, c.spec.Image)
	if err != nil {
		return fmt.Errorf("record what passed: %w", err)
	}
	data := map[string]string{"image": c.spec.Image, "subject": c.spec.Subject, "time": time.Now().UTC().Format(time.RFC3339)}
	if rs != nil {
		// By name, too: a later one may run the same image with other settings, and miss.
		data["replicaSet"] = rs.Name
	}
	configMap := corev1apply.ConfigMap(record, c.spec.Namespace).WithData(data).WithLabels(map[string]string{
		"app.kubernetes.io/name": record, "app.kubernetes.io/component": record, "app.kubernetes.io/part-of": "edge-arena",
		"app.kubernetes.io/managed-by": fieldManager,
	})
	_, err = c.client.CoreV1().ConfigMaps(c.spec.Namespace).Apply(ctx, configMap, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	if err != nil {
		return fmt.Errorf("record what passed: %w", err)
	}
	return nil
}

// back puts the city back to what passed last and waits for its pods. The image is empty where nothing was changed.
func (c *city) back(ctx context.Context, log io.Writer) (image string, err error) {
	last, err := c.client.CoreV1().ConfigMaps(c.spec.Namespace).Get(ctx, record, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return "", fmt.Errorf("read what passed last: %w", err)
	}
	if err != nil || last.Data["image"] == "" {
		return "", errors.New("no image has passed here yet")
	}
	image = last.Data["image"]
	if image == c.spec.Image {
		return "", errors.New("the last image that passed here is this one")
	}
	d, err := c.find(ctx)
	if err != nil {
		return "", err
	}
	rs, err := c.recorded(ctx, d, image, last.Data["replicaSet"])
	if err != nil {
		return "", err
	}
	_, _ = fmt.Fprintf(log, "putting the battle pods back to the last image that passed here, %s\n", image)
	if err := c.setTemplate(ctx, rs); err != nil {
		return "", err
	}
	return image, c.await(ctx, image)
}

// recorded finds the ReplicaSet of the image that passed; without a name it is the newest one.
func (c *city) recorded(ctx context.Context, d *appsv1.Deployment, image, name string) (*appsv1.ReplicaSet, error) {
	sets, err := c.replicaSets(ctx, d, image)
	if err != nil {
		return nil, err
	}
	var found *appsv1.ReplicaSet
	if name == "" {
		found = newest(sets)
	}
	for i := range sets {
		if name != "" && sets[i].Name == name {
			found = &sets[i]
		}
	}
	if found == nil {
		return nil, fmt.Errorf("the cluster no longer knows how the battle pods ran with %s, which passed last: the ReplicaSet is gone", image)
	}
	return found, nil
}

// replicaSet finds the newest ReplicaSet of the Deployment that runs the image; nil where there is none.
func (c *city) replicaSet(ctx context.Context, d *appsv1.Deployment, image string) (*appsv1.ReplicaSet, error) {
	sets, err := c.replicaSets(ctx, d, image)
	return newest(sets), err
}

func (c *city) replicaSets(ctx context.Context, d *appsv1.Deployment, image string) ([]appsv1.ReplicaSet, error) {
	all, err := c.client.AppsV1().ReplicaSets(c.spec.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("find the ReplicaSets of image %s: %w", image, err)
	}
	var sets []appsv1.ReplicaSet
	for _, rs := range all.Items {
		if metav1.IsControlledBy(&rs, d) && imageOf(&rs.Spec.Template) == image {
			sets = append(sets, rs)
		}
	}
	return sets, nil
}

func newest(sets []appsv1.ReplicaSet) *appsv1.ReplicaSet {
	var found *appsv1.ReplicaSet
	for i := range sets {
		if found == nil || revisionOf(&sets[i]) > revisionOf(found) {
			found = &sets[i]
		}
	}
	return found
}

// revisionOf is the number of a ReplicaSet's last roll-out; 0 where it has none.
func revisionOf(rs *appsv1.ReplicaSet) int {
	n, err := strconv.Atoi(rs.Annotations[revision])
	if err != nil {
		return 0
	}
	return n
}
