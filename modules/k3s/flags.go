package k3s

import (
	"net"
	"strconv"

	"github.com/edge-arena/edge-arena/modules/config"
)

// flags are those that a node is installed with: K3s's own, and our --wasm.
func (a ClusterArgs) flags(node config.Node) []string {
	flags := agentFlags(node)
	if node.Role == config.RoleServer {
		flags = a.serverFlags(node)
	}
	switch first := a.Servers[0]; {
	case node.Name != first.Name:
		flags = append(flags, "--server", "https://"+net.JoinHostPort(first.Endpoint.Address, strconv.Itoa(apiPort)))
	case len(a.Servers) > 1:
		// Several servers need etcd; K3s moves a cluster from SQLite to it when it gets the flag later.
		flags = append(flags, "--cluster-init")
	}
	return flags
}

func (a ClusterArgs) serverFlags(node config.Node) []string {
	var flags []string
	for _, name := range a.Disable {
		flags = append(flags, "--disable", name)
	}
	flags = append(flags, "--write-kubeconfig-mode", "644", "--wasm", "--node-name", node.Name, "--tls-san", node.Endpoint.Address)
	if node.ExternalAddress != "" {
		flags = append(flags, "--tls-san", node.ExternalAddress)
	}
	return append(nodeFlags(flags, node), node.K3s.ServerFlags...)
}

func agentFlags(node config.Node) []string {
	return append(nodeFlags([]string{"--wasm", "--node-name", node.Name}, node), node.K3s.AgentFlags...)
}

func nodeFlags(flags []string, node config.Node) []string {
	if node.ExternalAddress != "" {
		flags = append(flags, "--node-external-ip", node.ExternalAddress)
	}
	for _, arg := range node.K3s.KubeletArgs {
		flags = append(flags, "--kubelet-arg", arg)
	}
	return flags
}
