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
	// Canary makes the fleet's roll-out begin with this region. Default is false.
	Canary bool `mapstructure:"canary"`
	// Settings are what the cities have in common; a city may override each of them.
	Settings `mapstructure:",squash"`
	// Waves order the roll-out: a wave begins when the gates of the one before have passed. Default is one wave of all cities.
	Waves []Wave `mapstructure:"waves"`
	// Cities are the region's clusters, at least one. Required.
	Cities []City `mapstructure:"cities"`
}

// Settings are layered: the defaults, then the region's, then the city's, and for [NodeSettings] then the node's. What a layer leaves out
// or leaves empty is taken from the one before; a list is replaced as a whole. Where two settings exclude each other, such as an archive
// and an image, a layer that has one of them takes back what the layers before it said of both.
type Settings struct {
	// SSH is how the nodes are reached; a node may override parts of it.
	SSH SSH `mapstructure:"ssh"`
	// Size is the room of each node; a node may override it.
	Size Size `mapstructure:"size"`
	// K3s is the Kubernetes of the city; a node may override parts of it.
	K3s K3s `mapstructure:"k3s"`
	// Wasm is the runtime of the battle pods; a node may override it.
	Wasm Wasm `mapstructure:"wasm"`
	// Policies bound what a city may ask for.
	Policies Policies `mapstructure:"policies"`
	// Monitoring is how the city is watched.
	Monitoring Monitoring `mapstructure:"monitoring"`
	// Services are what every city runs besides its battles.
	Services Services `mapstructure:"services"`
	// Credentials are the city's own secrets.
	Credentials Credentials `mapstructure:"credentials"`
	// Messaging is the city's NATS.
	Messaging Messaging `mapstructure:"messaging"`
	// Lobby is the city's lobby.
	Lobby Lobby `mapstructure:"lobby"`
	// Battle is the battle service.
	Battle Battle `mapstructure:"battle"`
	// SLO is what players are promised, and how it is held to.
	SLO SLO `mapstructure:"slo"`
	// Prices are what nodes cost; a node may override them.
	Prices Prices `mapstructure:"prices"`
	// Offline says what a roll-out does when a node of the city does not answer: fail or skip. Default is fail.
	Offline Offline `mapstructure:"offline"`
	// Protect keeps the city from being taken down by an edit of this file alone: its first server cannot be removed without consent
	// (`arena fleet up --yes-remove-city`, or `pulumi state unprotect`). Default is true.
	Protect bool `mapstructure:"protect"`
}

// NodeSettings are those of the settings that a node may override.
type NodeSettings struct {
	// SSH is how the node is reached.
	SSH SSH `mapstructure:"ssh"`
	// Size is the room of the node.
	Size Size `mapstructure:"size"`
	// K3s is what is the node's own of Kubernetes.
	K3s NodeK3s `mapstructure:"k3s"`
	// Wasm is the runtime of the battle pods on this node.
	Wasm Wasm `mapstructure:"wasm"`
	// Prices are what the node costs.
	Prices Prices `mapstructure:"prices"`
}

// Wave is a step of a region's roll-out: the cities that it names, or a percentage of those that no wave names.
type Wave struct {
	// Name is a DNS label, unique in the region. Required.
	Name string `mapstructure:"name"`
	// Cities are the names of the wave's cities. Required unless percent is given.
	Cities []string `mapstructure:"cities"`
	// Percent is how much of the cities that no wave names are in this wave or one before it, 1 to 100, rounded up; they are taken in
	// the order of their names. What is left when the last wave has taken its part is a further wave, `rest`.
	Percent int `mapstructure:"percent"`
}

// Offline is what a roll-out does with a city that cannot be reached.
type Offline string

const (
	// OfflineFail fails the run before anything is touched.
	OfflineFail Offline = "fail"
	// OfflineSkip leaves the city as it is, records what it is owed, and goes on with the others.
	OfflineSkip Offline = "skip"
)

// City is one autonomous K3s cluster.
type City struct {
	// Name is a DNS label, unique in the region; no city's name may begin with another's and a dash. Required.
	Name string `mapstructure:"name"`
	// Location is where the city lies, for maps. Default is nowhere.
	Location *Location `mapstructure:"location"`
	// Settings override the region's for this city.
	Settings `mapstructure:",squash"`
	// Nodes are the city's hosts, with an odd number of servers. Required.
	Nodes []Node `mapstructure:"nodes"`

	// IsHub is whether it runs the region's hub.
	IsHub bool `mapstructure:"-"`

	// own is what the file says of this city itself.
	own map[string]any `mapstructure:"-"`
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
	// NodeSettings override the city's for this node.
	NodeSettings `mapstructure:",squash"`

	// Endpoint is what follows from SSH and the files that it names.
	Endpoint Endpoint `mapstructure:"-"`

	// own is what the file says of this node itself.
	own map[string]any `mapstructure:"-"`
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
