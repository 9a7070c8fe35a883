package agent

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/pki"
)

const (
	// routeProtocol marks our routes, so that stale ones can be told from others (and uninstalling finds them).
	routeProtocol = 75
	// networkResync heals what others changed.
	networkResync = 30 * time.Second
)

// runNetwork keeps pods of all nodes in reach of each other: a bridge for the own ones, and a route over each other node for its
// pods (host-gw: all nodes share a network).
func (n *Node) runNetwork(ctx context.Context) error {
	// kube-proxy's identity may list nodes, and little else.
	rest, err := clientcmd.BuildConfigFromFlags("", n.kubeProxyConf)
	if err != nil {
		return fmt.Errorf("load kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	nodes := factory.Core().V1().Nodes()
	changed := make(chan struct{}, 1)
	wake := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	if _, err := nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { wake() },
		UpdateFunc: func(_, _ any) { wake() },
		DeleteFunc: func(any) { wake() },
	}); err != nil {
		return fmt.Errorf("watch nodes: %w", err)
	}
	factory.Start(ctx.Done())
	resync := time.NewTicker(networkResync)
	defer resync.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-resync.C:
		}
		all, err := nodes.Lister().List(labels.Everything())
		if err == nil {
			err = n.syncNetwork(ctx, all)
		}
		if err != nil && ctx.Err() == nil {
			klog.ErrorS(err, "Cannot bring the pod network up to date, will try again")
		}
	}
}

func (n *Node) syncNetwork(ctx context.Context, nodes []*corev1.Node) error {
	if err := ensureRules(ctx, n.network.ClusterCIDR); err != nil {
		return err
	}
	for _, node := range nodes {
		if node.Name == n.cfg.NodeName && node.Spec.PodCIDR != "" {
			if err := n.writeCNI(node.Spec.PodCIDR); err != nil {
				return err
			}
		}
	}
	want, err := routesTo(nodes, n.cfg.NodeName)
	if err != nil {
		return err
	}
	return syncRoutes(want)
}

// writeCNI writes the network configuration that containerd waits for.
func (n *Node) writeCNI(podCIDR string) error {
	conf := fmt.Sprintf(`{
  "cniVersion": "1.0.0",
  "name": "cbr0",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "cni0",
      "isDefaultGateway": true,
      "forceAddress": true,
      "hairpinMode": true,
      "ipam": {"type": "host-local", "ranges": [[{"subnet": %q}]]}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`, podCIDR)
	return writeIfChanged(filepath.Join(n.cfg.Dir("agent", "etc", "cni", "net.d"), "10-cbr0.conflist"), []byte(conf))
}

// routesTo maps the pod network of each other node to the node's address.
func routesTo(nodes []*corev1.Node, self string) (map[string]net.IP, error) {
	routes := map[string]net.IP{}
	for _, node := range nodes {
		if node.Name == self || node.Spec.PodCIDR == "" {
			continue
		}
		_, cidr, err := net.ParseCIDR(node.Spec.PodCIDR)
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", node.Name, err)
		}
		for _, address := range node.Status.Addresses {
			if ip := net.ParseIP(address.Address); address.Type == corev1.NodeInternalIP && ip != nil {
				routes[cidr.String()] = ip
				break
			}
		}
	}
	return routes, nil
}

// syncRoutes makes our routes those that are wanted.
func syncRoutes(want map[string]net.IP) error {
	have, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: routeProtocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	there := map[string]bool{}
	for _, route := range have {
		if route.Dst != nil && route.Gw.Equal(want[route.Dst.String()]) {
			there[route.Dst.String()] = true
			continue
		}
		if err := netlink.RouteDel(&route); err != nil {
			return fmt.Errorf("delete route %s: %w", route, err)
		}
	}
	for cidr, gateway := range want {
		if there[cidr] {
			continue
		}
		_, dst, err := net.ParseCIDR(cidr)
		if err != nil {
			return err
		}
		if err := netlink.RouteReplace(&netlink.Route{Dst: dst, Gw: gateway, Protocol: routeProtocol}); err != nil {
			return fmt.Errorf("route to %s over %s: %w", cidr, gateway, err)
		}
		klog.InfoS("Added route", "pods", cidr, "node", gateway)
	}
	return nil
}

func writeIfChanged(file string, data []byte) error {
	if same(file, data) {
		return nil
	}
	return pki.WriteFile(file, data, 0o644)
}
