package bench

import (
	"fmt"
	"math"

	"github.com/edge-arena/edge-arena/internal/bench/document"
	"github.com/edge-arena/edge-arena/internal/plan"
	"github.com/edge-arena/edge-arena/modules/config"
)

// Saving is what follows from requests and from measured needs for a node of the case, of which K3s, monitoring and the city's services have their share.
type Saving struct {
	// Cores and Memory are the node's whole size, Room what battle pods have of it.
	Cores  float64 `json:"cores"`
	Memory int64   `json:"memory"`
	Room   Need    `json:"room"`
	// Container is the case's container, Native the same server as a native container with the requests of the Wasm pod, Wasm that, and Hosted the module under wazero likewise.
	Container Packing `json:"container"`
	Native    Packing `json:"native"`
	Wasm      Packing `json:"wasm"`
	Hosted    Packing `json:"hosted"`
}

// Need is processor time and memory.
type Need struct {
	Cores  float64 `json:"cores"`
	Memory int64   `json:"memory"`
}

// Packing is how many pods of one kind a node holds.
type Packing struct {
	// Request is what a pod asks for, Measured what one needed under load.
	Request  Need `json:"request"`
	Measured Need `json:"measured"`
	// ByRequests and ByNeed are how many pods fit by the one and by the other.
	ByRequests int `json:"byRequests"`
	ByNeed     int `json:"byNeed"`
	// Requested is the part of the node's cores that the pods have asked for when no more fit, Used the part of it that they used.
	Requested float64 `json:"requested"`
	Used      float64 `json:"used"`
}

// caseNode is the city of one node that the case describes, with all defaults.
func caseNode() config.City {
	d := config.Defaults()
	return config.City{Name: "case", Settings: d, Nodes: []config.Node{{
		Name: "node", Role: config.RoleServer, NodeSettings: config.NodeSettings{Size: d.Size, K3s: d.K3s.NodeK3s},
	}}}
}

// savingOf reckons from what a battle pod of each kind needed. The case's container is taken to need what the native one does.
func savingOf(b *Battle) *Saving {
	city := caseNode()
	room, container := city.Rooms()[0], plan.AsContainers(&city)
	s := &Saving{
		Cores: config.CoresOf(city.Nodes[0].Size.CPU), Memory: config.BytesOf(city.Nodes[0].Size.Memory),
		Room: Need{Cores: float64(room.CPU) / 1000, Memory: room.Memory},
	}
	native := Need{Cores: b.Native.CoresPerPod, Memory: b.Native.Weight.total()}
	s.Container = s.packing(container.Battle.Resources.Requests, native, container.Rooms()[0].Pods)
	s.Native = s.packing(city.Battle.Resources.Requests, native, room.Pods)
	s.Hosted = s.packing(city.Battle.Resources.Requests, Need{Cores: b.Hosted.CoresPerPod, Memory: b.Hosted.Weight.total()}, room.Pods)
	s.Wasm = s.packing(city.Battle.Resources.Requests, Need{Cores: b.Wasm.CoresPerPod, Memory: b.Wasm.Weight.total()}, room.Pods)
	return s
}

func (s *Saving) packing(request config.Quantities, measured Need, pods int) Packing {
	p := Packing{Request: Need{Cores: config.CoresOf(request.CPU), Memory: config.BytesOf(request.Memory)}, Measured: measured, ByRequests: pods}
	if measured.Cores > 0 && measured.Memory > 0 {
		p.ByNeed = int(math.Min(s.Room.Cores/measured.Cores, float64(s.Room.Memory)/float64(measured.Memory)))
	}
	p.Requested, p.Used = float64(pods)*p.Request.Cores/s.Cores, float64(pods)*measured.Cores/s.Cores
	return p
}

// saved is how much less a pod costs where so many share a node than where others do: nodes cost the same whatever runs on them.
func saved(pods, others int) string {
	if pods == 0 || others == 0 {
		return ""
	}
	return percent(1 - float64(others)/float64(pods))
}

func percent(part float64) string { return fmt.Sprintf("%.0f %%", 100*part) }

func (s *Saving) section() document.Section {
	d := document.Section{
		Title: "Pods per node, cost and utilization",
		Conditions: fmt.Sprintf("Reckoned for the case's node of %g cores and %.1f GB, of which battle pods have %g cores and %.1f GB: the rest is kept for K3s, monitoring and services. "+
			"Pods by requests = min(cores / requested cores, memory / requested memory), rounded down; pods by need is the same with the cores and the whole pod's PSS measured above, "+
			"10 players each. Saving = 1 - pods of the other per node / pods per node: a node costs the same whatever it runs. Requested = pods by requests x requested cores / cores of the node; "+
			"used = pods by requests x measured cores / cores of the node. The case's container asks for 2 cores and 2 GiB; it is taken to need what the native server needed.",
			s.Cores, mb(s.Memory)/1000, s.Room.Cores, mb(s.Room.Memory)/1000),
		Header: []string{"", "the case's container", "native, same requests", "wazero, same requests", "Wasm"},
	}
	row := func(name string, of func(Packing) string) {
		d.Rows = append(d.Rows, []string{name, of(s.Container), of(s.Native), of(s.Hosted), of(s.Wasm)})
	}
	row("requests", func(p Packing) string { return fmt.Sprintf("%g cores, %.0f MB", p.Request.Cores, mb(p.Request.Memory)) })
	row("measured need", func(p Packing) string {
		return fmt.Sprintf("%.3f cores, %.1f MB", p.Measured.Cores, mb(p.Measured.Memory))
	})
	row("pods per node by requests", func(p Packing) string { return fmt.Sprint(p.ByRequests) })
	row("saving against the case's container, by requests", func(p Packing) string { return saved(p.ByRequests, s.Container.ByRequests) })
	row("node's cores requested", func(p Packing) string { return percent(p.Requested) })
	row("node's cores used", func(p Packing) string { return percent(p.Used) })
	row("pods per node by need", func(p Packing) string { return fmt.Sprint(p.ByNeed) })
	row("saving against native, by need; below 0 it costs more", func(p Packing) string { return saved(p.ByNeed, s.Native.ByNeed) })
	return d
}
