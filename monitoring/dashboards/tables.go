package dashboards

import "github.com/grafana/grafana-foundation-sdk/go/dashboard"

// arrange makes a table of the columns that were asked for, in their order, and hides what else the queries bring.
func (p panel) arrange(d *dashboard.Panel) {
	order, names := map[string]int{}, map[string]string{}
	hidden := map[string]bool{"Time": true, "__name__": true}
	for i, c := range p.columns {
		order[c.field], names[c.field] = i, c.title
		delete(hidden, c.field)
		if properties := c.properties(); len(properties) > 0 {
			d.FieldConfig.Overrides = append(d.FieldConfig.Overrides, dashboard.DashboardFieldConfigSourceOverrides{
				Matcher: dashboard.MatcherConfig{Id: "byName", Options: c.title}, Properties: properties,
			})
		}
	}
	if len(p.queries) > 1 {
		d.Transformations = append(d.Transformations, dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}})
	}
	d.Transformations = append(d.Transformations, dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
		"indexByName": order, "renameByName": names, "excludeByName": hidden,
	}})
}

// properties are what differs in a column from the rest of its table.
func (c column) properties() []dashboard.DynamicConfigValue {
	var properties []dashboard.DynamicConfigValue
	add := func(id string, value any) {
		properties = append(properties, dashboard.DynamicConfigValue{Id: id, Value: value})
	}
	if c.unit != "" {
		add("unit", c.unit)
	}
	if steps := thresholds(c.steps); steps != nil {
		add("thresholds", steps)
	}
	if words := mappings(c.words); words != nil {
		add("mappings", words)
	}
	if c.steps != nil || c.words != nil {
		add("custom.cellOptions", map[string]any{"type": "color-background", "mode": "basic"})
	}
	return properties
}

// The severities of alerts, as package rules has them.
const (
	Page   = "page"
	Ticket = "ticket"
)
