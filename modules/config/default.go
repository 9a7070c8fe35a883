package config

import (
	"slices"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/monitoring"
)

// DefaultK3sVersion is the K3s release of a region that names none.
const DefaultK3sVersion = "v1.30.4+k3s1"

// shimURL is the last runwasi release, and shimWasmEdge the WasmEdge that it links statically.
const (
	shimURL      = "https://github.com/containerd/runwasi/releases/download/containerd-shim-wasmedge%2Fv0.6.0/containerd-shim-wasmedge-x86_64-linux-musl.tar.gz"
	shimWasmEdge = "0.14.0"
)

// Defaults are the settings before the operator's own words are written over them, so that an explicit 0 is seen as one.
func Defaults() Settings {
	promised := monitoring.Objectives()
	return Settings{
		SSH:  SSH{DialTimeout: 15 * time.Second, DialAttempts: 10},
		Size: Size{CPU: "4", Memory: "8Gi"},
		K3s: K3s{
			Version: DefaultK3sVersion,
			// Players come by UDP straight to the pods: neither an ingress nor a load balancer has anything to do.
			Disable: []string{"traefik", "servicelb"},
			NodeK3s: NodeK3s{ReadyTimeout: 5 * time.Minute, Reserve: Quantities{CPU: "400m", Memory: "880Mi"}},
		},
		Wasm: Wasm{
			Engine:  EngineCrun,
			Version: "0.14.1",
		},
		Policies: Policies{
			Enforcement: EnforceDeny,
			MaxPlayers:  10,
			MinTickRate: 120,
			MaxLimits:   Quantities{CPU: "1", Memory: "512Mi"},
			Gatekeeper:  Upstream{Image: "docker.io/openpolicyagent/gatekeeper:v3.15.1"},
		},
		Monitoring:  defaultMonitoring(),
		Services:    Services{Reserve: Quantities{CPU: "200m", Memory: "400Mi"}},
		Credentials: Credentials{Generation: 1},
		Messaging:   Messaging{Upstream: Upstream{Image: "docker.io/library/nats:2.10.22-alpine"}, Storage: "1Gi"},
		Lobby: Lobby{
			NodePort: 30080, TicketLifetime: 10 * time.Second, JoinRate: "10/10s", AddressRate: "200/10s",
			Backups: Backups{Every: 6 * time.Hour, Keep: 28},
		},
		Battle: Battle{
			Namespace:    "battle",
			Replicas:     10,
			MaxPlayers:   10,
			TickRate:     120,
			Ports:        Ports{First: 20000, Last: 20999},
			Duration:     5 * time.Minute,
			DrainTimeout: 5 * time.Minute,
			Resources: Resources{
				Requests: Quantities{CPU: "200m", Memory: "256Mi"},
				Limits:   Quantities{CPU: "1", Memory: "512Mi"},
			},
		},
		SLO: SLO{
			// The alerts hold a city to the same.
			RTTP50:   promised.RTTP50.Duration(),
			RTTP99:   promised.RTTP99.Duration(),
			RTTP999:  promised.RTTP999.Duration(),
			TickRate: promised.LeastTickRate,
			Duration: 30 * time.Second,
			Gate:     Gate{Enabled: true, Attempts: 3},
		},
		Prices:  Prices{Currency: "USD", NodeMonth: 40},
		Offline: OfflineFail,
		Protect: true,
	}
}

// complete fills what follows from other settings.
func (s *Settings) complete() {
	s.Wasm.complete()
	or(&s.SLO.BotsPerPod, s.Battle.MaxPlayers)
}

func (n *NodeSettings) complete() { n.Wasm.complete() }

func (w *Wasm) complete() {
	if w.Engine == EngineShim {
		or(&w.Shim.URL, shimURL)
	}
}

// Servers returns the city's server nodes, ordered by name, so that the order of the file means nothing.
func (c City) Servers() []Node { return c.byRole(RoleServer) }

// Agents returns the city's agent nodes, ordered by name.
func (c City) Agents() []Node { return c.byRole(RoleAgent) }

func (c City) byRole(role Role) []Node {
	var nodes []Node
	for _, n := range c.Nodes {
		if n.Role == role {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	return nodes
}

func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
