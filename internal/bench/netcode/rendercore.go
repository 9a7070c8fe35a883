package netcode

import (
	"fmt"
	"math"

	"github.com/edge-arena/edge-arena/internal/bench/chart"
	"github.com/edge-arena/edge-arena/internal/bench/document"
)

// The objectives of one core. minRooms is how many battles of ten it is to bear.
const (
	minRooms       = 60
	maxPerBattle   = 1.5
	maxNetworkPart = 1.25
)

// sentLate is the most that players came late by, of all loads that servers bore.
func (c *Core) sentLate() float64 {
	most := 0.0
	for _, b := range c.sides() {
		for _, l := range b.Steps {
			if l.bears() {
				most = max(most, l.SentLate)
			}
		}
	}
	return most
}

// table has a row for each number of the three sides, and the parts of the native one.
type table struct{ document.Section }

func newTable(title, conditions string) *table {
	return &table{document.Section{
		Title: title, Conditions: conditions, Header: []string{"", "native", "Wasm", "Wasm / native", "wazero", "wazero / native", "objective"},
	}}
}

func (t *table) row(name, format string, of func(*Load) float64, objective string, sides ...*Load) {
	number := func(l *Load) string {
		if l.Rooms == 0 {
			return "" // not even a few battles were borne
		}
		return fmt.Sprintf(format, of(l))
	}
	native := sides[0]
	part := func(l *Load) string {
		if l.Rooms == 0 || of(native) == 0 {
			return ""
		}
		return fmt.Sprintf("%.2f", of(l)/of(native))
	}
	t.Rows = append(t.Rows, []string{name, number(native), number(sides[1]), part(sides[1]), number(sides[2]), part(sides[2]), objective})
}

// section compares the sides under the same load.
func (c *Core) section() document.Section {
	n, w, h := c.Native.at(c.Equal), c.Wasm.at(c.Equal), c.Hosted.at(c.Equal)
	t := newTable("A battle with its system calls", fmt.Sprintf("One server with %d battles of ten players over the loopback interface for %g s. The server is tied to the machine's last core, "+
		"the players are one thread on the others; the native server and those in WasmEdge and in wazero run in the root of a node, without Kubernetes and without a container's filter of system calls. "+
		"Processor time is all that the server's process used, in steps of 10 ms. Players look for snapshots each 130 µs, which is in the round trips.", c.Equal, c.Seconds))
	if n == nil || w == nil || h == nil {
		return t.Section
	}
	t.row("processor time of a battle's tick", "%.1f µs", func(l *Load) float64 { return l.RoomTick },
		verdict(w.RoomTick <= maxPerBattle*n.RoomTick)+fmt.Sprintf(": Wasm / native at most %g", maxPerBattle), n, w, h)
	t.row("RTT P50", "%.2f ms", func(l *Load) float64 { return l.P50 }, "", n, w, h)
	t.row("RTT P99", "%.2f ms", func(l *Load) float64 { return l.P99 }, "", n, w, h)
	t.row("RTT less tick wait P99", "%.2f ms", func(l *Load) float64 { return l.Network },
		verdict(w.Network <= maxNetworkPart*n.Network)+fmt.Sprintf(": Wasm / native at most %g", maxNetworkPart), n, w, h)
	t.row("tick lateness P99", "%.3f ms", func(l *Load) float64 { return l.Lateness.P99 }, "", n, w, h)
	t.row("heap allocations per tick, those for a page of metrics included", "%.3f", func(l *Load) float64 { return l.Allocations }, "", n, w, h)
	t.row("inputs sent late by P99, part of RTT", "%.2f ms", func(l *Load) float64 { return l.SentLate }, "", n, w, h)
	return t.Section
}

// limits tells how much a core bears.
func (c *Core) limits() document.Section {
	t := newTable("What one core bears", fmt.Sprintf("The same, with %d battles more each time, and then by halves, until more than 1 %% of the ticks began more than %g ms late, until there were fewer "+
		"than %g ticks/s, or until the server took no more battles because its ticks need three quarters of their time. A percentile is reckoned within its bucket of the server's own histogram, "+
		"which ends at 1 ms exactly. Below 70 %%: as many battles as should need that, by the steps around it, for longer.", nextStep, maxLate, minTickRate))
	none := &Load{}
	at := func(of func(*Bearing) *Load) []*Load {
		var all []*Load
		for _, b := range c.sides() {
			l := of(b)
			if l == nil {
				l = none
			}
			all = append(all, l)
		}
		return all
	}
	most := at((*Bearing).most)
	rooms := func(l *Load) float64 { return float64(l.Rooms) }
	percent := func(l *Load) float64 { return 100 * l.Share }
	t.row("battles of ten that a core bears", "%.0f", rooms, verdict(most[1].Rooms >= minRooms)+fmt.Sprintf(": Wasm at least %d", minRooms), most...)
	t.row("of the core", "%.0f %%", percent, "", most...)
	t.row("tick lateness P99", "%.3f ms", func(l *Load) float64 { return l.Lateness.P99 }, "", most...)
	t.row("RTT P99", "%.2f ms", func(l *Load) float64 { return l.P99 }, "", most...)
	t.row("inputs sent late by P99", "%.2f ms", func(l *Load) float64 { return l.SentLate }, "", most...)
	t.row("cores that the players used", "%.2f", func(l *Load) float64 { return l.Players }, "", most...)
	at70 := at(func(b *Bearing) *Load { return &b.At70 })
	t.row(fmt.Sprintf("battles at about %.0f %%", 100*share), "%.0f", rooms, "", at70...)
	t.row("of the core", "%.1f %%", percent, "", at70...)
	t.row("tick lateness P99", "%.3f ms", func(l *Load) float64 { return l.Lateness.P99 }, "", at70...)
	t.row("tick lateness P99.9", "%.3f ms", func(l *Load) float64 { return l.Lateness.P999 },
		verdict(at70[1].OnTime >= .999)+fmt.Sprintf(": Wasm at most %g ms", maxLate), at70...)
	t.row("ticks at most 1 ms late", "%.3f %%", func(l *Load) float64 { return 100 * l.OnTime }, "", at70...)
	for _, b := range c.sides() {
		t.Conditions += fmt.Sprintf(" What %s did not bear was %s.", b.Name, b.End)
	}
	t.Charts = []document.Chart{c.chart("core-share.svg", "Processor time of one core by battles of ten", "%", percent),
		c.chart("core-lateness.svg", "Tick lateness P99 on one core by battles of ten", "ms", func(l *Load) float64 { return l.Lateness.P99 })}
	return t.Section
}

// chart draws a number by battles, as far as each side bore them in the steps that all have.
func (c *Core) chart(file, title, unit string, of func(*Load) float64) document.Chart {
	bars := chart.Bars{Title: title, Unit: unit}
	for _, b := range c.sides() {
		bars.Names = append(bars.Names, b.Name)
	}
	for rooms, more := firstStep, true; more; rooms = after(rooms) {
		g := chart.Group{Name: fmt.Sprint(rooms)}
		more = false
		for _, b := range c.sides() {
			v := math.NaN()
			if l := b.at(rooms); l != nil {
				v, more = of(l), true
			}
			g.Values = append(g.Values, v)
		}
		if more {
			bars.Groups = append(bars.Groups, g)
		}
	}
	return document.Chart{Title: title, File: "charts/" + file, SVG: bars.SVG()}
}
