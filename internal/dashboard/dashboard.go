// Package dashboard draws what Grafana's dashboards show as pages of their own, for where there is no Grafana: each panel's queries, as the dashboard
// has them, answered by Prometheus and Loki.
package dashboard

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Board is what is read of a Grafana dashboard.
type Board struct {
	Title       string  `json:"title"`
	Description string  `json:"description"`
	Panels      []Panel `json:"panels"`
}

// Panel is one of its panels, or the heading of a row of them.
type Panel struct {
	ID          int      `json:"id"`
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Targets     []Target `json:"targets"`
	// GridPos is its place in a grid of 24 columns.
	GridPos struct {
		H, W, X, Y int
	} `json:"gridPos"`
	// Transformations name a table's columns.
	Transformations []struct {
		Options struct {
			RenameByName map[string]string `json:"renameByName"`
		} `json:"options"`
	} `json:"transformations"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
}

// Target is one query of a panel.
type Target struct {
	RefID        string `json:"refId"`
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
	Instant      bool   `json:"instant"`
	Datasource   struct {
		Type string `json:"type"`
	} `json:"datasource"`
}

// The kinds of panels that are drawn.
const (
	kindRow     = "row"
	kindLines   = "timeseries"
	kindStat    = "stat"
	kindTable   = "table"
	kindHeatmap = "heatmap"
	kindMap     = "geomap" // as a table
	kindLogs    = "logs"
)

// Parse reads a dashboard. A kind of panel that cannot be drawn is an error: it would be missed by nobody.
func Parse(text string) (Board, error) {
	var b Board
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return b, fmt.Errorf("read dashboard: %w", err)
	}
	for _, p := range b.Panels {
		switch p.Type {
		case kindRow, kindLines, kindStat, kindTable, kindHeatmap, kindMap, kindLogs:
		default:
			return b, fmt.Errorf("read dashboard %s: panel %q: there is no way to draw a %q", b.Title, p.Title, p.Type)
		}
	}
	return b, nil
}

// Span is the time that is shown.
type Span struct {
	From, To time.Time
	// Step is the time between two points.
	Step time.Duration
}

// rateSteps is how many steps $__rate_interval is, with a least time that holds four scrapes.
const (
	rateSteps = 4
	leastRate = time.Minute
)

// Expand puts values in the place of a query's variables: $name and ${name}.
func Expand(expr string, variables map[string]string, span Span) string {
	interval := max(rateSteps*span.Step, leastRate).String()
	pairs := []string{"$__rate_interval", interval, "$__auto", interval, "$__interval", span.Step.String(), "$__range", span.To.Sub(span.From).String()}
	// Of two names that begin alike the longer one is meant.
	names := slices.SortedFunc(maps.Keys(variables), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	for _, name := range names {
		pairs = append(pairs, "${"+name+"}", variables[name], "$"+name, variables[name])
	}
	return strings.NewReplacer(pairs...).Replace(expr)
}
