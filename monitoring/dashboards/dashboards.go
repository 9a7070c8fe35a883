// Package dashboards makes Grafana's dashboards from the table of objectives. A dashboard is written as what it shows, a list of panels in rows; how Grafana
// wants that said is in build.go and kinds.go, by Grafana's foundation SDK.
//
// Queries name what they are about by a word of [scopes], so that each dashboard's variables narrow all of its panels.
package dashboards

import (
	"strings"
)

// The data sources by their uid, as modules/monitoring provisions them.
const (
	Prometheus = "prometheus"
	Loki       = "loki"
)

// UIDPrefix and a file's name without .json are a dashboard's uid.
const UIDPrefix = "edge-arena-"

// board is a dashboard.
type board struct {
	// file is its name without .json.
	file, title, description string
	// variables are those that its queries know, in the order in which they are shown.
	variables []variable
	rows      []row
	// from is where the time begins that it shows at first. Default is now-1h.
	from string
}

// row is a heading and the panels below it, which flow from left to right.
type row struct {
	title  string
	panels []panel
}

// panel shows something.
type panel struct {
	title, unit string
	// description says what the numbers are, and what is good.
	description string
	kind        kind
	queries     []query
	// width is in 24ths of the page, height in Grafana's rows.
	width, height uint32
	// steps color values, or are drawn as lines. The first is for the lowest values.
	steps []step
	// words are shown in place of numbers.
	words map[string]word
	// columns are a table's: see [table].
	columns []column
	max     *float64
}

// query is what a panel asks.
type query struct {
	// expr is PromQL, or LogQL for panels of logs.
	expr, legend string
}

// step says that values from a number on have a color.
type step struct {
	from  float64
	color string
}

// word is what a number is shown as.
type word struct{ text, color string }

// scopes are the words for what a query is about. They stand inside of a selector's braces.
func scopes() *strings.Replacer {
	const city = `region=~"$region",city=~"$city"`
	return strings.NewReplacer(
		"@battle", `job="battle",`+city+`,pod=~"$pod"`,
		"@pod", city+`,pod=~"$pod"`,
		"@node", city+`,node=~"$node"`,
		"@city", city,
		"@region", `region=~"$region"`,
	)
}

// in narrows a query's selectors.
func in(expr string) string { return scopes().Replace(expr) }

func q(expr, legend string) query { return query{expr: in(expr), legend: legend} }

// boards are all dashboards.
func boards() []board {
	return []board{
		fleet(), region(), city(), battle(), services(), policy(), node(), cost(), logs(),
	}
}

// Changes of a panel, to be chained.

func (p panel) wide(width uint32) panel { p.width = width; return p }

func (p panel) tall(height uint32) panel { p.height = height; return p }

func (p panel) colored(steps ...step) panel { p.steps = steps; return p }

func (p panel) saying(words map[string]word) panel { p.words = words; return p }

// asShare draws up to the whole.
func (p panel) asShare() panel { whole := 1.0; p.max = &whole; return p }

// below draws the line that values are to stay below.
func (p panel) below(limit float64) panel {
	return p.colored(step{0, green}, step{limit, red})
}

// above draws the line that values are to stay above.
func (p panel) above(limit float64) panel {
	return p.colored(step{0, red}, step{limit, green})
}

// Colors that Grafana has names for.
const (
	green  = "green"
	yellow = "yellow"
	red    = "red"
	blue   = "blue"
)
