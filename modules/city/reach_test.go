package city_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/edge-arena/edge-arena/modules/internal/mocks"
)

// decode reads inputs as Kubernetes would.
func decode(t *testing.T, inputs resource.PropertyMap, into any) {
	t.Helper()
	text, err := json.Marshal(inputs.Mappable())
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

// reached is a pod by what decides who reaches it.
type reached struct {
	labels labels.Set
	host   bool
	ports  map[string]int32
}

// network is the pods of the monitoring's namespace by name, and the policies there.
func network(t *testing.T, g *mocks.Graph) (pods map[string]reached, policies []networkingv1.NetworkPolicy) {
	t.Helper()
	pods = map[string]reached{}
	for _, r := range g.All() {
		switch r.Type {
		case statefulSet, deployment, daemonSet:
			var workload struct {
				Metadata metav1.ObjectMeta
				Spec     struct{ Template corev1.PodTemplateSpec }
			}
			decode(t, r.Inputs, &workload)
			if workload.Metadata.Namespace != "monitoring" {
				continue
			}
			pod := reached{labels: workload.Spec.Template.Labels, host: workload.Spec.Template.Spec.HostNetwork, ports: map[string]int32{}}
			for _, c := range workload.Spec.Template.Spec.Containers {
				for _, p := range c.Ports {
					pod.ports[p.Name] = p.ContainerPort
				}
			}
			pods[workload.Metadata.Name] = pod
		case "kubernetes:networking.k8s.io/v1:NetworkPolicy":
			var p networkingv1.NetworkPolicy
			decode(t, r.Inputs, &p)
			require.Equal(t, "monitoring", p.Namespace, r.Name)
			policies = append(policies, p)
		}
	}
	return pods, policies
}

// allowed tells whether policies let a peer at a port of a pod, as Kubernetes defines it. from is a pod of the same namespace, or nil for anybody else.
func allowed(t *testing.T, policies []networkingv1.NetworkPolicy, from labels.Set, to reached, port int32) bool {
	t.Helper()
	if to.host {
		return true // it has its node's network, where policies for pods do not reach
	}
	matches := func(s *metav1.LabelSelector, set labels.Set) bool {
		selector, err := metav1.LabelSelectorAsSelector(s)
		require.NoError(t, err)
		return selector.Matches(set)
	}
	selected := false
	for _, p := range policies {
		if !matches(&p.Spec.PodSelector, to.labels) || !slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) {
			continue
		}
		selected = true
		for _, rule := range p.Spec.Ingress {
			byPort := len(rule.Ports) == 0 || slices.ContainsFunc(rule.Ports, func(allowed networkingv1.NetworkPolicyPort) bool {
				number := allowed.Port.IntVal
				if allowed.Port.StrVal != "" {
					number = to.ports[allowed.Port.StrVal]
				}
				return number == port
			})
			byPeer := len(rule.From) == 0 || slices.ContainsFunc(rule.From, func(peer networkingv1.NetworkPolicyPeer) bool {
				require.Nil(t, peer.NamespaceSelector)
				require.Nil(t, peer.IPBlock)
				return from != nil && matches(peer.PodSelector, from)
			})
			if byPort && byPeer {
				return true
			}
		}
	}
	return !selected
}

// What has no password is reached by the monitoring itself alone; of the hub all the world reaches the gateway's one port, which asks for a certificate.
func TestWhoReachesTheMonitoring(t *testing.T) {
	t.Parallel()
	pods, policies := network(t, watched(t, true, nil))
	for _, name := range []string{"prometheus", "prometheus-hub", "loki", "alertmanager", "grafana", "hub-gateway", "log-shipper", "node-exporter"} {
		require.Contains(t, pods, name)
	}
	require.True(t, pods["node-exporter"].host)
	for name, pod := range pods {
		require.NotEmpty(t, pod.ports, name)
		for port, number := range pod.ports {
			require.True(t, allowed(t, policies, pods["prometheus"].labels, pod, number), "Prometheus scrapes, writes to and warns: %s, port %s", name, port)
			outside := pod.host || name == "hub-gateway" && port == "https"
			require.Equal(t, outside, allowed(t, policies, nil, pod, number), "%s, port %s, for the rest of the world", name, port)
		}
	}
	require.EqualValues(t, 8443, pods["hub-gateway"].ports["https"])

	pods, policies = network(t, watched(t, false, nil))
	require.NotContains(t, pods, "hub-gateway")
	for name, pod := range pods {
		for port, number := range pod.ports {
			require.Equal(t, pod.host, allowed(t, policies, nil, pod, number), "%s, port %s: nothing comes into a city that is no hub", name, port)
		}
	}
}
