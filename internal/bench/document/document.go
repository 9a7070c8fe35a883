// Package document writes what a benchmark has measured: tables at a terminal, and the same as Markdown in a document.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Document is a report that is ready to be written.
type Document struct {
	// Command is what the user typed.
	Command string
	// Where says on what, and when, all of it was measured.
	Where string
	// Warnings are doubts about the numbers.
	Warnings []string
	// Sections are the tables, in order.
	Sections []Section
}

// Section is a table with what must be known to read it.
type Section struct {
	// Title heads the table, Conditions say how it was measured.
	Title, Conditions string
	// Header names the columns: the first is text, the others are numbers. Rows have as many cells.
	Header []string
	Rows   [][]string
	// Folded is shown in a document only when it is asked for.
	Folded bool
	// Charts are shown below the table in a document.
	Charts []Chart
}

// Chart is a picture of what is in a table.
type Chart struct {
	// Title says what it shows, to those who do not see it too.
	Title string
	// File is where it is put, seen from the document: `charts/rtt.svg`. SVG is what it is.
	File string
	SVG  []byte
}

// Table writes the document for people at a terminal.
func (d Document) Table(w io.Writer) {
	_, _ = fmt.Fprintln(w, d.Where)
	for _, s := range d.Sections {
		_, _ = fmt.Fprintf(w, "\n%s\n%s\n%s\n", s.Title, text.WrapSoft(s.Conditions, 120), s.table().Render())
	}
	for _, warning := range d.Warnings {
		_, _ = fmt.Fprintf(w, "\nwarning: %s\n", warning)
	}
}

// Markdown writes the document as Markdown.
func (d Document) Markdown(w io.Writer) {
	_, _ = fmt.Fprintf(w, "Measured by `%s`.\n\nMachine: %s.\n", d.Command, d.Where)
	for _, warning := range d.Warnings {
		_, _ = fmt.Fprintf(w, "\n> Warning: %s.\n", warning)
	}
	for _, s := range d.Sections {
		if s.Folded {
			_, _ = fmt.Fprintf(w, "\n<details>\n<summary>%s</summary>\n\n%s\n\n%s\n\n</details>\n", s.Title, s.Conditions, s.table().RenderMarkdown())
			continue
		}
		_, _ = fmt.Fprintf(w, "\n### %s\n\n%s\n\n%s\n", s.Title, s.Conditions, s.table().RenderMarkdown())
		for _, c := range s.Charts {
			_, _ = fmt.Fprintf(w, "\n![%s](%s)\n", c.Title, c.File)
		}
	}
}

func (s Section) table() table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(row(s.Header))
	var columns []table.ColumnConfig
	for n := range s.Header[1:] {
		columns = append(columns, table.ColumnConfig{Number: n + 2, Align: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	for _, cells := range s.Rows {
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

// WriteMarkdown puts the document into the file at path: between the marks begin and end, where the file has them, and else into a file of
// its own; and its charts beside that. A file without the marks is an error.
func (d Document) WriteMarkdown(path, begin, end string) error {
	var fragment bytes.Buffer
	d.Markdown(&fragment)
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		old, err = []byte(begin+end), nil
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	before, rest, found := strings.Cut(string(old), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("write report: %s: has no %s with an %s behind it", path, begin, end)
	}
	whole := before + begin + "\n\n" + fragment.String() + "\n" + end + after
	if err := d.writeCharts(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := os.WriteFile(path, []byte(whole), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// writeCharts writes the charts to where a document in the folder shows them.
func (d Document) writeCharts(folder string) error {
	for _, s := range d.Sections {
		for _, c := range s.Charts {
			file := filepath.Join(folder, filepath.FromSlash(c.File))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(file, c.SVG, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
