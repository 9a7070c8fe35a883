package agent

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/flags"
)

// runKubelet runs the kubelet's own command, the one component here that sets up a signal handler.
func (n *Node) runKubelet(ctx context.Context) error {
	args, err := n.kubeletArgs()
	if err != nil {
		return err
	}
	cmd := kubelet.NewKubeletCommand()
	cmd.SetArgs(args)
	return cmd.ExecuteContext(ctx)
}

func (n *Node) runKubeProxy(ctx context.Context) error {
	cmd := proxy.NewProxyCommand()
	cmd.SetArgs(n.kubeProxyArgs())
	return cmd.ExecuteContext(ctx)
}

func (n *Node) kubeletArgs() ([]string, error) {
	resolvConf, err := resolvConf(n.cfg)
	if err != nil {
		return nil, err
	}
	args := map[string]string{
		"address":                      "0.0.0.0",
		"anonymous-auth":               "false",
		"authentication-token-webhook": "true",
		"authorization-mode":           "Webhook",
		"cert-dir":                     n.cfg.Dir("agent", "pki"),
		"cgroup-driver":                n.cgroups.driver,
		"client-ca-file":               n.clientCA,
		"cluster-dns":                  n.network.ClusterDNS,
		"cluster-domain":               n.network.Domain,
		"container-runtime-endpoint":   "unix://" + config.ContainerdSocket,
		"containerd":                   config.ContainerdSocket,
		"eviction-hard":                "imagefs.available<5%,nodefs.available<5%",
		"eviction-minimum-reclaim":     "imagefs.available=10%,nodefs.available=10%",
		"fail-swap-on":                 "false",
		"healthz-bind-address":         "127.0.0.1",
		"hostname-override":            n.cfg.NodeName,
		"kubeconfig":                   n.kubeletConf,
		"node-ip":                      n.cfg.NodeIP,
		"node-labels":                  strings.Join(n.cfg.NodeLabels, ","),
		"pod-infra-container-image":    n.cfg.PauseImage,
		"pod-manifest-path":            n.cfg.Dir("agent", "pod-manifests"),
		"read-only-port":               "0",
		"register-with-taints":         strings.Join(n.cfg.NodeTaints, ","),
		"resolv-conf":                  resolvConf,
		"serialize-image-pulls":        "false",
		"tls-cert-file":                n.serving.Cert,
		"tls-private-key-file":         n.serving.Key,
		"volume-plugin-dir":            n.cfg.Dir("agent", "volume-plugins"),
	}
	if len(n.cfg.NodeExternalIPs) > 0 {
		// Without a cloud provider a kubelet takes back any address but its own.
		args["cloud-provider"] = "external"
	}
	for _, name := range []string{"node-labels", "register-with-taints"} {
		if args[name] == "" {
			delete(args, name)
		}
	}
	return flags.Merge(args, n.cfg.KubeletArgs), nil
}

func (n *Node) kubeProxyArgs() []string {
	return flags.Merge(map[string]string{
		"cluster-cidr": n.network.ClusterCIDR,
		// The limits of connection tracking belong to the host.
		"conntrack-max-per-core":            "0",
		"conntrack-tcp-timeout-close-wait":  "0s",
		"conntrack-tcp-timeout-established": "0s",
		"healthz-bind-address":              "127.0.0.1",
		"hostname-override":                 n.cfg.NodeName,
		"kubeconfig":                        n.kubeProxyConf,
		"metrics-bind-address":              "127.0.0.1:10249",
		"proxy-mode":                        "iptables",
	}, n.cfg.KubeProxyArgs)
}

// resolvConf is the name servers' file for pods. One that names only servers on this host is of no use inside a pod; as K3s does,
// a public server stands in.
func resolvConf(cfg *config.Config) (string, error) {
	if cfg.ResolvConf != "" {
		return cfg.ResolvConf, nil
	}
	for _, file := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		if hasGlobalServer(file) {
			return file, nil
		}
	}
	file := cfg.Dir("agent", "etc", "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver 8.8.8.8\n"), 0o644); err != nil {
		return "", fmt.Errorf("write resolv.conf: %w", err)
	}
	return file, nil
}

func hasGlobalServer(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	found := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "nameserver" {
			ip := net.ParseIP(fields[1])
			if ip == nil || !ip.IsGlobalUnicast() {
				return false
			}
			found = true
		}
	}
	return found
}
