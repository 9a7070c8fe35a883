package portalloc

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// watchPods starts to tell the pool which ports the namespace's pods have, until ctx ends. The returned function says whether the
// pool has heard of every pod that was there at the start.
func watchPods(ctx context.Context, client kubernetes.Interface, namespace string, pool *Pool) (synced func() bool, err error) {
	pods := client.CoreV1().Pods(namespace)
	informer := cache.NewSharedIndexInformer(&cache.ListWatch{
		ListFunc: func(o metav1.ListOptions) (runtime.Object, error) { return pods.List(ctx, o) },
		WatchFunc: func(o metav1.ListOptions) (watch.Interface, error) {
			return pods.Watch(ctx, o)
		},
	}, &corev1.Pod{}, 0, cache.Indexers{})
	if err := informer.SetTransform(trim); err != nil {
		return nil, err
	}
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { observe(pool, o) },
		UpdateFunc: func(_, o any) { observe(pool, o) },
		DeleteFunc: func(o any) {
			// A deletion missed by the watch arrives as the last known state.
			if lost, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = lost.Obj
			}
			if pod, ok := o.(*corev1.Pod); ok {
				pool.Release(string(pod.UID))
			}
		},
	})
	if err != nil {
		return nil, err
	}
	go informer.Run(ctx.Done())
	return registration.HasSynced, nil
}

// observe tells the pool about a pod. One that has ended (Succeeded, Failed) no longer listens; one that is being deleted still does.
func observe(pool *Pool, o any) {
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		pool.Release(string(pod.UID))
		return
	}
	pool.Hold(string(pod.UID), pod.CreationTimestamp.Time, hostPorts(pod))
}

// trim drops what the pool does not ask for, so that thousands of pods cost little memory.
func trim(o any) (any, error) {
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return o, nil
	}
	kept := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
			ResourceVersion: pod.ResourceVersion, CreationTimestamp: pod.CreationTimestamp,
		},
		Status: corev1.PodStatus{Phase: pod.Status.Phase},
	}
	for _, c := range pod.Spec.Containers {
		var ports []corev1.ContainerPort
		for _, p := range c.Ports {
			if p.HostPort != 0 {
				ports = append(ports, corev1.ContainerPort{HostPort: p.HostPort})
			}
		}
		if ports != nil {
			kept.Spec.Containers = append(kept.Spec.Containers, corev1.Container{Ports: ports})
		}
	}
	return kept, nil
}
