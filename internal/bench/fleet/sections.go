package fleet

import (
	"fmt"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/document"
)

// promisedP99 is the case's objective for the RTT, in ms.
const promisedP99 = 20.0

// Warnings are doubts about the measurement itself.
func (r *Report) Warnings() []string {
	warned, cities := 0, 0
	for _, region := range r.Regions {
		for _, c := range region.Cities {
			cities++
			if c.Warned {
				warned++
			}
		}
	}
	var w []string
	if warned > 0 {
		w = append(w, fmt.Sprintf("at %d of %d cities the bots themselves sent inputs late, which is part of the RTT: nodes, bots and Pulumi share %d cores", warned, cities, r.Machine.Cores))
	}
	return w
}

// sections are those parts of the report that were measured.
func (r *Report) sections() []document.Section {
	var all []document.Section
	if len(r.Regions) > 0 {
		all = append(all, r.regionSection(), r.citySection())
	}
	if len(r.Overhead) > 0 {
		all = append(all, r.overheadSection())
	}
	return all
}

func (r *Report) regionSection() document.Section {
	s := document.Section{
		Title: "The fleet on one machine, region after region",
		Conditions: fmt.Sprintf("`arena fleet up` of each region of stacks/ onto containers of this machine, from bare nodes: waves, gates and all. "+
			"Of the files only the nodes' addresses, mirror and images are exchanged, the pods' CPU request is %s, and the gates' objectives are wide, with 1 bot a pod for 5 s: "+
			"a gate that misses would end the region. Nodes, bots and Pulumi share the cores, so Pulumi works on no more than "+atOnce+" resources at once. A city's time is from its first to its last operation, its turn at the gate "+
			"included (one gate plays at a time). P99 is of the RTT at the gate; the promise is %g ms. Peak memory is all that was in use on the machine; "+
			"the nodes' part is without page cache.", cpuRequest, promisedP99),
		Header: []string{
			"region", "cities done", "nodes", "battle pods ready", "restarts", "region's time", "time per city, median", "longest", "P99, median", "worst",
			"cities with P99 < 20 ms", "peak memory", "of which nodes", "cores busy",
		},
	}
	var sum struct {
		done, cities, nodes, ready, pods, restarts, held int
		seconds                                          float64
		peak, containers                                 int64
		all                                              []City
	}
	for i := range r.Regions {
		g := &r.Regions[i]
		ready, pods := g.sum(func(c City) int { return c.Ready }), g.sum(func(c City) int { return c.Pods })
		restarts, held := g.sum(func(c City) int { return c.Restarts }), g.sum(held)
		s.Rows = append(s.Rows, append([]string{g.Name, of(g.doneCities(), len(g.Cities)), fmt.Sprint(g.Nodes), of(ready, pods), fmt.Sprint(restarts), clock(g.Seconds)},
			append(times(g.Cities), of(held, len(g.Cities)), size(g.Load.Machine), size(g.Load.Containers), fmt.Sprintf("%.0f %%", g.Load.Busy*100))...))
		sum.done, sum.cities, sum.nodes = sum.done+g.doneCities(), sum.cities+len(g.Cities), sum.nodes+g.Nodes
		sum.ready, sum.pods, sum.restarts, sum.held = sum.ready+ready, sum.pods+pods, sum.restarts+restarts, sum.held+held
		sum.seconds += g.Seconds
		sum.peak, sum.containers = max(sum.peak, g.Load.Machine), max(sum.containers, g.Load.Containers)
		sum.all = append(sum.all, g.Cities...)
	}
	s.Rows = append(s.Rows, append([]string{"all", of(sum.done, sum.cities), fmt.Sprint(sum.nodes), of(sum.ready, sum.pods), fmt.Sprint(sum.restarts), clock(sum.seconds)},
		append(times(sum.all), of(sum.held, sum.cities), size(sum.peak), size(sum.containers), "")...))
	return s
}

func held(c City) int {
	if c.P99 > 0 && c.P99 < promisedP99 {
		return 1
	}
	return 0
}

// times are the median and the longest time of a city, the median and the worst P99.
func times(cities []City) []string {
	median, longest := spread(cities, func(c City) float64 { return c.Seconds })
	p99, worst := spread(cities, func(c City) float64 { return c.P99 })
	return []string{clock(median), clock(longest), milliseconds(p99), milliseconds(worst)}
}

func (r *Report) citySection() document.Section {
	s := document.Section{
		Title:      "Each city",
		Conditions: "Failures are the cities whose state is not done, and pods that were started again.",
		Header:     []string{"city", "wave", "state", "nodes", "battle pods ready", "restarts", "time", "P50", "P99", "P99 < 20 ms", "ticks/s, slowest pod"},
		Folded:     true,
	}
	for _, g := range r.Regions {
		for _, c := range g.Cities {
			verdict := ""
			if c.P99 > 0 {
				verdict = []string{"miss", "pass"}[held(c)]
			}
			state := c.State
			if c.Error != "" {
				line, _, _ := strings.Cut(c.Error, "\n")
				state += ": " + strings.ReplaceAll(line, "|", "/")
			}
			rate := ""
			if c.TickRate > 0 {
				rate = fmt.Sprintf("%.1f", c.TickRate)
			}
			s.Rows = append(s.Rows, []string{
				g.Name + "/" + c.Name, c.Wave, state, fmt.Sprint(c.Nodes), of(c.Ready, c.Pods), fmt.Sprint(c.Restarts), clock(c.Seconds),
				milliseconds(c.P50), milliseconds(c.P99), verdict, rate,
			})
		}
		if g.Error != "" && len(g.Cities) == 0 {
			line, _, _ := strings.Cut(g.Error, "\n")
			s.Rows = append(s.Rows, []string{g.Name, "", "failed: " + line, "", "", "", "", "", "", "", ""})
		}
	}
	return s
}

func (r *Report) overheadSection() document.Section {
	s := document.Section{
		Title: "What the orchestration costs",
		Conditions: fmt.Sprintf("Cities of one node and %d battle pods, all in one wave and without gates, from bare nodes until the last pod is ready; and the same commands, read from "+
			"the state that Pulumi left, by plain ssh: every remote command and copy, and every Kubernetes object by `kubectl apply --server-side` on the node, each as soon as "+
			"those that it depends on have ended, all cities at once. Both sides get fresh nodes, Pulumi first; both end with the nodes and all pods Ready. "+
			"Processor time and memory are those of the operator's processes: Pulumi and its plugins, or the ssh clients.", podsPerCity),
		Header: []string{"cities", "commands", "Pulumi", "plain ssh", "ratio", "processor time, Pulumi", "plain ssh", "peak RSS, Pulumi", "plain ssh"},
	}
	for _, o := range r.Overhead {
		s.Rows = append(s.Rows, []string{
			fmt.Sprint(o.Cities), fmt.Sprint(o.Steps), seconds(o.Pulumi.Seconds), seconds(o.Plain.Seconds), fmt.Sprintf("%.2f", o.Ratio()),
			seconds(o.Pulumi.CPUSeconds), seconds(o.Plain.CPUSeconds), size(o.Pulumi.PeakRSS), size(o.Plain.PeakRSS),
		})
	}
	return s
}

func of(some, all int) string { return fmt.Sprintf("%d of %d", some, all) }

// clock is a time in seconds as minutes and seconds; empty for none.
func clock(s float64) string {
	if s == 0 {
		return ""
	}
	d := time.Duration(s * float64(time.Second)).Round(time.Second)
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d m %02d s", int(d.Minutes()), int(d.Seconds())%60)
}

func seconds(s float64) string { return fmt.Sprintf("%.1f s", s) }

func milliseconds(ms float64) string {
	if ms == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f ms", ms)
}

// size is an amount of memory.
func size(b int64) string {
	if b < 1e9 {
		return fmt.Sprintf("%.0f MB", float64(b)/1e6)
	}
	return fmt.Sprintf("%.1f GB", gb(b))
}
