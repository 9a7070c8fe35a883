package slo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/edge-arena/edge-arena/internal/bots"
)

// What makes a pod a battle pod, and its port the players'.
const (
	selector = "app=real-time-battle"
	gamePort = "game"
)

// Target is a battle pod that players can reach.
type Target struct {
	// Pod is its name.
	Pod string `json:"pod"`
	// Node is the name of its node.
	Node string `json:"node"`
	// Address is where players send to: `host:port`, UDP.
	Address string `json:"address"`
	// Tickets lets bots in.
	Tickets bots.Tickets `json:"-"`
}

// Discover lists the ready battle pods of a city, by name. Pods that are being deleted, have ended, or are not ready are none of
// them; that there is none at all is an error.
func Discover(ctx context.Context, kubeconfig []byte, namespace string) ([]Target, error) {
	rc, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("discover battle pods: read kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(rc)
	if err != nil {
		return nil, fmt.Errorf("discover battle pods: %w", err)
	}
	return discover(ctx, client, namespace)
}

func discover(ctx context.Context, client kubernetes.Interface, namespace string) ([]Target, error) {
	return DiscoverBy(ctx, client, namespace, selector)
}

// DiscoverBy is [Discover] for pods of another label that serve battles all the same.
func DiscoverBy(ctx context.Context, client kubernetes.Interface, namespace, selector string) ([]Target, error) {
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("discover battle pods: %w", err)
	}
	keys, err := ticketKeys(ctx, client, namespace)
	if err != nil {
		return nil, fmt.Errorf("discover battle pods: %w", err)
	}
	var targets []Target
	var errs []error
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.DeletionTimestamp != nil || !Ready(pod) {
			continue
		}
		address, err := addressOf(pod)
		if err != nil {
			errs = append(errs, fmt.Errorf("discover battle pods: pod %s: %w", pod.Name, err))
			continue
		}
		targets = append(targets, Target{Pod: pod.Name, Node: pod.Spec.NodeName, Address: address, Tickets: bots.NewOffice(keys, address)})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("discover battle pods: none of the %d pods with label %s in namespace %s is ready", len(pods.Items), selector, namespace)
	}
	slices.SortFunc(targets, func(a, b Target) int { return strings.Compare(a.Pod, b.Pod) })
	return targets, nil
}

// Ready tells whether the kubelet says that the pod can be played at.
func Ready(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func addressOf(pod *corev1.Pod) (string, error) {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name != gamePort || p.Protocol != corev1.ProtocolUDP {
				continue
			}
			if p.HostPort == 0 || pod.Status.HostIP == "" {
				return "", fmt.Errorf("host address %q, host port %d of port %s: players cannot reach it", pod.Status.HostIP, p.HostPort, gamePort)
			}
			return net.JoinHostPort(pod.Status.HostIP, strconv.Itoa(int(p.HostPort))), nil
		}
	}
	return "", fmt.Errorf("no UDP port named %s", gamePort)
}
