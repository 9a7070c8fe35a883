// Package deployment waits for Deployments of a city.
package deployment

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// poll is the time between two looks.
const poll = 500 * time.Millisecond

// RolledOut is whether all pods of a Deployment are of its last version and available, and there are no others.
func RolledOut(d *appsv1.Deployment) bool {
	s := d.Status
	return s.ObservedGeneration >= d.Generation && s.Replicas == *d.Spec.Replicas && s.UpdatedReplicas == s.Replicas && s.AvailableReplicas == s.Replicas
}

// WaitRolledOut waits until a Deployment is [RolledOut], for so long at most. An API server that does not answer is asked again.
func WaitRolledOut(ctx context.Context, client kubernetes.Interface, namespace, name string, patience time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it has not happened for %s", patience))
	defer cancel()
	var last string
	for {
		d, err := client.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil && RolledOut(d) {
			return nil
		}
		switch {
		case ctx.Err() != nil: // What was heard before says more.
		case err != nil:
			last = err.Error()
		default:
			last = fmt.Sprintf("%d of %d pods are available, %d of the last version", d.Status.AvailableReplicas, *d.Spec.Replicas, d.Status.UpdatedReplicas)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("roll out %s/%s: %w: %s", namespace, name, context.Cause(ctx), last)
		case <-time.After(poll):
		}
	}
}
