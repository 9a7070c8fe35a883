package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/geomap"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	sdklogs "github.com/grafana/grafana-foundation-sdk/go/logs"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	sdktable "github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// kind is how a panel shows what it has.
type kind int

const (
	kindGraph kind = iota
	kindStat
	kindTable
	kindHeat
	kindMap
	kindLogs
	kindLogGraph
)

// atOnce says whether a panel asks for the present alone.
func (k kind) atOnce() bool { return k == kindStat || k == kindTable || k == kindMap }

// ofLogs says whether a panel asks Loki.
func (k kind) ofLogs() bool { return k == kindLogs || k == kindLogGraph }

// graph shows how numbers change.
func graph(title, unit, description string, queries ...query) panel {
	return panel{kind: kindGraph, title: title, unit: unit, description: description, queries: queries, width: 8, height: 8}
}

// number shows one number, or one for each of a few things.
func number(title, unit, description string, queries ...query) panel {
	return panel{kind: kindStat, title: title, unit: unit, description: description, queries: queries, width: 4, height: 4}
}

// heat shows how a histogram changes.
func heat(title, unit, description string, queries ...query) panel {
	return panel{kind: kindHeat, title: title, unit: unit, description: description, queries: queries, width: 12, height: 9}
}

// column is a column of a table: a label, or the value of a query.
type column struct {
	// field is the label's name, or `Value #A` for the first query's value, `Value` where there is one query.
	field, title string
	// unit, steps and words are those of a value's column.
	unit  string
	steps []step
	words map[string]word
}

// table shows the labels of what is, each thing in one line.
func table(title, unit, description string, columns []column, queries ...query) panel {
	return panel{kind: kindTable, title: title, unit: unit, description: description, queries: queries, columns: columns, width: 12, height: 10}
}

// worldMap shows a value at each city's place.
func worldMap(title, unit, description string, queries ...query) panel {
	return panel{kind: kindMap, title: title, unit: unit, description: description, queries: queries, width: 12, height: 16}
}

// logLines shows lines.
func logLines(title, description string, queries ...query) panel {
	return panel{kind: kindLogs, title: title, unit: "none", description: description, queries: queries, width: 24, height: 14}
}

// logGraph shows how many there are.
func logGraph(title, unit, description string, queries ...query) panel {
	return panel{kind: kindLogGraph, title: title, unit: unit, description: description, queries: queries, width: 12, height: 8}
}

// base is the panel of a kind with what is the kind's own.
func (p panel) base() cog.Builder[dashboard.Panel] {
	switch p.kind {
	case kindStat:
		return stat.NewPanelBuilder().ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeNone).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	case kindTable:
		return sdktable.NewPanelBuilder().CellHeight(common.TableCellHeightSm).Filterable(true).
			Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{}))
	case kindHeat:
		return heatmap.NewPanelBuilder().Calculate(false).CellGap(1).ShowLegend().
			Color(heatmap.NewHeatmapColorOptionsBuilder().Mode(heatmap.HeatmapColorModeScheme).Scheme("Turbo").Steps(64)).
			YAxis(heatmap.NewYAxisConfigBuilder().Unit(p.unit))
	case kindMap:
		return geomap.NewPanelBuilder().View(geomap.NewMapViewConfigBuilder().Id("fit").AllLayers(true).Padding(20)).
			Basemap(common.NewMapLayerOptionsBuilder().Type("default").Name("Base")).
			Layers([]cog.Builder[common.MapLayerOptions]{cities()})
	case kindLogs:
		return sdklogs.NewPanelBuilder().ShowTime(true).WrapLogMessage(true).EnableLogDetails(true).SortOrder(common.LogsSortOrderDescending)
	default:
		b := timeseries.NewPanelBuilder().FillOpacity(8).ShowPoints(common.VisibilityModeNever).LineWidth(1).
			Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
			Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
		if len(p.steps) > 0 {
			b.ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
		}
		return b
	}
}

// cities is the layer of a map with a mark at each city, by the fields `latitude` and `longitude`, colored by the value.
func cities() cog.Builder[common.MapLayerOptions] {
	return common.NewMapLayerOptionsBuilder().Type("markers").Name("Cities").Tooltip(true).
		Location(common.NewFrameGeometrySourceBuilder().Mode(common.FrameGeometrySourceModeCoords).Latitude("latitude").Longitude("longitude")).
		Config(map[string]any{
			"showLegend": true,
			"style": map[string]any{
				"color":   map[string]any{"field": "Value", "fixed": green},
				"size":    map[string]any{"fixed": 8, "min": 4, "max": 14},
				"opacity": 0.8,
				"symbol":  map[string]any{"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
				"text":    map[string]any{"field": "city", "fixed": "", "mode": "field"},
				"textConfig": map[string]any{
					"fontSize": 11, "offsetX": 0, "offsetY": 14, "textAlign": "center", "textBaseline": "middle",
				},
			},
		})
}
