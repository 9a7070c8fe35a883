package server

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	cloudproviderapi "k8s.io/cloud-provider/api"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

// withExternal is what the node's addresses are to be, and whether they aren't that yet. A kubelet knows its external addresses, but
// only a cloud provider may say them: for that much, we are one.
func withExternal(node *corev1.Node) (addresses []corev1.NodeAddress, differs bool) {
	annotation, ok := node.Annotations[config.ExternalIPAnnotation]
	if !ok {
		return nil, false
	}
	want := map[string]bool{}
	for _, ip := range strings.Split(annotation, ",") {
		want[ip] = true
	}
	for _, address := range node.Status.Addresses {
		if address.Type != corev1.NodeExternalIP {
			addresses = append(addresses, address)
			continue
		}
		differs = differs || !want[address.Address]
		if want[address.Address] {
			addresses = append(addresses, address)
			delete(want, address.Address)
		}
	}
	for _, ip := range strings.Split(annotation, ",") {
		if want[ip] {
			addresses = append(addresses, corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: ip})
			differs = true
		}
	}
	return addresses, differs
}

// initialized are the node's taints without the one by which it waits for a cloud provider, and whether it had that.
func initialized(node *corev1.Node) (taints []corev1.Taint, waited bool) {
	taints = []corev1.Taint{}
	for _, taint := range node.Spec.Taints {
		if taint.Key == cloudproviderapi.TaintExternalCloudProvider {
			waited = true
			continue
		}
		taints = append(taints, taint)
	}
	return taints, waited
}
