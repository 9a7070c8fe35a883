package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// begin and end mark where a document has the fragment.
const (
	begin = "<!-- arena bench-fleet: begin -->"
	end   = "<!-- arena bench-fleet: end -->"
)

// section is a table with what must be known to read it.
type section struct {
	title, conditions string
	header            []string
	rows              [][]string
	// folded is shown in a document only when it is asked for.
	folded bool
}

// where says on what all of it was measured.
func (r *Report) where() string {
	return fmt.Sprintf("%s, %d cores, %.1f GB of memory, %s %s, load %s before the last run; K3s %s; report of %s",
		r.Machine.CPU, r.Machine.Cores, gb(r.Machine.Memory), r.Machine.OS, r.Machine.Kernel, r.Load, r.K3s, r.Started.Format(time.DateTime+" MST"))
}

// Table writes the report for people at a terminal.
func (r *Report) Table(w io.Writer) {
	_, _ = fmt.Fprintln(w, r.where())
	for _, s := range r.sections() {
		_, _ = fmt.Fprintf(w, "\n%s\n%s\n%s\n", s.title, text.WrapSoft(s.conditions, 120), s.table().Render())
	}
	for _, warning := range r.Warnings() {
		_, _ = fmt.Fprintf(w, "\nwarning: %s\n", warning)
	}
}

// Markdown writes the report for a document.
func (r *Report) Markdown(w io.Writer) {
	_, _ = fmt.Fprintf(w, "Measured by `%s`.\n\nMachine: %s.\n", r.Command, r.where())
	for _, warning := range r.Warnings() {
		_, _ = fmt.Fprintf(w, "\n> Warning: %s.\n", warning)
	}
	for _, s := range r.sections() {
		if s.folded {
			_, _ = fmt.Fprintf(w, "\n<details>\n<summary>%s</summary>\n\n%s\n\n%s\n\n</details>\n", s.title, s.conditions, s.table().RenderMarkdown())
			continue
		}
		_, _ = fmt.Fprintf(w, "\n### %s\n\n%s\n\n%s\n", s.title, s.conditions, s.table().RenderMarkdown())
	}
}

func (s *section) table() table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(row(s.header))
	var columns []table.ColumnConfig
	for n := range s.header[1:] {
		columns = append(columns, table.ColumnConfig{Number: n + 2, Align: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	for _, cells := range s.rows {
		t.AppendRow(row(cells))
	}
	return t
}

func row(cells []string) table.Row {
	r := make(table.Row, 0, len(cells))
	for _, c := range cells {
		r = append(r, c)
	}
	return r
}

// WriteMarkdown puts the report into the file at path: between the marks, where the file has them, and else into a file of its own.
func (r *Report) WriteMarkdown(path string) error {
	var fragment bytes.Buffer
	r.Markdown(&fragment)
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		old, err = []byte(begin+end), nil
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	document, err := splice(string(old), fragment.String())
	if err != nil {
		return fmt.Errorf("write report: %s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(document), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// splice puts the fragment between the marks of a document.
func splice(document, fragment string) (string, error) {
	before, rest, found := strings.Cut(document, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("has no %s with an %s behind it", begin, end)
	}
	return before + begin + "\n\n" + fragment + "\n" + end + after, nil
}
