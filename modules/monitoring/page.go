package monitoring

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
)

// Summary is what other programs need to know of a city's monitoring. Nothing in it is secret.
type Summary struct {
	// Enabled is whether the city is watched.
	Enabled bool `json:"enabled"`
	// Hub is whether it is the region's hub.
	Hub bool `json:"hub"`
	// LongTerm, Loki and Grafana are whether the hub has them.
	LongTerm bool `json:"longTerm"`
	Loki     bool `json:"loki"`
	Grafana  bool `json:"grafana"`
	// GrafanaURL is an existing Grafana's.
	GrafanaURL string `json:"grafanaURL"`
}

// Summarize is the summary of a city.
func Summarize(c config.City) Summary {
	m := c.Monitoring
	if !m.Enabled {
		return Summary{}
	}
	return Summary{
		Enabled: true, Hub: c.IsHub, LongTerm: c.IsHub && hasLongTerm(m), Loki: c.IsHub && hasLoki(m), Grafana: c.IsHub && hasGrafana(m),
		GrafanaURL: m.External.GrafanaURL,
	}
}

// Map is the summary as Pulumi keeps it.
func (s Summary) Map() pulumi.Map {
	return pulumi.Map{
		"enabled": pulumi.Bool(s.Enabled), "hub": pulumi.Bool(s.Hub), "longTerm": pulumi.Bool(s.LongTerm), "loki": pulumi.Bool(s.Loki),
		"grafana": pulumi.Bool(s.Grafana), "grafanaURL": pulumi.String(s.GrafanaURL),
	}
}

// Page is something to look at.
type Page struct {
	// App is the label `app` of the pod that serves it, Port is the pod's port.
	App  string
	Port int
	// Login is whether it asks for Grafana's login.
	Login bool
	// URL is where it is, if it is not in the city.
	URL string
}

// PageNames are the pages that there may be.
func PageNames() []string { return []string{grafana, prometheus, loki, alertmanager} }

// Page finds a page of the city; own prefers what is of the city alone to what is of the region.
func (s Summary) Page(name string, own bool) (Page, bool) {
	switch name {
	case prometheus:
		if s.LongTerm && !own {
			return Page{App: prometheusHub, Port: prometheusPort}, true
		}
		return Page{App: prometheus, Port: prometheusPort}, s.Enabled
	case alertmanager:
		return Page{App: alertmanager, Port: alertmanagerPort}, s.Hub
	case loki:
		return Page{App: loki, Port: lokiPort}, s.Loki
	case grafana:
		if s.GrafanaURL != "" {
			return Page{URL: s.GrafanaURL}, true
		}
		return Page{App: grafana, Port: grafanaPort, Login: true}, s.Grafana
	}
	return Page{}, false
}
