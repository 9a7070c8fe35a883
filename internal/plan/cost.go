package plan

import "github.com/edge-arena/edge-arena/modules/config"

// The case's container: what one battle would request if it were no Wasm pod, and what the images of both may take on a node's disk.
const (
	containerCPU       = "2"
	containerMemory    = "2Gi"
	containerStorageMB = 200
	podStorageMB       = 50
)

// Cost is what nodes cost a month, beside the nodes that as many containers would need.
type Cost struct {
	// Month is what the nodes cost.
	Month float64 `json:"costMonth"`
	// ContainerNodes is how many nodes the containers need, ContainerMonth what those cost.
	ContainerNodes int     `json:"containerNodes"`
	ContainerMonth float64 `json:"containerCostMonth"`
	// Saving is how much less Month is than ContainerMonth, in percent; below 0 where it is more.
	Saving float64 `json:"savingPercent"`
}

func (c Cost) plus(o Cost) Cost {
	sum := Cost{Month: c.Month + o.Month, ContainerNodes: c.ContainerNodes + o.ContainerNodes, ContainerMonth: c.ContainerMonth + o.ContainerMonth}
	return sum.compared()
}

func (c Cost) compared() Cost {
	if c.ContainerMonth > 0 {
		c.Saving = 100 * (c.ContainerMonth - c.Month) / c.ContainerMonth
	}
	return c
}

// Baseline is what the city costs, and what it would if its battle pods were as many of the case's containers, which request 2 cores and
// 2 GiB each. They fill the city's nodes in the file's order, with the same shares kept free; further nodes are like the last one. A node
// that is too small for a container holds one nevertheless.
func Baseline(c *config.City) Cost {
	var cost Cost
	for i := range c.Nodes {
		cost.Month += c.Nodes[i].Prices.NodeMonth
	}
	rooms := AsContainers(c).Rooms()
	left := c.Battle.Replicas
	for i := 0; left > 0 && len(rooms) > 0; i++ {
		n := min(i, len(rooms)-1)
		left -= max(rooms[n].Pods, 1)
		cost.ContainerNodes++
		cost.ContainerMonth += c.Nodes[n].Prices.NodeMonth
	}
	return cost.compared()
}

// AsContainers is the city with the case's containers for battle pods: the arithmetic of what fits is the same.
func AsContainers(c *config.City) *config.City {
	containers := *c
	containers.Battle.Resources.Requests = config.Quantities{CPU: containerCPU, Memory: containerMemory}
	return &containers
}

// tooSmall tells whether a node of the city has no room for a container.
func tooSmall(c *config.City) bool {
	for _, r := range AsContainers(c).Rooms() {
		if r.Pods == 0 {
			return true
		}
	}
	return false
}
