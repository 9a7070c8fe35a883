package netcode

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/document"
)

// begin and end mark where a document has the fragment.
const (
	begin = "<!-- arena bench netcode: begin -->"
	end   = "<!-- arena bench netcode: end -->"
)

// The objectives.
const (
	maxRatio     = 0.2
	maxMedian    = 200
	maxLostRatio = 0.01
	maxCompute   = 1.5
)

func (r *Report) document() document.Document {
	where := fmt.Sprintf("%s, %d cores, %.1f GB of memory, %s %s, load %s before the run; %s", r.Machine.CPU, r.Machine.Cores, float64(r.Machine.Memory)/1e9,
		r.Machine.OS, r.Machine.Kernel, r.Load, r.Started.Format(time.DateTime+" MST"))
	d := document.Document{Command: r.Command, Where: where, Sections: []document.Section{r.snapshots(), r.inputs(), r.Compute.section(), r.Core.section(), r.Core.limits()}}
	if r.Quick {
		d.Warnings = append(d.Warnings, "this was a quick run, not to be quoted")
	}
	if late := r.Core.sentLate(); late > 2 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("the players sent 1%% of their inputs %.1f ms or more late, with a load that the server bore: the machine is short of processor, "+
			"and round trips and ticks were late for it", late))
	}
	if !r.Core.Tied {
		d.Warnings = append(d.Warnings, "the machine has one processor, so servers and players shared it: what a core bears is more")
	}
	if r.Compute.Native.Clock != r.Compute.Wasm.Clock {
		d.Warnings = append(d.Warnings, "the native side counts "+r.Compute.Native.Clock+", the Wasm side "+r.Compute.Wasm.Clock+
			": what else the machine does is in the second, so the ratio is that of a machine that does nothing else, or too high")
	}
	return d
}

// Table writes the report for people at a terminal.
func (r *Report) Table(w io.Writer) { r.document().Table(w) }

// Markdown writes the report for a document.
func (r *Report) Markdown(w io.Writer) { r.document().Markdown(w) }

// WriteMarkdown puts the report into the file at path: between the marks, where the file has them, and else into a file of its own.
func (r *Report) WriteMarkdown(path string) error {
	return r.document().WriteMarkdown(path, begin, end)
}

// WriteJSON writes the report for machines.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func verdict(met bool) string {
	if met {
		return "pass"
	}
	return "miss"
}

func (r *Report) snapshots() document.Section {
	s := document.Section{
		Title: "Snapshots",
		Conditions: fmt.Sprintf("Ten players who move and shoot, 120 ticks a second, the real server and real players in one process over a network that delays and loses packets both ways; "+
			"the seed is fixed. Changes are snapshots as they are sent, heads included: against the newest that the player has acknowledged, and whole where it has none. Whole is the "+
			"same states written whole. The objectives are a ratio of all bytes of at most %g and a median of at most %d bytes.", maxRatio, maxMedian),
		Header: []string{"network", "changes, median", "changes, P99", "whole, median", "changes / whole", "at most 0.2", "median at most 200"},
	}
	for _, l := range r.Links {
		s.Rows = append(s.Rows, []string{l.Name, fmt.Sprintf("%d B", l.MedianBytes), fmt.Sprintf("%d B", l.P99Bytes), fmt.Sprintf("%d B", l.MedianWhole),
			fmt.Sprintf("%.3f", l.Ratio), verdict(l.Ratio <= maxRatio), verdict(l.MedianBytes <= maxMedian)})
	}
	return s
}

func (r *Report) inputs() document.Section {
	s := document.Section{
		Title: "Inputs on a lossy network",
		Conditions: "The same battles, once by players who send each input once and once by players who repeat the newest of those that no snapshot has acknowledged. Lost are inputs that did " +
			"not become part of the battle. The objective is at most 1 % of those that are lost without repetition. A prediction is wrong where the server had the player elsewhere than it reckoned.",
		Header: []string{"network", "inputs", "lost when sent once", "lost when repeated", "repeated / once", "at most 0.01", "bytes a packet", "predictions", "wrong"},
	}
	for _, l := range r.Links {
		ratio, met := "", ""
		if l.LostOnce > 0 {
			v := float64(l.Lost) / float64(l.LostOnce)
			ratio, met = fmt.Sprintf("%.4f", v), verdict(v <= maxLostRatio)
		}
		s.Rows = append(s.Rows, []string{l.Name, fmt.Sprint(l.Inputs), fmt.Sprint(l.LostOnce), fmt.Sprint(l.Lost), ratio, met, fmt.Sprintf("%.1f", l.InputBytes),
			fmt.Sprint(l.Checked), fmt.Sprint(l.Wrong)})
	}
	return s
}

func (c *Compute) section() document.Section {
	s := document.Section{
		Title: "What a room costs in a tick",
		Conditions: fmt.Sprintf("Command tickbench: %d rooms of ten players, %d ticks; for each room and tick ten packets with eight inputs each come in and ten snapshots go out, without any system "+
			"call. %d rounds in turns; of each side the one with the least mean counts. Wasm is %s. Counted is the %s. The objective is a P99 in Wasm of at most %g times that of the native side.",
			c.Native.Rooms, c.Native.Ticks, c.Rounds, c.Runtime, c.Wasm.Clock, maxCompute),
		Header: []string{"", "native", "Wasm", "Wasm / native", "objective"},
	}
	n, w := c.Native, c.Wasm
	micros := func(name string, n, w float64, objective string) {
		s.Rows = append(s.Rows, []string{name, fmt.Sprintf("%.2f µs", n/1000), fmt.Sprintf("%.2f µs", w/1000), fmt.Sprintf("%.2f", w/n), objective})
	}
	micros("mean", n.Mean, w.Mean, "")
	micros("P50", n.P50, w.P50, "")
	micros("P99", n.P99, w.P99, verdict(w.P99 <= maxCompute*n.P99))
	perCore := func(m float64) string { return fmt.Sprintf("%.0f", 1e9/120/m) }
	s.Rows = append(s.Rows,
		[]string{"rooms that a core can compute at 120 Hz, system calls left out", perCore(n.Mean), perCore(w.Mean), "", ""},
		[]string{"heap allocations per tick of all rooms", fmt.Sprintf("%g", n.Allocations), fmt.Sprintf("%g", w.Allocations), "", verdict(n.Allocations == 0 && w.Allocations == 0)},
		[]string{"mean snapshot", fmt.Sprintf("%.1f B", n.SnapshotBytes), fmt.Sprintf("%.1f B", w.SnapshotBytes), "", ""})
	return s
}
