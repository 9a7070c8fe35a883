package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// A kubelet runs 110 pods unless it is told otherwise; the system's own (CoreDNS, the port allocator and so on) take some of them.
const (
	kubeletMaxPods = 110
	systemPods     = 10
)

// Room is what a node has for battle pods when K3s, the system, monitoring and, on the first server, the city's services and the region's hub have their share.
type Room struct {
	// Node is the node's name.
	Node string
	// CPU is in thousandths of a core, Memory in bytes.
	CPU, Memory int64
	// Pods is how many battle pods fit, with the requests of the city's config.
	Pods int
	// Bound is what they run out of first: cpu, memory or pods.
	Bound string
}

// Rooms are those of the city's nodes, in the file's order.
func (c *City) Rooms() []Room {
	rooms := make([]Room, 0, len(c.Nodes))
	first := ""
	if servers := c.Servers(); len(servers) > 0 {
		first = servers[0].Name
	}
	for i := range c.Nodes {
		n := &c.Nodes[i]
		reserves := []Quantities{n.K3s.Reserve}
		if c.Monitoring.Enabled {
			reserves = append(reserves, c.Monitoring.Reserve)
		}
		if n.Role == RoleServer && n.Name == first {
			reserves = append(reserves, c.Services.Reserve)
			if c.IsHub {
				reserves = append(reserves, c.Monitoring.Hub.Reserve)
			}
		}
		rooms = append(rooms, n.room(reserves, c.Battle.Resources.Requests))
	}
	return rooms
}

// Fits is how many battle pods the city's nodes have room for.
func (c *City) Fits() int {
	n := 0
	for _, r := range c.Rooms() {
		n += r.Pods
	}
	return n
}

func (n *Node) room(reserves []Quantities, pod Quantities) Room {
	r := Room{Node: n.Name, CPU: milli(n.Size.CPU), Memory: bytesOf(n.Size.Memory), Pods: max(n.maxPods()-systemPods, 0), Bound: "pods"}
	for _, q := range reserves {
		r.CPU, r.Memory = max(r.CPU-milli(q.CPU), 0), max(r.Memory-bytesOf(q.Memory), 0)
	}
	if fit := int(r.CPU / max(milli(pod.CPU), 1)); fit <= r.Pods {
		r.Pods, r.Bound = fit, "cpu"
	}
	if fit := int(r.Memory / max(bytesOf(pod.Memory), 1)); fit < r.Pods {
		r.Pods, r.Bound = fit, "memory"
	}
	return r
}

// maxPods is the kubelet's limit. Like the kubelet it takes the last one that is given.
func (n *Node) maxPods() int {
	limit := kubeletMaxPods
	for _, arg := range n.K3s.KubeletArgs {
		if value, ok := strings.CutPrefix(arg, "max-pods="); ok {
			if own, err := strconv.Atoi(value); err == nil {
				limit = own
			}
		}
	}
	return limit
}

// validateRoom refuses more battle pods than fit, with the numbers and what would mend it.
func (c *City) validateRoom(at scope) {
	if len(c.Nodes) == 0 || c.Battle.Replicas < 1 || !c.measurable() {
		return // reported elsewhere
	}
	rooms, fits := c.Rooms(), c.Fits()
	if c.Battle.Replicas <= fits {
		return
	}
	nodes := "1 node"
	if len(rooms) > 1 {
		nodes = fmt.Sprintf("%d nodes", len(rooms))
	}
	mend := fmt.Sprintf("at most %d", fits)
	// Further nodes are taken to be like the roomiest.
	if each := slices.MaxFunc(rooms, func(a, b Room) int { return cmp.Compare(a.Pods, b.Pods) }).Pods; each > 0 {
		mend += fmt.Sprintf(", or %d nodes", len(rooms)+(c.Battle.Replicas-fits+each-1)/each)
	} else {
		mend += ", or smaller requests, or larger nodes"
	}
	need, free := c.shortage(rooms, fits)
	at.addFor("battle.replicas", []string{"battle.replicas", "battle.resources.requests", "size", "nodes"}, "%s, %s has %s on %s: %s", need, c.Name, free, nodes, mend)
}

// shortage tells what the city lacks most of: what its pods need of it, and what the nodes have.
func (c *City) shortage(rooms []Room, fits int) (need, free string) {
	var cpu, memory int64
	for _, r := range rooms {
		cpu += r.CPU
		memory += r.Memory
	}
	requests, replicas := c.Battle.Resources.Requests, int64(c.Battle.Replicas)
	needCPU, needMemory := replicas*milli(requests.CPU), replicas*bytesOf(requests.Memory)
	bound := func(kind string) bool {
		return slices.ContainsFunc(rooms, func(r Room) bool { return r.Bound == kind })
	}
	switch {
	case bound("cpu") && needCPU > cpu:
		return fmt.Sprintf("replicas %d x %s = %s cores", replicas, requests.CPU, Cores(needCPU)), Cores(cpu) + " free"
	case bound("memory") && needMemory > memory:
		return fmt.Sprintf("replicas %d x %s = %s", replicas, requests.Memory, GiB(needMemory)), GiB(memory) + " free"
	default:
		// There are enough in all, but the kubelets' limit or the nodes' parts are too small.
		return fmt.Sprintf("replicas %d", replicas), fmt.Sprintf("room for %d pods", fits)
	}
}

// measurable tells whether all quantities that the room follows from are some.
func (c *City) measurable() bool {
	values := []string{c.Monitoring.Reserve.CPU, c.Monitoring.Reserve.Memory, c.Monitoring.Hub.Reserve.CPU, c.Monitoring.Hub.Reserve.Memory, c.Services.Reserve.CPU, c.Services.Reserve.Memory, c.Battle.Resources.Requests.CPU, c.Battle.Resources.Requests.Memory}
	for i := range c.Nodes {
		n := &c.Nodes[i]
		values = append(values, n.Size.CPU, n.Size.Memory, n.K3s.Reserve.CPU, n.K3s.Reserve.Memory)
	}
	for _, v := range values {
		if q, err := resource.ParseQuantity(v); err != nil || q.Sign() <= 0 {
			return false
		}
	}
	return true
}

// milli is an amount of cores, in thousandths.
func milli(cpu string) int64 {
	q, err := resource.ParseQuantity(cpu)
	if err != nil {
		return 0
	}
	return q.MilliValue()
}

// bytesOf is an amount of memory, in bytes.
func bytesOf(memory string) int64 {
	q, err := resource.ParseQuantity(memory)
	if err != nil {
		return 0
	}
	return q.Value()
}

// CoresOf is an amount of cores such as "200m": 0.2. What is none is 0.
func CoresOf(cpu string) float64 { return float64(milli(cpu)) / 1000 }

// BytesOf is an amount of memory such as "256Mi", in bytes. What is none is 0.
func BytesOf(memory string) int64 { return bytesOf(memory) }

// Cores writes thousandths of a core as cores: "3.2".
func Cores(milli int64) string { return strconv.FormatFloat(float64(milli)/1000, 'f', -1, 64) }

// GiB writes bytes as gibibytes with one decimal: "6.4Gi".
func GiB(bytes int64) string { return strconv.FormatFloat(float64(bytes)/(1<<30), 'f', 1, 64) + "Gi" }
