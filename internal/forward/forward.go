// Package forward brings a port of a pod in a city to this machine, as `kubectl port-forward` does.
package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// Target is a port of a program.
type Target struct {
	// Namespace and App find its pod by the label `app`. Required.
	Namespace, App string
	// Port is the pod's. Required.
	Port int
}

// ErrNotThere is a program without a pod that is ready.
var ErrNotThere = errors.New("no pod of it is ready")

// patience is how long the way to the pod may take.
const patience = 30 * time.Second

// Run listens on a port of this machine's loopback, or one that the system chooses for 0, and calls ready with the one that it is, until the context
// ends or the way to the pod does.
func Run(ctx context.Context, connection *rest.Config, t Target, local int, log io.Writer, ready func(port int) error) error {
	// A connection stays open for as long as somebody looks.
	connection = rest.CopyConfig(connection)
	connection.Timeout = 0
	client, err := kubernetes.NewForConfig(connection)
	if err != nil {
		return errors.New("port-forward: the city's API server cannot be reached with this kubeconfig") // the cause may quote it
	}
	pod, err := find(ctx, client, t)
	if err != nil {
		return err
	}
	transport, upgrader, err := spdy.RoundTripperFor(connection)
	if err != nil {
		return errors.New("port-forward: the kubeconfig's certificates or keys cannot be read")
	}
	url := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(t.Namespace).Name(pod).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	stop, open := make(chan struct{}), make(chan struct{})
	f, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{strconv.Itoa(local) + ":" + strconv.Itoa(t.Port)}, stop, open, io.Discard, log)
	if err != nil {
		return fmt.Errorf("port-forward to %s: %w", t.App, err)
	}
	done := make(chan error, 1)
	go func() { done <- f.ForwardPorts() }()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case err := <-done:
		return fmt.Errorf("port-forward to %s: %w", t.App, err)
	case <-late.C:
		close(stop)
		return fmt.Errorf("port-forward to %s: no connection within %v", t.App, patience)
	case <-ctx.Done():
		close(stop)
		return context.Cause(ctx)
	case <-open:
	}
	ports, err := f.GetPorts()
	if err == nil {
		err = ready(int(ports[0].Local))
	}
	if err != nil {
		close(stop)
		return errors.Join(err, <-done)
	}
	select {
	case err := <-done:
		if err == nil {
			err = errors.New("the city has closed the connection")
		}
		return fmt.Errorf("port-forward to %s: %w", t.App, err)
	case <-ctx.Done():
		close(stop)
		<-done //nolint:errcheck // It was told to end.
		return nil
	}
}

// find is a pod of the program that is ready.
func find(ctx context.Context, client kubernetes.Interface, t Target) (string, error) {
	pods, err := client.CoreV1().Pods(t.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + t.App})
	if err != nil {
		return "", fmt.Errorf("find %s: %w", t.App, err)
	}
	for i := range pods.Items {
		for _, c := range pods.Items[i].Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && pods.Items[i].DeletionTimestamp == nil {
				return pods.Items[i].Name, nil
			}
		}
	}
	return "", fmt.Errorf("%s in namespace %s: %w", t.App, t.Namespace, ErrNotThere)
}
