//go:build e2e

package tests

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/internal/dashboard"
	"github.com/edge-arena/edge-arena/modules/monitoring"
	data "github.com/edge-arena/edge-arena/monitoring"
	"github.com/edge-arena/edge-arena/monitoring/rules"
)

// sparse are the recorded series that have no data in a city which is some minutes old, and why.
func sparse() map[string]string {
	return map[string]string{"city:slo_budget_spent:ratio30d": onTheHour}
}

const onTheHour = "is reckoned from what was on each full hour: a region that is younger than its first has none"

// requireRules asserts that each recording rule has data where it is evaluated.
func (w *watched) requireRules() {
	w.t.Helper()
	for _, where := range []struct {
		city, prometheus string
		files            map[string]string
	}{{"far", own, data.CityRules()}, {"hub", own, data.CityRules()}, {"hub", longTerm, data.HubRules()}} {
		missing := records(w.t, where.files)
		require.Eventually(w.t, func() bool {
			missing = slices.DeleteFunc(missing, func(record string) bool {
				result, err := w.query(where.city, where.prometheus, record)
				return err == nil && len(result) > 0
			})
			return len(missing) == 0
		}, 2*time.Minute, 5*time.Second, "%s, %s: without data: %v", where.city, where.prometheus, &missing)
	}
	for _, record := range []string{"edge_arena_city_info", "edge_arena_city_battle_pods_desired", "edge_arena_city_node_cost", "city:awaited:bool"} {
		result, err := w.query("hub", longTerm, record)
		require.NoError(w.t, err)
		require.Len(w.t, result, 2, "%s, of both cities", record)
	}
	require.Eventually(w.t, func() bool { return w.told(rules.Watchdog, `hears from cities (2)`) }, time.Minute, 2*time.Second, "the hub's sign of life reaches Alertmanager")
}

// records are the names that rules record, once each.
func records(t *testing.T, files map[string]string) []string {
	t.Helper()
	var names []string
	for name, text := range files {
		var file struct {
			Groups []struct {
				Rules []struct{ Record string }
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(text), &file), name)
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				if _, is := sparse()[r.Record]; r.Record != "" && !is && !slices.Contains(names, r.Record) {
					names = append(names, r.Record)
				}
			}
		}
	}
	slices.Sort(names)
	require.NotEmpty(t, names)
	return names
}

// panel is a query of a dashboard.
type panel struct{ dashboard, title, source, expr string }

func (p panel) String() string { return p.dashboard + ": " + p.title + ": " + p.expr }

// panels are the queries of all dashboards.
func panels(t *testing.T) []panel {
	t.Helper()
	type target struct {
		Expr       string
		Datasource struct{ Type string }
	}
	type item struct {
		Title   string
		Targets []target
		Panels  []json.RawMessage
	}
	var all []panel
	var walk func(dashboard string, raw []json.RawMessage)
	walk = func(dashboard string, raw []json.RawMessage) {
		for _, one := range raw {
			var p item
			require.NoError(t, json.Unmarshal(one, &p))
			for _, q := range p.Targets {
				all = append(all, panel{dashboard, p.Title, q.Datasource.Type, q.Expr})
			}
			walk(dashboard, p.Panels)
		}
	}
	boards := data.Dashboards()
	for _, name := range slices.Sorted(maps.Keys(boards)) {
		var d struct{ Panels []json.RawMessage }
		require.NoError(t, json.Unmarshal([]byte(boards[name]), &d), name)
		walk(name, d.Panels)
	}
	require.NotEmpty(t, all)
	return all
}

// emptyPanels are the panels that have no data in a region which is well and some minutes old, by what their query holds, and why.
func emptyPanels() map[string]string {
	return map[string]string{
		"city:slo_budget_spent:ratio30d":                                     onTheHour,
		"kubelet_runtime_operations_errors_total":                            noErrors,
		"apiserver_admission_webhook_fail_open_count":                        noErrors,
		`apiserver_admission_webhook_rejection_count{error_type!="no_error"`: noErrors,
	}
}

const noErrors = "counts errors, and is not there before the first"

// requirePanels asserts that each panel's query has data, from the hub's stores, with all cities chosen.
func (w *watched) requirePanels() {
	w.t.Helper()
	sources, err := monitoring.Sources(w.connections["hub"])
	require.NoError(w.t, err)
	variables := monitoring.Variables("")
	todo := panels(w.t)
	var last string
	done := func() bool {
		todo = slices.DeleteFunc(todo, func(p panel) bool {
			for part := range emptyPanels() {
				if strings.Contains(p.expr, part) {
					return true
				}
			}
			now := time.Now()
			span := dashboard.Span{From: now.Add(-10 * time.Minute), To: now, Step: 15 * time.Second}
			expr := dashboard.Expand(p.expr, variables, span)
			source := sources.Prometheus
			if p.source == "loki" {
				source = sources.Loki
			}
			answer, err := source.Range(w.t.Context(), expr, span)
			if err != nil {
				last = err.Error()
			}
			return err == nil && (len(answer.Series) > 0 || len(answer.Lines) > 0)
		})
		return len(todo) == 0
	}
	for until := time.Now().Add(90 * time.Second); !done() && time.Now().Before(until); time.Sleep(5 * time.Second) {
	}
	for _, p := range todo {
		w.t.Errorf("no data: %v", p)
	}
	w.drawPanels(sources)
	require.Empty(w.t, todo, "panels without data; the last error: %s", last)
}

// drawPanels leaves the dashboards as pages in the checkout's state: what they show of this run.
func (w *watched) drawPanels(sources dashboard.Sources) {
	w.t.Helper()
	dir := machine.ws.Path("dashboards")
	require.NoError(w.t, os.MkdirAll(dir, 0o755))
	now := time.Now()
	for name, text := range data.Dashboards() {
		board, err := dashboard.Parse(text)
		require.NoError(w.t, err, name)
		var page bytes.Buffer
		span := dashboard.Span{From: now.Add(-10 * time.Minute), To: now, Step: 15 * time.Second}
		require.NoError(w.t, dashboard.Draw(w.t.Context(), &page, board, sources, monitoring.Variables(""), span), name)
		require.NoError(w.t, os.WriteFile(filepath.Join(dir, strings.TrimSuffix(name, ".json")+".html"), page.Bytes(), 0o600))
	}
}
