package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// variable narrows a dashboard to some regions, cities, pods …
type variable struct {
	name, label string
	// query lists its values: a query of Grafana's for Prometheus. lokiLabel is a label of Loki's instead. With neither of them a text can be typed.
	query, lokiLabel string
	// description says what can be typed.
	description string
	// all is the regular expression for all of them.
	all string
}

// The variables. Where a city is by itself, without a hub, its own Prometheus has no labels `region` and `city`: `.*` finds that too.
func regionVariable() variable {
	return variable{name: "region", label: "Region", query: `label_values(up{job="prometheus"}, region)`, all: ".*"}
}

func cityVariable() variable {
	return variable{name: "city", label: "City", query: `label_values(up{job="prometheus",region=~"$region"}, city)`, all: ".*"}
}

func podVariable() variable {
	return variable{name: "pod", label: "Battle pod", query: in(`label_values(battle_tick_rate{@city}, pod)`), all: ".*"}
}

func nodeVariable() variable {
	return variable{name: "node", label: "Node", query: in(`label_values(node_memory_MemTotal_bytes{@city}, node)`), all: ".*"}
}

func regionAndCity() []variable { return []variable{regionVariable(), cityVariable()} }

func (v variable) build() cog.Builder[dashboard.VariableModel] {
	if v.query == "" && v.lokiLabel == "" {
		return dashboard.NewTextBoxVariableBuilder(v.name).Label(v.label).Description(v.description).DefaultValue(dashboard.StringOrMap{String: new("")})
	}
	asked, from := dashboard.StringOrMap{String: &v.query}, source(Prometheus)
	if v.lokiLabel != "" {
		asked, from = dashboard.StringOrMap{Map: map[string]any{"label": v.lokiLabel, "refId": "A", "stream": "", "type": 1}}, source(Loki)
	}
	return dashboard.NewQueryVariableBuilder(v.name).Label(v.label).Query(asked).Datasource(from).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc).Multi(true).IncludeAll(true).AllValue(v.all).
		Current(dashboard.VariableOption{
			Selected: new(true), Text: dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
			Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
		})
}
