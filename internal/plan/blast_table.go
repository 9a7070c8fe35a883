package plan

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// maxNames is how many names a cell of a table holds.
const maxNames = 3

// Table writes what is touched of the region for people.
func (b Blast) Table(w io.Writer, region string) {
	if len(b.Touched) == 0 {
		_, _ = fmt.Fprintf(w, "changes: none, %s untouched\n", count(len(b.Untouched), "city", "cities"))
	} else {
		_, _ = fmt.Fprintf(w, "changes: %d of %s touched; resources: %s\n", len(b.Touched), count(len(b.Touched)+len(b.Untouched), "city", "cities"), b.sentence())
		t := newTable(w)
		t.AppendHeader(table.Row{"city", "is", "nodes", "K3s runs on", "battle pods", "gate", "create", "update", "replace", "delete", "open"})
		for _, c := range b.Touched {
			t.AppendRow(table.Row{c.Name, c.What, c.nodes(), brief(c.K3s), c.Pods, c.Gate, c.Create, c.Update, c.Replace, c.Delete, c.Open})
		}
		alignRight(t, 7, 8, 9, 10, 11)
		t.Render()
	}
	for _, c := range b.Touched {
		if len(c.Refused) > 0 {
			_, _ = fmt.Fprintf(w, "refused: city %s: node %s is protected and would be uninstalled: put it back into the file, or consent with `arena fleet up --yes-remove-city %s/%s`\n",
				c.Name, strings.Join(c.Refused, ", "), region, c.Name)
		}
	}
	if b.Open > 0 {
		_, _ = fmt.Fprintln(w, "open: whether these objects change is known when K3s has run on the nodes named above")
	}
	for _, e := range b.Errors {
		_, _ = fmt.Fprintln(w, "error:", e)
	}
	if len(b.Errors) > 0 {
		_, _ = fmt.Fprintln(w, "the preview ended there: more may be touched than is told")
	}
}

func (c Counts) sentence() string {
	text := fmt.Sprintf("%d to create, %d to update, %d to replace, %d to delete", c.Create, c.Update, c.Replace, c.Delete)
	if c.Open > 0 {
		text += fmt.Sprintf(", %d open", c.Open)
	}
	return text
}

// nodes are those that come and go.
func (c CityBlast) nodes() string {
	var list []string
	for _, name := range c.Joined {
		list = append(list, "+"+name)
	}
	for _, name := range c.Left {
		list = append(list, "-"+name)
	}
	return brief(list)
}

// brief names the first few, and counts the others.
func brief(names []string) string {
	if len(names) <= maxNames {
		return strings.Join(names, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames-1], " "), len(names)-maxNames+1)
}
