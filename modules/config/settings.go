package config

import "time"

// Size is a node's room.
type Size struct {
	// CPU is the number of cores, in Kubernetes' notation. Default is 4, the case's edge box.
	CPU string `mapstructure:"cpu"`
	// Memory is the memory, in Kubernetes' notation. Default is 8Gi.
	Memory string `mapstructure:"memory"`
}

// SSH is how a node is reached. What the settings leave open is sought in the OpenSSH config file.
type SSH struct {
	// User logs in. One other than root needs sudo without a password. Default is root.
	User string `mapstructure:"user"`
	// Port is the SSH port. Default is 22.
	Port int `mapstructure:"port"`
	// ConfigFile is an OpenSSH config file in which a node's host is looked up as an alias: its HostName, Port, User, IdentityFile,
	// UserKnownHostsFile and HostKeyAlias count. Default is none: not even the operator's own, so that two operators get the same.
	ConfigFile string `mapstructure:"configFile"`
	// PrivateKeyFile is a private key without a passphrase, readable by its owner alone. It is named here or
	// as IdentityFile.
	PrivateKeyFile string `mapstructure:"privateKeyFile"`
	// KnownHostsFile pins the nodes' host keys, as `ssh-keyscan` prints them. It is named here or as
	// UserKnownHostsFile.
	KnownHostsFile string `mapstructure:"knownHostsFile"`
	// DialTimeout is the longest that one attempt to connect may take. Default is 15s.
	DialTimeout time.Duration `mapstructure:"dialTimeout"`
	// DialAttempts is how often a connection is tried. Default is 10.
	DialAttempts int `mapstructure:"dialAttempts"`
}

// K3s is the Kubernetes of a city.
type K3s struct {
	// Version is the K3s release, the same on all nodes of a city. Default is v1.30.4+k3s1.
	Version string `mapstructure:"version"`
	// Disable names packaged components that K3s leaves out. Default is traefik and servicelb.
	Disable []string `mapstructure:"disable"`
	// NodeK3s is what a node may override.
	NodeK3s `mapstructure:",squash"`
}

// NodeK3s is what may differ between the nodes of a city.
type NodeK3s struct {
	// Mirror is where the nodes fetch the release. Default is the release on GitHub.
	Mirror Mirror `mapstructure:"mirror"`
	// ServerFlags are further flags of `k3s server`, each as `--flag` or `--flag=value`. Default is none.
	ServerFlags []string `mapstructure:"serverFlags"`
	// AgentFlags are further flags of `k3s agent`. Default is none.
	AgentFlags []string `mapstructure:"agentFlags"`
	// KubeletArgs are settings of the kubelet, each as `name=value`. Default is none.
	KubeletArgs []string `mapstructure:"kubeletArgs"`
	// ReadyTimeout is how long a node may take from the start of K3s until it is Ready. Default is 5m.
	ReadyTimeout time.Duration `mapstructure:"readyTimeout"`
	// Reserve is what K3s and the system need of a node: the capacity plan keeps it free. Default is 400m and 880Mi, still
	// more than the idle city takes in docs/benchmarks.md; what runs on the first server besides is services.reserve.
	Reserve Quantities `mapstructure:"reserve"`
}

// Mirror serves `<url>/<version>/k3s`, `install.sh` and, where the checksums list it, `k3s-airgap-images-amd64.tar`.
type Mirror struct {
	// URL is the mirror's address, as the nodes see it. Default is the release on GitHub.
	URL string `mapstructure:"url"`
	// URLFile is a file that holds URL, for a mirror whose address is not known beforehand. Default is none.
	URLFile string `mapstructure:"urlFile"`
	// ChecksumsFile is a file of this machine with the SHA-256 of what is fetched, as `sha256sum` prints it. A mirror needs one.
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
	// Shim is the release that engine shim installs: needed with it, and refused without it.
	Shim Shim `mapstructure:"shim"`
}

// Shim is a release archive (.tar.gz) that holds containerd-shim-wasmedge-v1.
type Shim struct {
	// URL is where the nodes fetch the archive. Default is release 0.6.0 of containerd/runwasi on GitHub.
	URL string `mapstructure:"url"`
	// SHA256 is the archive's checksum, 64 hexadecimal digits in lower case. It has no default.
	SHA256 string `mapstructure:"sha256"`
}

// Enforcement is what happens when a policy is violated.
type Enforcement string

const (
	// EnforceDeny refuses the config.
	EnforceDeny Enforcement = "deny"
	// EnforceWarn lets it pass, with a warning at each preview and update.
	EnforceWarn Enforcement = "warn"
	// EnforceDryRun lets it pass; `arena plan` alone tells of it.
	EnforceDryRun Enforcement = "dryrun"
)

// Policies bound what a city may ask for. They are checked with the config, before anything is touched.
type Policies struct {
	// Enforcement is deny, warn or dryrun. Default is deny.
	Enforcement Enforcement `mapstructure:"enforcement"`
	// MaxPlayers is the most that battle.maxPlayers may be. Default is 10.
	MaxPlayers int `mapstructure:"maxPlayers"`
	// MinTickRate is the least that battle.tickRate may be, in ticks a second. Default is 120.
	MinTickRate int `mapstructure:"minTickRate"`
	// MaxLimits is the most that battle.resources.limits may be. Default is 1 and 512Mi, as the case promises.
	MaxLimits Quantities `mapstructure:"maxLimits"`
	// Registries are the prefixes of our images that may be pulled, such as registry.example.com/; those of others, Gatekeeper and NATS, are
	// named one by one. Default is any.
	Registries []string `mapstructure:"registries"`
	// Gatekeeper is the image of what holds the cluster itself to the policies. Default is docker.io/openpolicyagent/gatekeeper:v3.15.1.
	Gatekeeper Upstream `mapstructure:"gatekeeper"`
}

// Prices are what the capacity plan reckons with.
type Prices struct {
	// Currency is a code of three letters. Default is USD.
	Currency string `mapstructure:"currency"`
	// NodeMonth is what one node costs a month. Default is 40, an assumption: give your own.
	NodeMonth float64 `mapstructure:"nodeMonth"`
}
