package fleet

import (
	"fmt"

	"github.com/edge-arena/edge-arena/modules/config"
)

// What a region takes of the machine's memory, in bytes, as it was measured with the stand-in for K3s; rounded up.
const (
	// serverMemory is a node with the control plane: K3s, containerd, CoreDNS, port allocator and the system.
	serverMemory = 640 << 20
	// agentMemory is a node without.
	agentMemory = 300 << 20
	// podMemory is a battle pod: the server, its shim and its pause container.
	podMemory = 36 << 20
	// operatorCity is the process of the Kubernetes provider for a city, operatorRegion the rest of Pulumi.
	operatorCity   = 200 << 20
	operatorRegion = 700 << 20
)

// needed is how much memory so much takes on this machine.
func needed(cities, servers, agents, pods int) int64 {
	return operatorRegion + int64(cities)*operatorCity + int64(servers)*serverMemory + int64(agents)*agentMemory + int64(pods)*podMemory
}

// neededBy is how much memory a region takes on this machine.
func neededBy(r *config.Region) int64 {
	var servers, agents, pods int
	for i := range r.Cities {
		c := &r.Cities[i]
		servers, agents, pods = servers+len(c.Servers()), agents+len(c.Agents()), pods+c.Battle.Replicas
	}
	return needed(len(r.Cities), servers, agents, pods)
}

// fit refuses what the machine has no room for.
func fit(need, available int64) error {
	if need > available {
		return fmt.Errorf("it takes about %.1f GB of memory, and %.1f GB are available: stop what else runs here, or measure less (--regions, --sizes)",
			gb(need), gb(available))
	}
	return nil
}

func gb(bytes int64) float64 { return float64(bytes) / 1e9 }
