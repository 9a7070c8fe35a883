// Package config is what an operator writes about a region: the object `edge-arena:region` of stacks/Pulumi.<region>.yaml.
//
// It is decoded strictly, completed with defaults (default.go) and checked as a whole (validate.go): a mistake is reported with its
// path, such as `cities[3].nodes[0].host`, beside all the others, before anything is touched. Files that it names (keys, archives,
// checksums) are read here too, and nowhere else; a relative path starts at the project's root, where Pulumi.yaml is.
package config

import "time"

// Region is a set of cities with one owner: one Pulumi stack.
type Region struct {
	// Name is the region's name, a DNS label. Required.
	Name string `mapstructure:"name"`
	// SSH is how the nodes are reached; a node may override parts of it.
	SSH SSH `mapstructure:"ssh"`
	// K3s is the Kubernetes of every city.
	K3s K3s `mapstructure:"k3s"`
	// Wasm is the runtime of the battle pods.
	Wasm Wasm `mapstructure:"wasm"`
	// Battle is the battle service of every city.
	Battle Battle `mapstructure:"battle"`
	// SLO is what players are promised in every city.
	SLO SLO `mapstructure:"slo"`
	// Cities are the region's clusters, at least one.
	Cities []City `mapstructure:"cities"`
}

// SSH is how a node is reached. Each value is sought in the node's own settings, the region's, then the OpenSSH config file.
type SSH struct {
	// User logs in. One other than root needs sudo without a password. Default is root.
	User string `mapstructure:"user"`
	// Port is the SSH port. Default is 22.
	Port int `mapstructure:"port"`
	// ConfigFile is an OpenSSH config file in which a node's host is looked up as an alias: its HostName, Port, User, IdentityFile,
	// UserKnownHostsFile and HostKeyAlias count. Default is none: not even the operator's own, so that two operators get the same.
	ConfigFile string `mapstructure:"configFile"`
	// PrivateKeyFile is a private key without a passphrase, readable by its owner alone. Required here or as IdentityFile.
	PrivateKeyFile string `mapstructure:"privateKeyFile"`
	// KnownHostsFile pins the nodes' host keys, as `ssh-keyscan` prints them. Required here or as UserKnownHostsFile.
	KnownHostsFile string `mapstructure:"knownHostsFile"`
	// DialTimeout is the longest that one attempt to connect may take. Default is 15s.
	DialTimeout time.Duration `mapstructure:"dialTimeout"`
	// DialAttempts is how often a connection is tried. Default is 10.
	DialAttempts int `mapstructure:"dialAttempts"`
}

// K3s is the Kubernetes of a city.
type K3s struct {
	// Version is the K3s release. Default is v1.30.4+k3s1.
	Version string `mapstructure:"version"`
	// Mirror is where the nodes fetch the release. Default is the release on GitHub.
	Mirror Mirror `mapstructure:"mirror"`
	// Disable names packaged components that K3s leaves out. Default is traefik and servicelb.
	Disable []string `mapstructure:"disable"`
	// ServerFlags are further flags of `k3s server`, each as `--flag` or `--flag=value`. Default is none.
	ServerFlags []string `mapstructure:"serverFlags"`
	// AgentFlags are further flags of `k3s agent`. Default is none.
	AgentFlags []string `mapstructure:"agentFlags"`
	// KubeletArgs are settings of every node's kubelet, each as `name=value`. Default is none.
	KubeletArgs []string `mapstructure:"kubeletArgs"`
	// ReadyTimeout is how long a node may take from the start of K3s until it is Ready. Default is 5m.
	ReadyTimeout time.Duration `mapstructure:"readyTimeout"`
}

// Mirror serves `<url>/<version>/k3s`, `install.sh` and, where the checksums list it, `k3s-airgap-images-amd64.tar`.
type Mirror struct {
	// URL is the mirror's address, as the nodes see it. Default is the release on GitHub.
	URL string `mapstructure:"url"`
	// URLFile is a file that holds URL, for a mirror whose address is not known beforehand. Default is none.
	URLFile string `mapstructure:"urlFile"`
	// ChecksumsFile is a file of this machine with the SHA-256 of what is fetched, as `sha256sum` prints it. Required with a mirror.
	// Without a mirror it pins the release on GitHub; default is to believe the checksums that are published beside it.
	ChecksumsFile string `mapstructure:"checksumsFile"`

	// Checksums is the content of ChecksumsFile: SHA-256 by file name.
	Checksums map[string]string `mapstructure:"-"`
}

// Engine names what runs Wasm below containerd.
type Engine string

const (
	// EngineCrun is the distribution's crun with its libwasmedge.
	EngineCrun Engine = "crun"
	// EngineShim is the containerd shim of the runwasi project, for hosts whose distribution lacks such a crun.
	EngineShim Engine = "shim"
)

// Wasm is the runtime of the battle pods.
type Wasm struct {
	// Engine is crun or shim. Default is crun.
	Engine Engine `mapstructure:"engine"`
	// Version is the WasmEdge that must run. Default is 0.14.1.
	Version string `mapstructure:"version"`
	// Shim is the release that engine shim installs. Required with engine shim, and only with it.
	Shim Shim `mapstructure:"shim"`
}

// Shim is a release archive (.tar.gz) that holds containerd-shim-wasmedge-v1.
type Shim struct {
	// URL is where the nodes fetch the archive. Default is release 0.6.0 of containerd/runwasi on GitHub.
	URL string `mapstructure:"url"`
	// SHA256 is the archive's checksum, 64 hexadecimal digits. Required.
	SHA256 string `mapstructure:"sha256"`
}

// Battle is the battle service of a city.
type Battle struct {
	// Namespace holds the battle pods. Default is battle.
	Namespace string `mapstructure:"namespace"`
	// Replicas is the number of battle pods in each city. Default is 10.
	Replicas int `mapstructure:"replicas"`
	// Source is the battle server's image. Required.
	Source `mapstructure:",squash"`
	// PortAllocator is the image of the service that gives each battle pod its port. Required.
	PortAllocator Source `mapstructure:"portAllocator"`
	// MaxPlayers is the most players in one battle, 1 to 10. Default is 10.
	MaxPlayers int `mapstructure:"maxPlayers"`
	// TickRate is the simulation's rate in ticks a second, 1 to 1000. Default is 120.
	TickRate int `mapstructure:"tickRate"`
	// Ports are the node ports that battle pods are given. Default is 20000 to 20999.
	Ports Ports `mapstructure:"ports"`
	// Resources are those of one battle pod.
	Resources Resources `mapstructure:"resources"`
}

// Source is where an image comes from: one of both.
type Source struct {
	// Archive is a file of this machine, an OCI archive (.tar) that is delivered to the nodes over SSH.
	Archive string `mapstructure:"archive"`
	// Image is a reference by digest, `registry/name@sha256:…`, that the nodes pull.
	Image string `mapstructure:"image"`
}

// Ports is a range of ports, both ends included.
type Ports struct {
	First int `mapstructure:"first"`
	Last  int `mapstructure:"last"`
}

// Resources are what a pod asks for and what it may use at most.
type Resources struct {
	// Requests default to 200m and 256Mi.
	Requests Quantities `mapstructure:"requests"`
	// Limits default to 1 and 512Mi.
	Limits Quantities `mapstructure:"limits"`
}

// Quantities are amounts in Kubernetes' notation.
type Quantities struct {
	CPU    string `mapstructure:"cpu"`
	Memory string `mapstructure:"memory"`
}

// SLO is what players are promised, and how it is measured.
type SLO struct {
	// RTTP50 is the objective for the median round trip time. Default is 10ms.
	RTTP50 time.Duration `mapstructure:"rttP50"`
	// RTTP99 is the objective for its 99th percentile. Default is 20ms.
	RTTP99 time.Duration `mapstructure:"rttP99"`
	// RTTP999 is the objective for its 99.9th percentile. Default is 50ms.
	RTTP999 time.Duration `mapstructure:"rttP999"`
	// TickRate is the least rate of every pod, in ticks a second. Default is 119.5.
	TickRate float64 `mapstructure:"tickRate"`
	// BotsPerPod is how many bots play on each pod when it is measured. Default is battle.maxPlayers.
	BotsPerPod int `mapstructure:"botsPerPod"`
	// Duration is how long they play. Default is 30s.
	Duration time.Duration `mapstructure:"duration"`
}

// City is one autonomous K3s cluster.
type City struct {
	// Name is a DNS label, unique in the region. Required.
	Name string `mapstructure:"name"`
	// Nodes are the city's hosts, with an odd number of servers. Required.
	Nodes []Node `mapstructure:"nodes"`
}

// Role is what a node does in its cluster.
type Role string

const (
	// RoleServer runs the control plane, and pods too.
	RoleServer Role = "server"
	// RoleAgent runs pods alone.
	RoleAgent Role = "agent"
)

// Node is a Linux host that is reached over SSH.
type Node struct {
	// Name is the node's name in the cluster: a DNS label, unique in the city. It is the node's identity: a node that moves to another
	// machine gets another name. Required.
	Name string `mapstructure:"name"`
	// Host is an address or an alias of ssh.configFile, unique in the region. Required.
	Host string `mapstructure:"host"`
	// Role is server or agent. Default is server for the only node of a city; with several nodes it is required.
	Role Role `mapstructure:"role"`
	// ExternalAddress is the IP address at which players reach the node. Default is the node's own.
	ExternalAddress string `mapstructure:"externalAddress"`
	// SSH overrides the region's settings for this node.
	SSH SSH `mapstructure:"ssh"`

	// Endpoint is what follows from SSH and the files that it names.
	Endpoint Endpoint `mapstructure:"-"`
}

// Endpoint is a node's SSH server, completely known.
type Endpoint struct {
	Address string
	Port    int
	User    string
	// PrivateKey is the private key itself: a secret.
	PrivateKey string
	// HostKey is the pinned public key, as in an authorized_keys file.
	HostKey      string
	DialTimeout  time.Duration
	DialAttempts int
}
