package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/agent"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/server"
)

// nodeFlags are those that servers and agents share.
func nodeFlags() []cli.Flag {
	return []cli.Flag{
		cli.StringFlag{Name: "config, c", Usage: "load configuration from `FILE`", EnvVar: "K3S_CONFIG_FILE", Value: config.DefaultFile},
		cli.BoolFlag{Name: "debug", Usage: "turn on debug logs", EnvVar: "K3S_DEBUG"},
		cli.StringFlag{Name: "data-dir, d", Usage: "folder to hold state", EnvVar: "K3S_DATA_DIR", Value: config.DefaultDataDir},
		cli.StringFlag{Name: "token, t", Usage: "shared secret used to join a cluster", EnvVar: "K3S_TOKEN"},
		cli.StringFlag{Name: "token-file", Usage: "file containing the token", EnvVar: "K3S_TOKEN_FILE"},
		cli.StringFlag{Name: "node-name", Usage: "node name", EnvVar: "K3S_NODE_NAME"},
		cli.StringSliceFlag{Name: "node-ip, i", Usage: "IPv4 address to advertise for the node"},
		cli.StringSliceFlag{Name: "node-external-ip", Usage: "IPv4 external address to advertise for the node"},
		cli.StringSliceFlag{Name: "node-label", Usage: "register and start the kubelet with labels"},
		cli.StringSliceFlag{Name: "node-taint", Usage: "register the kubelet with taints"},
		cli.StringFlag{Name: "resolv-conf", Usage: "kubelet resolv.conf file", EnvVar: "K3S_RESOLV_CONF"},
		cli.StringFlag{Name: "pause-image", Usage: "pause image for the containerd sandbox", Value: config.DefaultPauseImage},
		cli.StringSliceFlag{Name: "kubelet-arg", Usage: "customized flag for the kubelet"},
		cli.StringSliceFlag{Name: "kube-proxy-arg", Usage: "customized flag for kube-proxy"},
	}
}

func serverCommand() cli.Command {
	return cli.Command{
		Name:  "server",
		Usage: "Run the management server (stand-in)",
		Flags: append(nodeFlags(),
			cli.StringFlag{Name: "bind-address", Usage: "address to bind to", Value: "0.0.0.0"},
			cli.IntFlag{Name: "https-listen-port", Usage: "HTTPS listen port", Value: 6443},
			cli.StringFlag{Name: "advertise-address", Usage: "address that the apiserver advertises to members of the cluster"},
			cli.StringSliceFlag{Name: "tls-san", Usage: "additional hostnames or addresses on the server certificate"},
			cli.StringFlag{Name: "cluster-cidr", Usage: "network for pod addresses", Value: "10.42.0.0/16"},
			cli.StringFlag{Name: "service-cidr", Usage: "network for service addresses", Value: "10.43.0.0/16"},
			cli.StringFlag{Name: "service-node-port-range", Usage: "port range for node port services", Value: "30000-32767"},
			cli.StringFlag{Name: "cluster-dns", Usage: "address of the cluster's DNS service (default: the tenth of service-cidr)"},
			cli.StringFlag{Name: "cluster-domain", Usage: "cluster domain", Value: "cluster.local"},
			cli.StringFlag{Name: "flannel-backend", Usage: "pod network; the stand-in has host-gw alone", Value: config.BackendHostGW},
			cli.StringFlag{Name: "write-kubeconfig, o", Usage: "write the admin kubeconfig to this `FILE`", EnvVar: "K3S_KUBECONFIG_OUTPUT", Value: config.DefaultKubeconfig},
			cli.StringFlag{Name: "write-kubeconfig-mode", Usage: "write the admin kubeconfig with this mode", EnvVar: "K3S_KUBECONFIG_MODE", Value: "0600"},
			cli.StringSliceFlag{Name: "disable", Usage: "do not deploy packaged components and delete any deployed ones"},
			cli.BoolFlag{Name: "cluster-init", Usage: "not in the stand-in: it has one server per cluster", EnvVar: "K3S_CLUSTER_INIT"},
			cli.StringFlag{Name: "server, s", Usage: "not in the stand-in: it has one server per cluster", EnvVar: "K3S_URL"},
			cli.BoolFlag{Name: "disable-network-policy", Usage: "the stand-in has no network policy controller"},
			cli.BoolFlag{Name: "disable-cloud-controller", Usage: "the stand-in has no cloud controller"},
			cli.BoolFlag{Name: "disable-helm-controller", Usage: "the stand-in has no Helm controller"},
			cli.StringSliceFlag{Name: "kube-apiserver-arg", Usage: "customized flag for kube-apiserver"},
			cli.StringSliceFlag{Name: "kube-controller-manager-arg", Usage: "customized flag for kube-controller-manager"},
			cli.StringSliceFlag{Name: "kube-scheduler-arg", Usage: "customized flag for kube-scheduler"},
		),
		Action: func(c *cli.Context) error {
			cfg, err := serverConfig(c)
			if err != nil {
				return err
			}
			return run(cfg, server.Run)
		},
	}
}

func agentCommand() cli.Command {
	return cli.Command{
		Name:  "agent",
		Usage: "Run the node agent (stand-in)",
		Flags: append(nodeFlags(),
			cli.StringFlag{Name: "server, s", Usage: "server to connect to", EnvVar: "K3S_URL"},
		),
		Action: func(c *cli.Context) error {
			cfg, err := agentConfig(c)
			if err != nil {
				return err
			}
			return run(cfg, agent.Run)
		},
	}
}

func agentConfig(c *cli.Context) (*config.Config, error) {
	if c.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q (stand-in)", c.Args().First())
	}
	cfg := &config.Config{
		DataDir:         c.String("data-dir"),
		Debug:           c.Bool("debug"),
		Token:           c.String("token"),
		TokenFile:       c.String("token-file"),
		ServerURL:       c.String("server"),
		NodeName:        c.String("node-name"),
		NodeIP:          first(c.StringSlice("node-ip")),
		NodeExternalIPs: config.Split(c.StringSlice("node-external-ip")),
		NodeLabels:      config.Split(c.StringSlice("node-label")),
		NodeTaints:      config.Split(c.StringSlice("node-taint")),
		ResolvConf:      c.String("resolv-conf"),
		PauseImage:      c.String("pause-image"),
		KubeletArgs:     c.StringSlice("kubelet-arg"),
		KubeProxyArgs:   c.StringSlice("kube-proxy-arg"),
	}
	return cfg, cfg.CompleteNode()
}

func serverConfig(c *cli.Context) (*config.Config, error) {
	cfg, err := agentConfig(c)
	if err != nil {
		return nil, err
	}
	cfg.Server = config.Server{
		BindAddress:       c.String("bind-address"),
		Port:              c.Int("https-listen-port"),
		AdvertiseAddress:  c.String("advertise-address"),
		TLSSANs:           config.Split(c.StringSlice("tls-san")),
		Network:           config.Network{ClusterCIDR: c.String("cluster-cidr"), ServiceCIDR: c.String("service-cidr"), ClusterDNS: c.String("cluster-dns"), Domain: c.String("cluster-domain")},
		NodePorts:         c.String("service-node-port-range"),
		FlannelBackend:    c.String("flannel-backend"),
		Kubeconfig:        c.String("write-kubeconfig"),
		KubeconfigMode:    c.String("write-kubeconfig-mode"),
		Disable:           config.Split(c.StringSlice("disable")),
		APIServerArgs:     c.StringSlice("kube-apiserver-arg"),
		ControllerArgs:    c.StringSlice("kube-controller-manager-arg"),
		KubeSchedulerArgs: c.StringSlice("kube-scheduler-arg"),
		ClusterInit:       c.Bool("cluster-init"),
	}
	return cfg, cfg.CompleteServer()
}

// run ends with the first component that ends: the service manager starts everything anew.
func run(cfg *config.Config, role func(context.Context, *config.Config) error) error {
	if os.Getuid() != 0 {
		return fmt.Errorf("must run as root")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := role(ctx, cfg); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func first(values []string) string {
	if all := config.Split(values); len(all) > 0 {
		return all[0]
	}
	return ""
}
