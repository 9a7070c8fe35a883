package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/modules/monitoring"
)

func TestChoosePage(t *testing.T) {
	t.Parallel()
	hub := monitoring.Summary{Enabled: true, Hub: true, LongTerm: true, Loki: true}
	cities := map[string]stack.City{
		"shanghai": {Monitoring: hub},
		"suzhou":   {Monitoring: monitoring.Summary{Enabled: true}},
		"wuxi":     {},
	}
	tests := map[string]struct {
		what, city, at, app, fails string
	}{
		"the long-term Prometheus": {what: "prometheus", at: "shanghai", app: "prometheus-hub"},
		"a city's own":             {what: "prometheus", city: "suzhou", at: "suzhou", app: "prometheus"},
		"the hub's own":            {what: "prometheus", city: "shanghai", at: "shanghai", app: "prometheus"},
		"Loki":                     {what: "loki", at: "shanghai", app: "loki"},
		"Alertmanager":             {what: "alertmanager", at: "shanghai", app: "alertmanager"},
		"no Grafana":               {what: "grafana", fails: "the region's hub, city shanghai, has none"},
		"no Loki in a city":        {what: "loki", city: "suzhou", fails: "city suzhou has none"},
		"nobody watches":           {what: "prometheus", city: "wuxi", fails: "city wuxi has none"},
		"no such city":             {what: "prometheus", city: "ningbo", fails: "there is no city ningbo: there are shanghai, suzhou, wuxi"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, page, err := choosePage(cities, tt.what, tt.city)
			if tt.fails != "" {
				require.ErrorContains(t, err, tt.fails)
				return
			}
			require.NoError(t, err)
			require.Equal(t, [2]string{tt.at, tt.app}, [2]string{at, page.App})
		})
	}
	_, _, err := choosePage(map[string]stack.City{"wuxi": {}}, "grafana", "")
	require.ErrorContains(t, err, "no city of it is a hub")

	hub.Grafana = true
	_, page, err := choosePage(map[string]stack.City{"shanghai": {Monitoring: hub}}, "grafana", "")
	require.NoError(t, err)
	require.True(t, page.Login)
	hub.GrafanaURL = "https://grafana.example.com"
	_, page, err = choosePage(map[string]stack.City{"shanghai": {Monitoring: hub}}, "grafana", "")
	require.NoError(t, err)
	require.Equal(t, hub.GrafanaURL, page.URL)
}
