package dashboards

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/loki"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// All are the dashboards by file name, as JSON.
func All() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, b := range boards() {
		text, err := b.json()
		if err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", b.file, err)
		}
		files[b.file+".json"] = text
	}
	return files, nil
}

// json is the dashboard as Grafana reads it, indented to be reviewed.
func (b board) json() ([]byte, error) {
	d, err := b.build()
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	// It is read by people, not by browsers.
	plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
	return []byte(plain + "\n"), nil
}

func (b board) build() (dashboard.Dashboard, error) {
	from := b.from
	if from == "" {
		from = "now-1h"
	}
	builder := dashboard.NewDashboardBuilder(b.title).Uid(UIDPrefix+b.file).Description(b.description).Tags([]string{"edge-arena"}).
		Refresh("30s").Time(from, "now").Timezone(common.TimeZoneBrowser).Readonly().Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Link(dashboard.NewDashboardLinkBuilder("edge-arena").Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{"edge-arena"}).
			AsDropdown(true).IncludeVars(true).KeepTime(true)).
		Annotation(b.firing())
	for _, v := range b.variables {
		builder.WithVariable(v.build())
	}
	d, err := builder.Build()
	if err != nil {
		return d, err
	}
	place := grid{}
	for _, r := range b.rows {
		d.Panels = append(d.Panels, dashboard.PanelOrRowPanel{RowPanel: place.heading(r.title)})
		for _, p := range r.panels {
			built, err := p.build()
			if err != nil {
				return d, fmt.Errorf("panel %q: %w", p.title, err)
			}
			place.put(&built, p.width, p.height)
			d.Panels = append(d.Panels, dashboard.PanelOrRowPanel{Panel: &built})
		}
	}
	return d, nil
}

// firing marks the times at which alerts began.
func (b board) firing() *dashboard.AnnotationQueryBuilder {
	scope := "@city"
	if !b.has("city") {
		scope = "@region"
	}
	return dashboard.NewAnnotationQueryBuilder().Name("Alerts").Enable(true).IconColor(red).
		Datasource(source(Prometheus)).Expr(in(`ALERTS{` + firing + `,` + scope + `}`))
}

func (b board) has(name string) bool {
	return slices.ContainsFunc(b.variables, func(v variable) bool { return v.name == name })
}

// grid gives panels their places: from left to right, in lines of 24 columns.
type grid struct {
	x, y, deepest, id uint32
}

func (g *grid) number() *uint32 {
	g.id++
	return new(g.id)
}

func (g *grid) breakLine() { g.x, g.y, g.deepest = 0, g.y+g.deepest, 0 }

func (g *grid) heading(title string) *dashboard.RowPanel {
	g.breakLine()
	r := &dashboard.RowPanel{
		Type: "row", Title: &title, Id: *g.number(), Panels: []dashboard.Panel{}, GridPos: &dashboard.GridPos{W: 24, H: 1, Y: g.y},
	}
	g.y++
	return r
}

func (g *grid) put(p *dashboard.Panel, width, height uint32) {
	if g.x+width > 24 {
		g.breakLine()
	}
	p.Id, p.GridPos = g.number(), &dashboard.GridPos{X: g.x, Y: g.y, W: width, H: height}
	g.x, g.deepest = g.x+width, max(g.deepest, height)
}

func source(uid string) common.DataSourceRef { return common.DataSourceRef{Type: &uid, Uid: &uid} }

func (p panel) build() (dashboard.Panel, error) {
	d, err := p.base().Build()
	if err != nil {
		return d, err
	}
	d.Title, d.Description, d.Transparent = &p.title, &p.description, nil
	from := source(Prometheus)
	if p.kind.ofLogs() {
		from = source(Loki)
	}
	d.Datasource = &from
	for i := range p.queries {
		target, err := p.target(i, from)
		if err != nil {
			return d, err
		}
		d.Targets = append(d.Targets, target)
	}
	if d.FieldConfig == nil {
		d.FieldConfig = dashboard.NewFieldConfigSource()
	}
	defaults := &d.FieldConfig.Defaults
	defaults.Unit, defaults.Max = &p.unit, p.max
	defaults.Mappings = mappings(p.words)
	if steps := thresholds(p.steps); steps != nil {
		defaults.Thresholds = steps
		if p.kind.atOnce() {
			defaults.Color = &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdThresholds}
		}
	}
	switch p.kind {
	case kindTable:
		p.arrange(&d)
	case kindMap:
		d.Transformations = []dashboard.DataTransformerConfig{{Id: "convertFieldType", Options: map[string]any{
			"conversions": []map[string]any{
				{"targetField": "latitude", "destinationType": "number"}, {"targetField": "longitude", "destinationType": "number"},
			},
		}}}
	}
	return d, nil
}

// target is a panel's query.
func (p panel) target(i int, from common.DataSourceRef) (variants.Dataquery, error) {
	query, ref := p.queries[i], string(rune('A'+i))
	if p.kind.ofLogs() {
		b := loki.NewDataqueryBuilder().Expr(query.expr).RefId(ref).Datasource(from).QueryType("range")
		if query.legend != "" {
			b.LegendFormat(query.legend)
		}
		return b.Build()
	}
	b := prometheus.NewDataqueryBuilder().Expr(query.expr).RefId(ref).Datasource(from).EditorMode(prometheus.QueryEditorModeCode)
	if p.kind.atOnce() {
		b.Instant()
	} else {
		b.Range()
	}
	switch p.kind {
	case kindTable, kindMap:
		b.Format(prometheus.PromQueryFormatTable)
	case kindHeat:
		b.Format(prometheus.PromQueryFormatHeatmap).LegendFormat("{{le}}")
	default:
		b.Format(prometheus.PromQueryFormatTimeSeries)
	}
	if query.legend != "" {
		b.LegendFormat(query.legend)
	}
	return b.Build()
}

func thresholds(steps []step) *dashboard.ThresholdsConfig {
	if len(steps) == 0 {
		return nil
	}
	c := &dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute}
	for i, s := range steps {
		t := dashboard.Threshold{Color: s.color}
		if i > 0 { // the first has no beginning
			t.Value = new(s.from)
		}
		c.Steps = append(c.Steps, t)
	}
	return c
}

func mappings(words map[string]word) []dashboard.ValueMapping {
	if len(words) == 0 {
		return nil
	}
	options := map[string]dashboard.ValueMappingResult{}
	for number, w := range words {
		options[number] = dashboard.ValueMappingResult{Text: new(w.text), Color: new(w.color)}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}}
}
