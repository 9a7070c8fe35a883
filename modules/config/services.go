package config

import "time"

// Upstream is where an image of others comes from: one of both.
type Upstream struct {
	// Archive is a file of this machine, an OCI archive (.tar) that is delivered to the nodes over SSH.
	Archive string `mapstructure:"archive"`
	// Image is a reference by tag or digest, `registry/name:1.2.3`, that the nodes pull.
	Image string `mapstructure:"image"`
}

// Services are what every city runs besides its battles.
type Services struct {
	// Reserve is what Gatekeeper, NATS and the lobby need together: it is kept free on the city's first server, where they run. Default is
	// 200m and 400Mi.
	Reserve Quantities `mapstructure:"reserve"`
}

// Credentials are the city's own secrets. They are made once and kept in Pulumi's state.
type Credentials struct {
	// Generation counts how often they have been made anew: a higher number has them made again at the next update. The ticket key before
	// is taken for one generation longer, so that nobody who holds a ticket is turned away. Default is 1.
	Generation int `mapstructure:"generation"`
}

// Messaging is the city's NATS.
type Messaging struct {
	// Upstream is its image. Default is docker.io/library/nats:2.10.22-alpine.
	Upstream `mapstructure:",squash"`
	// Storage is what the results of battles may take on the disk until the lobby has them, in Kubernetes' notation. Default is 1Gi.
	Storage string `mapstructure:"storage"`
	// Leaf connects the city to the hub. Default is no connection: a city needs none to play.
	Leaf Leaf `mapstructure:"leaf"`
}

// Leaf is a connection to the NATS of a hub. The city opens it, so nothing of the city needs to be reachable, and plays on when it is cut.
type Leaf struct {
	// URL is the hub's address for leaf nodes, with TLS: tls://hub.example.com:7422 or wss://hub.example.com. Default is none.
	URL string `mapstructure:"url"`
	// CredentialsFile is a file that `nsc` made for the city's user at the hub, readable by its owner alone. Default is none.
	CredentialsFile string `mapstructure:"credentialsFile"`

	// Credentials is the content of CredentialsFile: a secret.
	Credentials string `mapstructure:"-"`
}

// Lobby is the city's lobby: it lets players in, and keeps the results of their battles.
type Lobby struct {
	// Source is its image: one of both must be given.
	Source `mapstructure:",squash"`
	// NodePort is the port of the city's first server at which players reach it. Default is 30080.
	NodePort int `mapstructure:"nodePort"`
	// PlayerKeysFile is a JSON Web Key Set with the public keys of whoever signs the players' tokens: Ed25519, each with its kid. To change
	// a key, have old and new in it for as long as tokens live. It must be given.
	PlayerKeysFile string `mapstructure:"playerKeysFile"`
	// Issuer is the `iss` of those tokens. It must be given.
	Issuer string `mapstructure:"issuer"`
	// TicketLifetime is how long a player may take from the lobby to the battle pod, 1s to 30s. Default is 10s.
	TicketLifetime time.Duration `mapstructure:"ticketLifetime"`
	// JoinRate is how often one player may ask for a seat, as `requests/time`: that many may also come at once. Default is 10/10s, one a
	// second in the long run.
	JoinRate string `mapstructure:"joinRate"`
	// AddressRate is how often one IP address, behind which many players may be, may ask for anything. Default is 200/10s.
	AddressRate string `mapstructure:"addressRate"`
	// Backups are copies of its ledger.
	Backups Backups `mapstructure:"backups"`

	// PlayerKeys is the content of PlayerKeysFile.
	PlayerKeys string `mapstructure:"-"`
}

// Backups are copies that are made on a schedule.
type Backups struct {
	// Every is the time from one to the next, at least 1m. Default is 6h.
	Every time.Duration `mapstructure:"every"`
	// Keep is how many there are at the most, the newest. Default is 28: a week of them.
	Keep int `mapstructure:"keep"`
}
