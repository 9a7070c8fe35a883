package config

import (
	"slices"
	"strings"
	"time"
)

// DefaultK3sVersion is the K3s release of a region that names none.
const DefaultK3sVersion = "v1.30.4+k3s1"

// shimURL is the last runwasi release, and shimWasmEdge the WasmEdge that it links statically.
const (
	shimURL      = "https://github.com/containerd/runwasi/releases/download/containerd-shim-wasmedge%2Fv0.6.0/containerd-shim-wasmedge-x86_64-linux-musl.tar.gz"
	shimWasmEdge = "0.14.0"
)

// defaults is the region before the operator's own words are written over it, so that an explicit 0 is seen as one.
func defaults() Region {
	return Region{
		SSH: SSH{DialTimeout: 15 * time.Second, DialAttempts: 10},
		K3s: K3s{Version: DefaultK3sVersion, ReadyTimeout: 5 * time.Minute},
		Wasm: Wasm{
			Engine:  EngineCrun,
			Version: "0.14.1",
		},
		Battle: Battle{
			Namespace:  "battle",
			Replicas:   10,
			MaxPlayers: 10,
			TickRate:   120,
			Ports:      Ports{First: 20000, Last: 20999},
			Resources: Resources{
				Requests: Quantities{CPU: "200m", Memory: "256Mi"},
				Limits:   Quantities{CPU: "1", Memory: "512Mi"},
			},
		},
		SLO: SLO{
			RTTP50:   10 * time.Millisecond,
			RTTP99:   20 * time.Millisecond,
			RTTP999:  50 * time.Millisecond,
			TickRate: 119.5,
			Duration: 30 * time.Second,
		},
	}
}

// complete fills what follows from other settings.
func (r *Region) complete() {
	if r.K3s.Disable == nil {
		// Players come by UDP straight to the pods: neither an ingress nor a load balancer has anything to do.
		r.K3s.Disable = []string{"traefik", "servicelb"}
	}
	if r.Wasm.Engine == EngineShim {
		or(&r.Wasm.Shim.URL, shimURL)
	}
	or(&r.SLO.BotsPerPod, r.Battle.MaxPlayers)
	for i := range r.Cities {
		nodes := r.Cities[i].Nodes
		if len(nodes) == 1 {
			or(&nodes[0].Role, RoleServer)
		}
		for j := range nodes {
			nodes[j].SSH.inherit(r.SSH)
		}
	}
}

// inherit takes over what s leaves open.
func (s *SSH) inherit(from SSH) {
	or(&s.User, from.User)
	or(&s.Port, from.Port)
	or(&s.ConfigFile, from.ConfigFile)
	or(&s.PrivateKeyFile, from.PrivateKeyFile)
	or(&s.KnownHostsFile, from.KnownHostsFile)
	or(&s.DialTimeout, from.DialTimeout)
	or(&s.DialAttempts, from.DialAttempts)
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
