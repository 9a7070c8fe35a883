package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Ways are the ways to kill parts of a city of one node: battle pods most often, the whole node seldom.
func Ways(node Node, client kubernetes.Interface) []Kill {
	pod := func(name string, weight int, namespace, app, process string) Kill {
		return Kill{Name: name, Weight: weight, Do: func(ctx context.Context) error {
			return killPod(ctx, node, client, namespace, app, process)
		}}
	}
	return []Kill{
		// A battle server is the process of its pod that has WasmEdge in it.
		pod("battle pod", 70, "battle", "real-time-battle", "grep -l libwasmedge /proc/[0-9]*/maps 2>/dev/null | cut -d/ -f3 | shuf -n 1"),
		pod("lobby", 15, "city", "lobby", "pgrep -x lobby"),
		pod("NATS", 14, "city", "nats", "pgrep -x nats-server"),
		{Name: "node", Weight: 1, Do: func(ctx context.Context) error {
			if err := node.Kill(ctx); err != nil {
				return err
			}
			return node.Start(ctx)
		}},
	}
}

// killPod kills the process that find prints, by SIGKILL, and takes away the pod that it was of: another is made at once, and not after the
// pauses that Kubernetes makes before it starts a container again that keeps failing. Where the process is just not there, it is waited for.
func killPod(ctx context.Context, node Node, client kubernetes.Interface, namespace, app, find string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 3*time.Minute, errors.New("no such process for 3 minutes"))
	defer cancel()
	script := "pid=$(" + find + " | head -n 1); [ -n \"$pid\" ] && cat /proc/$pid/cgroup && kill -9 $pid"
	for {
		cgroup, err := node.Exec(ctx, "sh", "-c", script)
		if err == nil {
			return removePod(ctx, client, namespace, app, cgroup)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// removePod removes the app's pod whose UID is in the cgroup. The API server may be away, as after the node was killed: then the kubelet starts the container.
func removePod(ctx context.Context, client kubernetes.Interface, namespace, app, cgroup string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
	if err != nil {
		return nil // It has been killed, which is all that was asked for.
	}
	for i := range pods.Items {
		uid := string(pods.Items[i].UID)
		if strings.Contains(cgroup, uid) || strings.Contains(cgroup, strings.ReplaceAll(uid, "-", "_")) {
			now := int64(0)
			_ = client.CoreV1().Pods(namespace).Delete(ctx, pods.Items[i].Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		}
	}
	return nil
}
