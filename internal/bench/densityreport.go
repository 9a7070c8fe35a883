package bench

import (
	"fmt"

	"github.com/edge-arena/edge-arena/internal/bench/chart"
	"github.com/edge-arena/edge-arena/internal/bench/document"
)

// Density is how many battle pods the node holds.
type Density struct {
	// MostPods is how many more pods the node's kubelet takes.
	MostPods     int     `json:"mostPods"`
	BotsPerPod   int     `json:"botsPerPod"`
	P99Objective float64 `json:"p99Objective"`
	DurationSec  float64 `json:"durationSeconds"`
	Playing      Climb   `json:"playing"`
	Idle         Climb   `json:"idle"`
}

// DensityStep is what so many pods at once were measured to need.
type DensityStep struct {
	Pods int `json:"pods"`
	// ReadySec is how long those that came to the ones before took until all were ready.
	ReadySec float64 `json:"readySeconds"`
	// RTT and TickRate, that of the slowest pod, are of players; LateP99 is what the bots themselves came late by, BotCores what they used.
	RTT      Times   `json:"rtt"`
	TickRate float64 `json:"tickRate"`
	LateP99  float64 `json:"lateP99"`
	BotCores float64 `json:"botCores"`
	// Lateness is how late ticks began.
	Lateness TickTimes `json:"tickLateness"`
	// CoresPerPod is what the server of one pod used, Weight the PSS of one pod by part, on average.
	CoresPerPod float64   `json:"coresPerPod"`
	Weight      PodWeight `json:"weight"`
}

func (s *DensityStep) fill(u usage) {
	n := int64(s.Pods)
	s.CoresPerPod, s.Weight, s.Lateness = u.cores/float64(n), u.weight.over(n), u.ticks.lateness.times()
}

// lastPods is how many pods there are before the next step.
func (d *Density) lastPods(playing bool) int {
	steps := d.Idle.Steps
	if playing {
		steps = d.Playing.Steps
	}
	if len(steps) == 0 {
		return 0
	}
	return steps[len(steps)-1].Pods
}

// assumed is what a pod takes before one was weighed.
const assumed = 40_000_000

// perPod is what a pod was found to take, the most of all steps.
func (d *Density) perPod() int64 {
	most := int64(0)
	for _, c := range []Climb{d.Playing, d.Idle} {
		for _, s := range c.Steps {
			most = max(most, s.Weight.total())
		}
	}
	if most == 0 {
		return assumed
	}
	return most
}

// holds is the most pods with which all was well.
func (c Climb) holds(well func(DensityStep) bool) int {
	most := 0
	for _, s := range c.Steps {
		if well(s) {
			most = max(most, s.Pods)
		}
	}
	return most
}

func (d *Density) section() document.Section {
	s := document.Section{
		Title: "Pods on one node",
		Conditions: fmt.Sprintf("Battle pods that ask for %s and %s, so that the scheduler does not say how many there can be; all else is as in the city. First with %d bots each, which share the machine's cores, "+
			"in steps of %g s until RTT P99 is %g ms; then idle, until pods no longer become ready. The kubelet took %d more pods when it began: `max-pods` in `k3s.kubeletArgs` raises it. "+
			"Battle pods use the host's network, so none of them takes an address of the node's pod network. PSS is that of one pod, the mean of all: shared pages are divided among those who share them.",
			denseCPU, denseMemory, d.BotsPerPod, d.DurationSec, d.P99Objective, d.MostPods),
		Header: []string{"", "ready after", "RTT P50", "RTT P99", "ticks/s, slowest", "tick lateness P99.9", "cores per pod", "program and libraries", "the server's own", "shim", "pause", "whole pod"},
	}
	for _, step := range d.Playing.Steps {
		cells := []string{fmt.Sprintf("%d playing", step.Pods), fmt.Sprintf("%.1f s", step.ReadySec), number(step.RTT.P50, "ms", 1), number(step.RTT.P99, "ms", 1),
			number(step.TickRate, "", 1), number(step.Lateness.P999, "ms", 2)}
		s.Rows = append(s.Rows, append(cells, step.needs()...))
	}
	for _, step := range d.Idle.Steps {
		cells := []string{fmt.Sprintf("%d idle", step.Pods), fmt.Sprintf("%.1f s", step.ReadySec), "", "", "", ""}
		s.Rows = append(s.Rows, append(cells, step.needs()...))
	}
	result := func(name string, pods int, c Climb) {
		s.Rows = append(s.Rows, []string{fmt.Sprintf("%s: %d; it ended because %s", name, pods, c.End), "", "", "", "", "", "", "", "", "", "", ""})
	}
	result("playing pods that hold P99", d.Playing.holds(func(s DensityStep) bool { return s.RTT.P99 < d.P99Objective }), d.Playing)
	result("idle pods", d.Idle.holds(func(DensityStep) bool { return true }), d.Idle)
	s.Charts = d.charts()
	return s
}

// needs are the columns of what a pod needs.
func (s DensityStep) needs() []string {
	cells := []string{number(s.CoresPerPod, "", 4)}
	for _, bytes := range []int64{s.Weight.Libraries, s.Weight.Own, s.Weight.Shim, s.Weight.Pause, s.Weight.total()} {
		cells = append(cells, number(mb(bytes), "MB", 1))
	}
	return cells
}

func (d *Density) charts() []document.Chart {
	const title = "Memory of one pod by how many there are, PSS"
	var groups []chart.Group
	for _, c := range []struct {
		name string
		Climb
	}{{"playing", d.Playing}, {"idle", d.Idle}} {
		if n := len(c.Steps); n > 0 {
			for _, step := range []DensityStep{c.Steps[0], c.Steps[n-1]} {
				w := step.Weight
				groups = append(groups, chart.Group{Name: fmt.Sprintf("%d %s", step.Pods, c.name), Values: []float64{mb(w.Libraries), mb(w.Own), mb(w.Shim), mb(w.Pause)}})
			}
		}
	}
	return []document.Chart{drawn("density.svg", title, chart.Bars{
		Title: title, Unit: "MB", Names: []string{"program and libraries", "the server's own", "shim", "pause"}, Groups: groups, Stacked: true,
	}.SVG())}
}
