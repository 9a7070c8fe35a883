// Package config holds what a server or an agent is told: by flags, by environment and by /etc/rancher/k3s/config.yaml.
package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/validation"
)

// The places and names that K3s uses.
const (
	Version           = "v1.30.4+k3s1"
	DefaultDataDir    = "/var/lib/rancher/k3s"
	DefaultFile       = "/etc/rancher/k3s/config.yaml"
	DefaultKubeconfig = "/etc/rancher/k3s/k3s.yaml"
	DefaultPauseImage = "rancher/mirrored-pause:3.6"
	NodePasswordFile  = "/etc/rancher/node/password"
	ContainerdState   = "/run/k3s/containerd"
	ContainerdSocket  = ContainerdState + "/containerd.sock"
	BackendHostGW     = "host-gw"
	// The annotation by which an agent tells the server its external addresses.
	ExternalIPAnnotation = "k3s.io/external-ip"
)

// Config is what one node is told.
type Config struct {
	DataDir         string
	Debug           bool
	Token           string // The shared secret or a whole node token.
	TokenFile       string
	ServerURL       string // Required for an agent.
	NodeName        string // Default is the host name in lower case.
	NodeIP          string // Default is the address of the default route's interface.
	NodeExternalIPs []string
	NodeLabels      []string
	NodeTaints      []string
	ResolvConf      string
	PauseImage      string
	KubeletArgs     []string // "name=value", without leading dashes.
	KubeProxyArgs   []string
	Server          Server
}

// Server is what only a server is told.
type Server struct {
	BindAddress       string
	Port              int
	AdvertiseAddress  string
	TLSSANs           []string
	Network           Network
	NodePorts         string
	FlannelBackend    string
	Kubeconfig        string
	KubeconfigMode    string
	Disable           []string
	APIServerArgs     []string
	ControllerArgs    []string
	KubeSchedulerArgs []string
	ClusterInit       bool // What asks for several servers, which the stand-in has not.
}

// Network is the part of a server's configuration that its agents need too.
type Network struct {
	ClusterCIDR string `json:"clusterCIDR"`
	ServiceCIDR string `json:"serviceCIDR"`
	ClusterDNS  string `json:"clusterDNS"`
	Domain      string `json:"domain"`
}

// Dir is a path below the data directory.
func (c *Config) Dir(elem ...string) string {
	return filepath.Join(append([]string{c.DataDir}, elem...)...)
}

// CompleteNode fills in what the flags left open and checks the rest.
func (c *Config) CompleteNode() error {
	if c.NodeName == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("find the host's name: %w", err)
		}
		c.NodeName = host
	}
	c.NodeName = strings.ToLower(c.NodeName)
	if problems := validation.IsDNS1123Subdomain(c.NodeName); len(problems) > 0 {
		return fmt.Errorf("node-name %q: %s", c.NodeName, strings.Join(problems, ", "))
	}
	if c.NodeIP == "" {
		ip, err := utilnet.ChooseHostInterface()
		if err != nil {
			return fmt.Errorf("find the node's address (or set --node-ip): %w", err)
		}
		c.NodeIP = ip.String()
	}
	for _, ip := range append([]string{c.NodeIP}, c.NodeExternalIPs...) {
		if parsed := net.ParseIP(ip); parsed == nil || parsed.To4() == nil {
			return fmt.Errorf("%q is not an IPv4 address", ip)
		}
	}
	if c.Token == "" && c.TokenFile != "" {
		data, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return fmt.Errorf("read token: %w", err)
		}
		c.Token = strings.TrimSpace(string(data))
	}
	return nil
}

// CompleteServer does the same for the server's part.
func (c *Config) CompleteServer() error {
	s := &c.Server
	if s.ClusterInit || c.ServerURL != "" {
		return errors.New("cluster-init, server: the stand-in keeps its state in SQLite, with one server per cluster")
	}
	if s.FlannelBackend != BackendHostGW {
		return fmt.Errorf("flannel-backend %q: the stand-in implements host-gw alone", s.FlannelBackend)
	}
	if _, err := s.Mode(); err != nil {
		return err
	}
	if s.AdvertiseAddress == "" {
		s.AdvertiseAddress = c.NodeIP
	}
	_, _, errCluster := net.ParseCIDR(s.Network.ClusterCIDR)
	_, services, errService := net.ParseCIDR(s.Network.ServiceCIDR)
	if err := errors.Join(errCluster, errService); err != nil {
		return err
	}
	if s.Network.ClusterDNS == "" {
		s.Network.ClusterDNS = nth(services, 10).String()
	}
	if net.ParseIP(s.Network.ClusterDNS) == nil {
		return fmt.Errorf("cluster-dns %q is not an address", s.Network.ClusterDNS)
	}
	return nil
}

// Mode is the kubeconfig's file mode.
func (s *Server) Mode() (os.FileMode, error) {
	mode, err := strconv.ParseUint(s.KubeconfigMode, 8, 9)
	if err != nil {
		return 0, fmt.Errorf("write-kubeconfig-mode %q is not an octal file mode", s.KubeconfigMode)
	}
	return os.FileMode(mode), nil
}

// APIServiceIP is the address of the service "kubernetes": the first of the services' network.
func (n Network) APIServiceIP() string {
	_, services, err := net.ParseCIDR(n.ServiceCIDR)
	if err != nil {
		return ""
	}
	return nth(services, 1).String()
}

func nth(network *net.IPNet, n byte) net.IP {
	ip := append(net.IP{}, network.IP...)
	ip[len(ip)-1] += n
	return ip
}

// Split takes a repeated flag whose values may be comma lists apart.
func Split(values []string) []string {
	var all []string
	for _, value := range values {
		for _, part := range strings.Split(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}
