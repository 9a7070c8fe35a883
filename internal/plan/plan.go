// Package plan says what a region comes to before anything runs: what fits where, what it costs, and what a change of it will touch.
package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/edge-arena/edge-arena/modules/config"
)

// Totals sum up cities. Costs are in a currency that is told beside them.
type Totals struct {
	Cities int `json:"cities"`
	Nodes  int `json:"nodes"`
	// Pods is how many battle pods are wanted, Fit how many the nodes have room for, and Free how many more that is.
	Pods int `json:"pods"`
	Fit  int `json:"fit"`
	Free int `json:"free"`
	Cost
	// StorageMB is what the battle pods' images may take, ContainerStorageMB what the containers' would, in MB.
	StorageMB          int `json:"storageMB"`
	ContainerStorageMB int `json:"containerStorageMB"`
}

func (t *Totals) add(o Totals) {
	t.Cities += o.Cities
	t.Nodes += o.Nodes
	t.Pods += o.Pods
	t.Fit += o.Fit
	t.Free += o.Free
	t.Cost = t.plus(o.Cost)
	t.StorageMB += o.StorageMB
	t.ContainerStorageMB += o.ContainerStorageMB
}

// Region is the plan of a region.
type Region struct {
	Name   string `json:"name"`
	Canary bool   `json:"canary"`
	// Currency is that of all costs.
	Currency string `json:"currency"`
	Totals
	// Waves are in the order of the roll-out.
	Waves []Wave `json:"waves"`
	// Notes are what the reader should know besides: policies that are broken with leave, and what a roll-out does otherwise than usual.
	Notes []string `json:"notes,omitempty"`
}

// Wave is the plan of a wave.
type Wave struct {
	Name string `json:"name"`
	Totals
	// Members are its cities, ordered by name.
	Members []City `json:"members"`
}

// City is the plan of a city.
type City struct {
	Name string `json:"name"`
	Totals
	// Bound is what battle pods run out of first: cpu, memory or pods, or several where the nodes differ.
	Bound string `json:"bound"`
	// Rooms are its nodes.
	Rooms []Room `json:"rooms"`
}

// Room is what a node has for battle pods when K3s, the system and monitoring have their share.
type Room struct {
	Node string `json:"node"`
	// CPU is in thousandths of a core, Memory in bytes.
	CPU    int64 `json:"cpuMilli"`
	Memory int64 `json:"memoryBytes"`
	// Fit is how many battle pods have room, Bound what they run out of first: cpu, memory or pods.
	Fit   int    `json:"fit"`
	Bound string `json:"bound"`
}

// Of is the plan of a region.
func Of(r *config.Region) Region {
	p := Region{Name: r.Name, Canary: r.Canary, Currency: r.Prices.Currency}
	for _, step := range r.Steps() {
		w := Wave{Name: step.Name}
		for i := range step.Cities {
			c := ofCity(&step.Cities[i])
			w.Members = append(w.Members, c)
			w.add(c.Totals)
		}
		p.Waves = append(p.Waves, w)
		p.add(w.Totals)
	}
	p.Notes = notes(r)
	return p
}

func ofCity(c *config.City) City {
	p := City{Name: c.Name, Totals: Totals{
		Cities: 1, Nodes: len(c.Nodes), Pods: c.Battle.Replicas, Fit: c.Fits(), Cost: Baseline(c),
		StorageMB: c.Battle.Replicas * podStorageMB, ContainerStorageMB: c.Battle.Replicas * containerStorageMB,
	}}
	p.Free = p.Fit - p.Pods
	var bounds []string
	for _, r := range c.Rooms() {
		p.Rooms = append(p.Rooms, Room{Node: r.Node, CPU: r.CPU, Memory: r.Memory, Fit: r.Pods, Bound: r.Bound})
		if !slices.Contains(bounds, r.Bound) {
			bounds = append(bounds, r.Bound)
		}
	}
	p.Bound = strings.Join(bounds, ", ")
	return p
}

func notes(r *config.Region) []string {
	var list []string
	for i := range r.Cities {
		for _, v := range r.Cities[i].Violations() {
			list = append(list, fmt.Sprintf("%s: city %s: %s", v.Enforcement, v.City, v.Text))
		}
	}
	slices.Sort(list)
	note := func(of func(*config.City) bool, text string) {
		var names []string
		for i := range r.Cities {
			if of(&r.Cities[i]) {
				names = append(names, r.Cities[i].Name)
			}
		}
		switch {
		case len(names) == 0:
		case len(names) == len(r.Cities) && len(names) > 1:
			list = append(list, text+": all cities")
		default:
			slices.Sort(names)
			list = append(list, text+": "+strings.Join(names, ", "))
		}
	}
	note(tooSmall, "a container of 2 cores and 2 GiB does not fit on a node, so one node is reckoned for each")
	note(func(c *config.City) bool { return !oneCurrency(c, r.Prices.Currency) }, "priced in another currency, but added as if in "+r.Prices.Currency)
	note(func(c *config.City) bool { return c.Offline == config.OfflineSkip }, "left for a later run when a node does not answer (offline: skip)")
	note(func(c *config.City) bool { return !c.SLO.Gate.Enabled }, "rolled out without a gate")
	note(func(c *config.City) bool { return !c.Protect }, "not protected, so removed without asking when the file no longer has it")
	return list
}

func oneCurrency(c *config.City, currency string) bool {
	return !slices.ContainsFunc(c.Nodes, func(n config.Node) bool { return n.Prices.Currency != currency })
}
