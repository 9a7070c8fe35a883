package bench

import (
	"fmt"

	"github.com/edge-arena/edge-arena/internal/bench/chart"
	"github.com/edge-arena/edge-arena/internal/bench/document"
	"github.com/edge-arena/edge-arena/internal/bench/ticks"
)

// Density is how many battle pods the node holds.
type Density struct {
	// MostPods is how many more pods the node's kubelet takes.
	MostPods     int     `json:"mostPods"`
	BotsPerPod   int     `json:"botsPerPod"`
	P99Objective float64 `json:"p99Objective"`
	DurationSec  float64 `json:"durationSeconds"`
	// Playing and Idle are pods of Wasm, NativePlaying and NativeIdle those of the native server.
	Playing       Climb `json:"playing"`
	Idle          Climb `json:"idle"`
	NativePlaying Climb `json:"nativePlaying"`
	NativeIdle    Climb `json:"nativeIdle"`
}

// DensityStep is what so many pods at once were measured to need.
type DensityStep struct {
	Pods int `json:"pods"`
	// ReadySec is how long those that came to the ones before took until all were ready, Rate how many that is in a second.
	ReadySec float64 `json:"readySeconds"`
	Rate     float64 `json:"podsPerSecond"`
	// RTT and TickRate, that of the slowest pod, are of players; LateP99 is what the players themselves came late by, BotCores what they used.
	RTT      Times   `json:"rtt"`
	TickRate float64 `json:"tickRate"`
	LateP99  float64 `json:"lateP99"`
	BotCores float64 `json:"botCores"`
	// Lateness is how late ticks began.
	Lateness ticks.Times `json:"tickLateness"`
	// CoresPerPod is what the server of one pod used, Weight the PSS of one pod by part, on average.
	CoresPerPod float64   `json:"coresPerPod"`
	Weight      PodWeight `json:"weight"`
	// Busy is how many of the machine's Cores were busy, with players, K3s and all else.
	Busy  float64 `json:"busyCores"`
	Cores int     `json:"cores"`
}

func (s *DensityStep) fill(u usage) {
	n := int64(s.Pods)
	s.CoresPerPod, s.Weight, s.Lateness, s.Busy = u.cores/float64(n), u.weight.over(n), u.ticks.Lateness.Times(), u.busy
}

// utilization is the part of the node's cores that it used. Players are no part of a node: what they used is taken from both.
func (s *DensityStep) utilization() float64 {
	node := float64(s.Cores) - s.BotCores
	if node <= 0 {
		return 0
	}
	return min(1, max(0, s.Busy-s.BotCores)/node)
}

// assumed is what a pod takes before one was weighed.
const assumed = 40_000_000

// perPod is what a pod was found to take, the most of all steps.
func (c *Climb) perPod() int64 {
	most := int64(0)
	for _, s := range c.Steps {
		most = max(most, s.Weight.total())
	}
	if most == 0 {
		return assumed
	}
	return most
}

// held is the step with the most pods with which all was well, nil for none.
func (c *Climb) held(well func(*DensityStep) bool) *DensityStep {
	var most *DensityStep
	for i := range c.Steps {
		if s := &c.Steps[i]; well(s) && (most == nil || s.Pods > most.Pods) {
			most = s
		}
	}
	return most
}

// plays is the step with the most pods that kept the players' objective.
func (d *Density) plays(c *Climb) *DensityStep {
	return c.held(func(s *DensityStep) bool { return s.RTT.P99 < d.P99Objective })
}

func podsOf(s *DensityStep) int {
	if s == nil {
		return 0
	}
	return s.Pods
}

func (d *Density) section() document.Section {
	s := document.Section{
		Title: "Pods on one node",
		Conditions: fmt.Sprintf("Battle pods that ask for %s and %s, so that the scheduler does not say how many there can be; all else is as in the city. First with %d players each for %g s, more and more of "+
			"them until RTT P99 is %g ms; then idle, until pods no longer become ready, until %.1f GB of memory are left, or for %s; of native pods as many idle as there were of Wasm. The players are one thread "+
			"(package bots, Herd) and share the machine's cores. Utilization = (busy cores - cores of the players) / (cores - cores of the players): players are no part of a node. "+
			"The kubelet took %d more pods when it began: `max-pods` in `k3s.kubeletArgs` says how many. Battle pods use the host's network, so none of them takes an address of the node's pod network. "+
			"PSS is that of one pod, the mean of all: shared pages are divided among those who share them, and the one shim of the Wasm pods among all of these.",
			denseCPU, denseMemory, d.BotsPerPod, d.DurationSec, d.P99Objective, mb(spare)/1000, idleTime, d.MostPods),
		Header: []string{"pods", "started", "RTT P50", "RTT P99", "ticks/s, slowest", "lateness P99.9", "players late, P99", "cores per pod", "utilization", "program, libraries", "server's own", "shim", "pause", "whole pod"},
	}
	for _, c := range d.climbs() {
		for i := range c.Steps {
			s.Rows = append(s.Rows, c.Steps[i].cells(c.name))
		}
	}
	s.Charts = d.charts()
	return s
}

// limits tells how far each climb went.
func (d *Density) limits() document.Section {
	s := document.Section{
		Title:      "How many pods one node holds",
		Conditions: fmt.Sprintf("The most of the table below, playing ones with RTT P99 below %g ms. Started is how many pods a second became ready in that step.", d.P99Objective),
		Header:     []string{"", "pods", "started", "whole pod, PSS", "it ended because of"},
	}
	for _, c := range d.climbs() {
		step := c.held(func(*DensityStep) bool { return true })
		if c.playing {
			step = d.plays(&c.Climb)
		}
		cells := []string{c.name, fmt.Sprint(podsOf(step)), "", "", c.End}
		if step != nil {
			cells[2], cells[3] = fmt.Sprintf("%.1f/s", step.Rate), number(mb(step.Weight.total()), "MB", 1)
		}
		s.Rows = append(s.Rows, cells)
	}
	return s
}

// namedClimb is one of the four.
type namedClimb struct {
	name    string
	playing bool
	Climb
}

func (d *Density) climbs() []namedClimb {
	return []namedClimb{{"Wasm, playing", true, d.Playing}, {"native, playing", true, d.NativePlaying}, {"Wasm, idle", false, d.Idle}, {"native, idle", false, d.NativeIdle}}
}

// cells are a step's row.
func (s *DensityStep) cells(kind string) []string {
	cells := []string{fmt.Sprintf("%d %s", s.Pods, kind), fmt.Sprintf("%.1f/s", s.Rate), "", "", "", "", ""}
	if s.RTT.Count > 0 {
		cells = append(cells[:2], number(s.RTT.P50, "ms", 1), number(s.RTT.P99, "ms", 1), number(s.TickRate, "", 1), number(s.Lateness.P999, "ms", 2), number(s.LateP99, "ms", 2))
	}
	cells = append(cells, number(s.CoresPerPod, "", 4), percent(s.utilization()))
	for _, bytes := range []int64{s.Weight.Libraries, s.Weight.Own, s.Weight.Shim, s.Weight.Pause, s.Weight.total()} {
		cells = append(cells, number(mb(bytes), "MB", 1))
	}
	return cells
}

func (d *Density) charts() []document.Chart {
	const memory, wait = "Memory of one pod by how many there are, PSS", "RTT P99 by playing pods on the node"
	var groups []chart.Group
	for _, c := range d.climbs() {
		steps := c.Steps
		if n := len(steps); n > 2 {
			steps = []DensityStep{steps[0], steps[n-1]}
		}
		for _, step := range steps {
			w := step.Weight
			groups = append(groups, chart.Group{Name: fmt.Sprintf("%d %s", step.Pods, c.name), Values: []float64{mb(w.Libraries), mb(w.Own), mb(w.Shim), mb(w.Pause)}})
		}
	}
	return []document.Chart{
		drawn("density.svg", memory, chart.Bars{
			Title: memory, Unit: "MB", Names: []string{"program and libraries", "the server's own", "shim", "pause"}, Groups: groups, Stacked: true,
		}.SVG()),
		drawn("density-rtt.svg", wait, chart.Bars{Title: wait, Unit: "ms", Names: []string{"Wasm", "native"}, Groups: d.waits()}.SVG()),
	}
}

// waits are RTT P99 of both kinds by the number of pods.
func (d *Density) waits() []chart.Group {
	at := func(c *Climb, pods int) float64 {
		for _, s := range c.Steps {
			if s.Pods == pods {
				return s.RTT.P99
			}
		}
		return nothing
	}
	var groups []chart.Group
	for _, n := range densitySteps(true, max(d.Playing.most(), d.NativePlaying.most())) {
		g := chart.Group{Name: fmt.Sprint(n), Values: []float64{at(&d.Playing, n), at(&d.NativePlaying, n)}}
		if !isNothing(g.Values[0]) || !isNothing(g.Values[1]) {
			groups = append(groups, g)
		}
	}
	return groups
}
