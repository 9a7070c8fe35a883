package dashboard

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// colors is how many colors curves have. After that they begin again.
const colors = 8

// mostCurves is how many curves of one panel are named below it.
const mostCurves = 12

//go:embed page.html.tmpl
var pageText string

// Sources answer the panels' queries.
type Sources struct {
	// Prometheus and Loki. Required.
	Prometheus, Loki Source
}

// view is a page as the template wants it.
type view struct {
	Board  Board
	From   string
	To     string
	Colors []int
	Panels []panelView
}

// panelView is a panel that has been drawn. The grid's columns and rows count from 1.
type panelView struct {
	Panel
	Column, Row int
	Heading     bool
	Chart       template.HTML
	Curves      []curve
	More        int
	Stats       []curve
	Header      []string
	Rows        [][]string
	Lines       []Line
	Empty       bool
}

// Draw asks all of a dashboard's queries and writes the page. Variables are those of its queries. A panel without data says so; a query that fails
// is an error.
func Draw(ctx context.Context, w io.Writer, b Board, sources Sources, variables map[string]string, span Span) error {
	v := view{Board: b, From: span.From.UTC().Format("2006-01-02 15:04:05"), To: span.To.UTC().Format("15:04:05 UTC")}
	for i := range colors {
		v.Colors = append(v.Colors, i)
	}
	var errs []error
	for _, p := range b.Panels {
		drawn, err := draw(ctx, p, sources, variables, span)
		if err != nil {
			errs = append(errs, fmt.Errorf("panel %q: %w", p.Title, err))
			continue
		}
		v.Panels = append(v.Panels, drawn)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("draw dashboard %s: %w", b.Title, err)
	}
	page, err := template.New("page").Parse(pageText)
	if err == nil {
		err = page.Execute(w, v)
	}
	if err != nil {
		return fmt.Errorf("draw dashboard %s: %w", b.Title, err)
	}
	return nil
}

// draw asks one panel's queries.
func draw(ctx context.Context, p Panel, sources Sources, variables map[string]string, span Span) (panelView, error) {
	v := panelView{Panel: p, Column: p.GridPos.X + 1, Row: p.GridPos.Y + 1, Heading: p.Type == kindRow}
	if v.Heading {
		return v, nil
	}
	var series []Series
	table := newTable()
	for _, t := range p.Targets {
		source := sources.Prometheus
		if t.Datasource.Type == "loki" {
			source = sources.Loki
		}
		ask := source.Range
		if t.Instant {
			ask = source.Instant
		}
		answer, err := ask(ctx, Expand(t.Expr, variables, span), span)
		if err != nil {
			return v, err
		}
		series = append(series, answer.Series...)
		v.Lines = append(v.Lines, answer.Lines...)
		for _, s := range answer.Series {
			v.Curves = append(v.Curves, curve{Name: legend(t, s), points: s.Points, Last: format(s.Points[len(s.Points)-1].Value, p.FieldConfig.Defaults.Unit)})
			table.add(t, s, len(p.Targets) > 1)
		}
	}
	v.Empty = len(series) == 0 && len(v.Lines) == 0
	switch p.Type {
	case kindLines:
		slices.SortStableFunc(v.Curves, func(a, b curve) int { return strings.Compare(a.Name, b.Name) })
		for i := range v.Curves {
			v.Curves[i].Color = i % colors
		}
		if !v.Empty {
			v.Chart = lines(v.Curves, p.FieldConfig.Defaults.Unit, span)
		}
		if v.More = max(0, len(v.Curves)-mostCurves); v.More > 0 {
			v.Curves = v.Curves[:mostCurves]
		}
	case kindHeatmap:
		v.Chart, v.Curves = heat(series, span), nil
	case kindStat:
		v.Stats, v.Curves = v.Curves, nil
	case kindTable, kindMap:
		v.Header, v.Rows = table.rows(p)
		v.Curves = nil
	case kindLogs:
		sort.SliceStable(v.Lines, func(i, j int) bool { return v.Lines[i].At.After(v.Lines[j].At) })
		v.Curves = nil
	}
	return v, nil
}

// place stands for a label's value in a legend's format.
var place = regexp.MustCompile(`{{\s*([a-zA-Z0-9_]+)\s*}}`)

// legend names a series as Grafana does: by the format that is given, else by its labels.
func legend(t Target, s Series) string {
	if t.LegendFormat != "" && t.LegendFormat != "__auto" {
		return place.ReplaceAllStringFunc(t.LegendFormat, func(m string) string { return s.Labels[place.FindStringSubmatch(m)[1]] })
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		if name != "__name__" {
			parts = append(parts, s.Labels[name])
		}
	}
	return strings.Join(parts, " ")
}

// table puts what several queries gave for the same labels in one row.
type table struct {
	labels, values map[string]bool
	byKey          map[string]map[string]string
}

func newTable() *table {
	return &table{labels: map[string]bool{}, values: map[string]bool{}, byKey: map[string]map[string]string{}}
}

// add takes a series of a target; several says that the panel has others.
func (t *table) add(target Target, s Series, several bool) {
	column := "Value" // As Grafana calls it.
	if several {
		column += " #" + target.RefID
	}
	t.values[column] = true
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		if name != "__name__" {
			t.labels[name] = true
			key.WriteString(name + "=" + s.Labels[name] + "\x00")
		}
	}
	row := t.byKey[key.String()]
	if row == nil {
		row = maps.Clone(s.Labels)
		if row == nil {
			row = map[string]string{}
		}
		t.byKey[key.String()] = row
	}
	row["\x00"+column] = format(s.Points[len(s.Points)-1].Value, "")
}

// rows are those of a panel, with its names for the columns.
func (t *table) rows(p Panel) (header []string, rows [][]string) {
	labels, values := slices.Sorted(maps.Keys(t.labels)), slices.Sorted(maps.Keys(t.values))
	for _, key := range slices.Sorted(maps.Keys(t.byKey)) {
		var row []string
		for _, name := range labels {
			row = append(row, t.byKey[key][name])
		}
		for _, name := range values {
			row = append(row, t.byKey[key]["\x00"+name])
		}
		rows = append(rows, row)
	}
	header = slices.Concat(labels, values)
	for _, transformation := range p.Transformations {
		for i, name := range header {
			header[i] = cmp.Or(transformation.Options.RenameByName[name], name)
		}
	}
	return header, rows
}
