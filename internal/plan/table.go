package plan

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/edge-arena/edge-arena/modules/config"
)

// Table writes the plan for people: a line that sums it up, a table of the cities, and the notes.
func (r Region) Table(w io.Writer) {
	name := "region " + r.Name
	if r.Canary {
		name += " (canary)"
	}
	_, _ = fmt.Fprintf(w, "%s: %s in %s, %s\n", name, count(r.Cities, "city", "cities"), count(len(r.Waves), "wave", "waves"), r.sentences(r.Currency))

	t := newTable(w)
	t.AppendHeader(table.Row{"wave", "city", "nodes", "pods", "fit", "free", "first out", "cores", "GiB", r.Currency + "/month", "containers", "saved"})
	for _, wave := range r.Waves {
		for i, c := range wave.Members {
			label := ""
			if i == 0 {
				label = wave.Name
			}
			t.AppendRow(table.Row{label, c.Name, c.Nodes, c.Pods, c.Fit, c.Free, strings.ReplaceAll(c.Bound, ", ", "/"), c.cores(), c.memory(), money(c.Month), money(c.ContainerMonth), percent(c.Saving)})
		}
	}
	t.AppendFooter(table.Row{"all", count(r.Cities, "city", "cities"), r.Nodes, r.Pods, r.Fit, r.Free, "", "", "", money(r.Month), money(r.ContainerMonth), percent(r.Saving)})
	alignRight(t, 3, 4, 5, 6, 8, 9, 10, 11, 12)
	t.Render()
	_, _ = fmt.Fprintln(w, "cores and GiB: what each node has for battle pods; first out: what they run out of first; containers: what nodes for as many of those cost")
	for _, note := range r.Notes {
		_, _ = fmt.Fprintln(w, "note:", note)
	}
}

// Fleet sums several regions up, a line for each currency.
func Fleet(w io.Writer, regions []Region) {
	totals := map[string]*Totals{}
	counts := map[string]int{}
	for _, r := range regions {
		if totals[r.Currency] == nil {
			totals[r.Currency] = &Totals{}
		}
		totals[r.Currency].add(r.Totals)
		counts[r.Currency]++
	}
	for _, currency := range slices.Sorted(maps.Keys(totals)) {
		t := totals[currency]
		_, _ = fmt.Fprintf(w, "fleet: %s, %s, %s\n", count(counts[currency], "region", "regions"), count(t.Cities, "city", "cities"), t.sentences(currency))
	}
}

// sentences say what the totals come to, in two lines.
func (t Totals) sentences(currency string) string {
	return fmt.Sprintf("%s, %s of %d that fit\n%s %s a month; as containers of 2 cores and 2 GiB %s on %s: %s saved; images up to %s, containers' %s",
		count(t.Nodes, "node", "nodes"), count(t.Pods, "battle pod", "battle pods"), t.Fit, money(t.Month), currency, money(t.ContainerMonth),
		count(t.ContainerNodes, "node", "nodes"), percent(t.Saving), storage(t.StorageMB), storage(t.ContainerStorageMB))
}

func (c City) cores() string {
	return span(c.Rooms, func(r Room) int64 { return r.CPU }, config.Cores)
}

func (c City) memory() string {
	return span(c.Rooms, func(r Room) int64 { return r.Memory }, func(n int64) string {
		return strconv.FormatFloat(float64(n)/(1<<30), 'f', 1, 64)
	})
}

// span writes one value where the nodes are alike, else the least and the most.
func span(rooms []Room, of func(Room) int64, write func(int64) string) string {
	if len(rooms) == 0 {
		return ""
	}
	least, most := of(rooms[0]), of(rooms[0])
	for _, r := range rooms {
		least, most = min(least, of(r)), max(most, of(r))
	}
	if low, high := write(least), write(most); low != high {
		return low + "-" + high
	}
	return write(least)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// money writes an amount in whole units, with a comma before each three digits.
func money(amount float64) string {
	digits := strconv.FormatFloat(math.Abs(math.Round(amount)), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// percent is rounded down, so that nothing sounds better than it is.
func percent(p float64) string { return fmt.Sprintf("%.0f %%", math.Floor(p+1e-9)) }

func storage(mb int) string {
	if mb < 1000 {
		return fmt.Sprintf("%d MB", mb)
	}
	return fmt.Sprintf("%.1f GB", float64(mb)/1000)
}

func newTable(w io.Writer) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header, t.Style().Format.Footer = text.FormatDefault, text.FormatDefault
	return t
}

// alignRight aligns columns, counted from 1.
func alignRight(t table.Writer, columns ...int) {
	var configs []table.ColumnConfig
	for _, n := range columns {
		configs = append(configs, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignFooter: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
}
