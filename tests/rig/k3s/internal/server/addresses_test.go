package server

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

func TestWithExternal(t *testing.T) {
	t.Parallel()
	internal := corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}
	external := func(ip string) corev1.NodeAddress {
		return corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: ip}
	}
	for name, c := range map[string]struct {
		annotation string
		have, want []corev1.NodeAddress
		differs    bool
	}{
		"none asked for": {have: []corev1.NodeAddress{internal}},
		"new":            {"1.1.1.1,2.2.2.2", []corev1.NodeAddress{internal}, []corev1.NodeAddress{internal, external("1.1.1.1"), external("2.2.2.2")}, true},
		"there":          {"1.1.1.1", []corev1.NodeAddress{internal, external("1.1.1.1")}, []corev1.NodeAddress{internal, external("1.1.1.1")}, false},
		"changed":        {"2.2.2.2", []corev1.NodeAddress{internal, external("1.1.1.1")}, []corev1.NodeAddress{internal, external("2.2.2.2")}, true},
	} {
		node := &corev1.Node{Status: corev1.NodeStatus{Addresses: c.have}}
		if c.annotation != "" {
			node.ObjectMeta = metav1.ObjectMeta{Annotations: map[string]string{config.ExternalIPAnnotation: c.annotation}}
		}
		got, differs := withExternal(node)
		if differs != c.differs || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v, want %v, %v", name, got, differs, c.want, c.differs)
		}
	}
}

func TestInitialized(t *testing.T) {
	t.Parallel()
	mine := corev1.Taint{Key: "mine", Effect: corev1.TaintEffectNoSchedule}
	waiting := corev1.Taint{Key: "node.cloudprovider.kubernetes.io/uninitialized", Effect: corev1.TaintEffectNoSchedule}
	got, waited := initialized(&corev1.Node{Spec: corev1.NodeSpec{Taints: []corev1.Taint{waiting, mine}}})
	if !waited || len(got) != 1 || got[0].Key != "mine" {
		t.Errorf("got %v, %v", got, waited)
	}
	if _, waited := initialized(&corev1.Node{Spec: corev1.NodeSpec{Taints: []corev1.Taint{mine}}}); waited {
		t.Error("a node that does not wait was taken for one that does")
	}
}
