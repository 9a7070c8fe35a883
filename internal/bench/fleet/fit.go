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

// needed is how much memory a region takes on this machine.
func needed(r *config.Region) int64 {
	n := int64(operatorRegion)
	for i := range r.Cities {
		c := &r.Cities[i]
		n += operatorCity + int64(len(c.Servers()))*serverMemory + int64(len(c.Agents()))*agentMemory + int64(c.Battle.Replicas)*podMemory
	}
	return n
}

// fit refuses a region that the machine has no room for.
func fit(r *config.Region, available int64) error {
	if need := needed(r); need > available {
		return fmt.Errorf("region %s takes about %.1f GB of memory, and %.1f GB are available: stop what else runs here, or leave it out with --regions",
			r.Name, gb(need), gb(available))
	}
	return nil
}

func gb(bytes int64) float64 { return float64(bytes) / 1e9 }
