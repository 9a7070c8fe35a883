package drift

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"

	"github.com/jedib0t/go-pretty/v6/table"
)

// sha256Sum is a checksum; in a table its beginning has to do.
var sha256Sum = regexp.MustCompile(`^[0-9a-f]{64}$`)

// width is that of the columns that show what was wanted and found.
const width = 60

// Table writes the reports for people: a line for each difference, and one for each node that has none or could not be read.
func Table(w io.Writer, reports []NodeReport) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"city", "node", "K3s", "WasmEdge", "differs", "wanted", "found"})
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 6, WidthMax: width}, {Number: 7, WidthMax: width}})
	for _, r := range reports {
		switch {
		case r.Error != "":
			t.AppendRow(table.Row{r.City, r.Node, "", "", "could not be read", "", r.Error})
		case len(r.Differences) == 0:
			t.AppendRow(table.Row{r.City, r.Node, r.K3s, r.WasmEdge, "nothing", "", ""})
		}
		if r.Drifted() {
			for _, d := range r.Differences {
				t.AppendRow(table.Row{r.City, r.Node, r.K3s, r.WasmEdge, d.Item, shown(d.Wanted), shown(d.Found)})
			}
		}
	}
	t.Render()
}

func shown(value string) string {
	if sha256Sum.MatchString(value) {
		return value[:12] + "…"
	}
	return value
}

// WriteJSON writes the reports for programs, by stack.
func WriteJSON(w io.Writer, reports map[string][]NodeReport) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(reports); err != nil {
		return fmt.Errorf("write drift: %w", err)
	}
	return nil
}
