package fleet

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table writes the snapshot for people: every city, then what went wrong and what is owed.
func (s Snapshot) Table(w io.Writer) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row{"region", "city", "wave", "nodes", "pods", "step", "P50 ms", "P99 ms", "result"})
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 4, Align: text.AlignRight}, {Number: 5, Align: text.AlignRight}, {Number: 7, Align: text.AlignRight}, {Number: 8, Align: text.AlignRight},
	})
	for _, r := range s.Regions {
		for _, c := range r.Cities {
			t.AppendRow(table.Row{r.Name, c.Name, c.Wave, c.Nodes, c.Pods, c.Step, c.percentile(50), c.percentile(99), c.result()})
		}
		t.AppendSeparator()
	}
	t.Render()
	for _, r := range s.Regions {
		for _, line := range r.notes() {
			_, _ = fmt.Fprintln(w, line)
		}
	}
	_, _ = fmt.Fprintln(w, s.tally())
}

// percentile is what the last gate measured, in ms.
func (c CityStatus) percentile(p int) string {
	if c.Gate == nil {
		return ""
	}
	if p == 50 {
		return fmt.Sprintf("%.1f", c.Gate.RTT.P50)
	}
	return fmt.Sprintf("%.1f", c.Gate.RTT.P99)
}

// result is the city's state, and whether its objectives were held.
func (c CityStatus) result() string {
	if c.Gate == nil || c.State == Owed || c.State == Untouched {
		return string(c.State)
	}
	if !c.Gate.Pass {
		return string(c.State) + ", objectives missed"
	}
	return string(c.State) + ", objectives held"
}

// notes are the errors and debts of a region, a line each.
func (r RegionStatus) notes() []string {
	var lines []string
	for _, c := range r.Cities {
		if c.Owed != nil {
			lines = append(lines, fmt.Sprintf("owed: %s/%s since %s: %s", r.Name, c.Name, c.Owed.Since.Format("2006-01-02 15:04 MST"), c.Owed.Reason))
		}
		if c.Error != "" {
			lines = append(lines, fmt.Sprintf("%s: %s/%s: %s", c.State, r.Name, c.Name, firstLines(c.Error, 4)))
		}
	}
	if r.Error != "" {
		lines = append(lines, fmt.Sprintf("%s: region %s: %s", r.State, r.Name, firstLines(r.Error, 4)))
		if r.Log != "" {
			lines = append(lines, "  all that Pulumi printed: "+r.Log)
		}
	}
	return lines
}

func firstLines(s string, n int) string {
	lines := strings.SplitN(strings.TrimSpace(s), "\n", n+1)
	if len(lines) > n {
		lines[n] = "…"
	}
	return strings.Join(lines, "\n  ")
}
