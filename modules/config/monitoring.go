package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Monitoring is how a city is watched: a Prometheus of its own, which evaluates its rules whatever becomes of the WAN, and a log shipper. What is to
// be kept for long goes to the region's hub.
type Monitoring struct {
	// Enabled is false for a city that is not watched. Default is true.
	Enabled bool `mapstructure:"enabled"`
	// Reserve is kept free for it on each node. Default is 200m and 350Mi.
	Reserve Quantities `mapstructure:"reserve"`
	// Prometheus is the city's own.
	Prometheus Prometheus `mapstructure:"prometheus"`
	// NodeExporter is the image of what tells the nodes' metrics. Default is docker.io/prom/node-exporter:v1.11.1.
	NodeExporter Upstream `mapstructure:"nodeExporter"`
	// NATSExporter is the image of what tells NATS's metrics. Default is docker.io/natsio/prometheus-nats-exporter:0.17.3.
	NATSExporter Upstream `mapstructure:"natsExporter"`
	// LogShipper is the image of the OpenTelemetry Collector. Default is docker.io/otel/opentelemetry-collector-k8s:0.160.0.
	LogShipper Upstream `mapstructure:"logShipper"`
	// Hub is what one city of the region runs for all of them. It is the region's: a city cannot override it.
	Hub Hub `mapstructure:"hub"`
	// External are stores of the operator's own, instead of the hub's. They are the region's: a city cannot override them.
	External External `mapstructure:"external"`
}

// Prometheus is a store of metrics.
type Prometheus struct {
	// Upstream is its image, in the hub too. Default is docker.io/prom/prometheus:v3.13.5.
	Upstream `mapstructure:",squash"`
	// Retention is how long, and how much, it keeps.
	Retention Retention `mapstructure:"retention"`
}

// Retention bounds a store: what comes first.
type Retention struct {
	// Time is how long is kept, at least 1h. Default is 96h in a city, 720h in the hub.
	Time time.Duration `mapstructure:"time"`
	// Size is how much, in Kubernetes' notation, at least 100Mi. Default is 512Mi in a city, 4Gi in the hub.
	Size string `mapstructure:"size"`
}

// Hub is where a region's metrics, logs and alerts come together.
type Hub struct {
	// City is the city that runs it. Default is the first that is monitored, in the order of names. Name it in a region that may grow: with another hub
	// what the old one keeps stays behind.
	City string `mapstructure:"city"`
	// Address is where the other cities reach it, a name or an IP address. Default is that of the city's first server, as players reach it.
	Address string `mapstructure:"address"`
	// NodePort is the port there. Default is 30443.
	NodePort int `mapstructure:"nodePort"`
	// Reserve is kept free for it on the city's first server, beside the city's own. Default is 200m and 900Mi.
	Reserve Quantities `mapstructure:"reserve"`
	// Gateway is the image of what takes metrics, logs and alerts of the other cities: it must be given if there are any.
	Gateway Source `mapstructure:"gateway"`
	// Retention is that of the long-term Prometheus.
	Retention Retention `mapstructure:"retention"`
	// Loki is the store of logs.
	Loki Loki `mapstructure:"loki"`
	// Alertmanager sends alerts to people.
	Alertmanager Alertmanager `mapstructure:"alertmanager"`
	// Grafana shows all of it.
	Grafana Grafana `mapstructure:"grafana"`
}

// Loki is a store of logs.
type Loki struct {
	// Upstream is its image. Default is docker.io/grafana/loki:3.7.8.
	Upstream `mapstructure:",squash"`
	// Retention is how long lines are kept, at least 24h, in whole hours. Default is 168h.
	Retention time.Duration `mapstructure:"retention"`
}

// Alertmanager sends alerts to people.
type Alertmanager struct {
	// Upstream is its image. Default is docker.io/prom/alertmanager:v0.31.1.
	Upstream `mapstructure:",squash"`
	// WebhookURLFile is a file, readable by its owner alone, with the address that the region's alerts are sent to. Default is none: alerts are seen
	// in Alertmanager and on dashboards, and sent to nobody.
	WebhookURLFile string `mapstructure:"webhookURLFile"`

	// WebhookURL is the content of WebhookURLFile: a secret.
	WebhookURL string `mapstructure:"-"`
}

// Grafana shows dashboards.
type Grafana struct {
	// Upstream is its image. Default is docker.io/grafana/grafana:12.1.1.
	Upstream `mapstructure:",squash"`
	// Enabled is false for a hub without. Default is true.
	Enabled bool `mapstructure:"enabled"`
	// Optional leaves it out where its archive is not there, as on a machine that reaches no registry. Default is false.
	Optional bool `mapstructure:"optional"`
}

// External are the operator's own stores.
type External struct {
	// Prometheus takes metrics by remote write, https://…/api/v1/write. With it the hub has no long-term Prometheus. Default is none.
	Prometheus ExternalStore `mapstructure:"prometheus"`
	// Loki takes logs by OTLP, https://…/otlp. With it the hub has no Loki. Default is none.
	Loki ExternalStore `mapstructure:"loki"`
	// GrafanaURL is the address of an existing Grafana. With it the hub has none. Default is none.
	GrafanaURL string `mapstructure:"grafanaURL"`
}

// ExternalStore is a store of the operator's own.
type ExternalStore struct {
	// URL is where it takes what it stores. Default is none.
	URL string `mapstructure:"url"`
	// TokenFile is a file, readable by its owner alone, with the bearer token for it. Default is none.
	TokenFile string `mapstructure:"tokenFile"`

	// Token is the content of TokenFile: a secret.
	Token string `mapstructure:"-"`
}

func defaultMonitoring() Monitoring {
	image := func(reference string) Upstream { return Upstream{Image: reference} }
	return Monitoring{
		Enabled: true, Reserve: Quantities{CPU: "200m", Memory: "350Mi"},
		Prometheus: Prometheus{
			Upstream: image("docker.io/prom/prometheus:v3.13.5"),
			// The longest window of an alert is 3 days.
			Retention: Retention{Time: 96 * time.Hour, Size: "512Mi"},
		},
		NodeExporter: image("docker.io/prom/node-exporter:v1.11.1"),
		NATSExporter: image("docker.io/natsio/prometheus-nats-exporter:0.17.3"),
		LogShipper:   image("docker.io/otel/opentelemetry-collector-k8s:0.160.0"),
		Hub: Hub{
			NodePort: 30443, Reserve: Quantities{CPU: "200m", Memory: "900Mi"},
			Retention:    Retention{Time: 30 * 24 * time.Hour, Size: "4Gi"},
			Loki:         Loki{Upstream: image("docker.io/grafana/loki:3.7.8"), Retention: 7 * 24 * time.Hour},
			Alertmanager: Alertmanager{Upstream: image("docker.io/prom/alertmanager:v0.31.1")},
			Grafana:      Grafana{Upstream: image("docker.io/grafana/grafana:12.1.1"), Enabled: true},
		},
	}
}

// Hub is the city that runs the region's hub; nil where no city is monitored.
func (r *Region) Hub() *City {
	var hub *City
	for i := range r.Cities {
		c := &r.Cities[i]
		// The hub's settings are the region's, so each city has them.
		named := c.Monitoring.Hub.City
		if c.Monitoring.Enabled && (named == c.Name || named == "" && (hub == nil || c.Name < hub.Name)) {
			hub = c
		}
	}
	return hub
}

// Watched are the names of the region's cities that are monitored.
func (r *Region) Watched() []string {
	var names []string
	for i := range r.Cities {
		if r.Cities[i].Monitoring.Enabled {
			names = append(names, r.Cities[i].Name)
		}
	}
	slices.Sort(names)
	return names
}

// appointHub tells the cities which of them is the hub.
func (r *Region) appointHub() {
	if hub := r.Hub(); hub != nil {
		hub.IsHub = true
	}
}

// HubAddress is where the cities reach the hub, `host:port`, if its first server is known.
func (r *Region) HubAddress() string {
	hub := r.Hub()
	if hub == nil {
		return ""
	}
	host := hub.Monitoring.Hub.Address
	if servers := hub.Servers(); host == "" && len(servers) > 0 {
		if host = servers[0].ExternalAddress; host == "" {
			host = servers[0].Endpoint.Address
		}
	}
	return net.JoinHostPort(host, strconv.Itoa(hub.Monitoring.Hub.NodePort))
}

func (m Monitoring) validate(at scope) {
	m.Reserve.validate(at, "monitoring.reserve")
	if !m.Enabled {
		return
	}
	m.Prometheus.Upstream.validate(at, "monitoring.prometheus")
	m.Prometheus.Retention.validate(at, "monitoring.prometheus.retention")
	m.NodeExporter.validate(at, "monitoring.nodeExporter")
	m.NATSExporter.validate(at, "monitoring.natsExporter")
	m.LogShipper.validate(at, "monitoring.logShipper")
	m.Hub.validate(at)
	m.External.validate(at)
}

func (r Retention) validate(at scope, path string) {
	if r.Time < time.Hour {
		at.add(path+".time", "%v is less than %v", r.Time, time.Hour)
	}
	if q := quantity(at, path+".size", r.Size, "512Mi"); q != nil && q.Value() < 100<<20 {
		at.add(path+".size", "%s is less than 100Mi", r.Size)
	}
}

func (h Hub) validate(at scope) {
	if strings.ContainsAny(h.Address, "/ '\"\\\n:") && net.ParseIP(h.Address) == nil {
		at.add("monitoring.hub.address", "%q is neither a name nor an IP address", h.Address)
	}
	between(at, "monitoring.hub.nodePort", h.NodePort, 30000, 32767)
	h.Reserve.validate(at, "monitoring.hub.reserve")
	if h.Gateway != (Source{}) {
		h.Gateway.validate(at, "monitoring.hub.gateway")
	}
	h.Retention.validate(at, "monitoring.hub.retention")
	h.Loki.Upstream.validate(at, "monitoring.hub.loki")
	if h.Loki.Retention < 24*time.Hour || h.Loki.Retention%time.Hour != 0 {
		at.add("monitoring.hub.loki.retention", "%v is not a number of whole hours, 24h or more", h.Loki.Retention)
	}
	h.Alertmanager.Upstream.validate(at, "monitoring.hub.alertmanager")
	if h.Grafana.Enabled {
		h.Grafana.Upstream.validate(at, "monitoring.hub.grafana")
	}
	if h.Grafana.Optional && h.Grafana.Archive == "" {
		at.addFor("monitoring.hub.grafana.optional", []string{"monitoring.hub.grafana.optional"}, "only an archive can be missing: give monitoring.hub.grafana.archive too")
	}
}

func (e External) validate(at scope) {
	for _, store := range []struct {
		path string
		ExternalStore
	}{{"monitoring.external.prometheus", e.Prometheus}, {"monitoring.external.loki", e.Loki}} {
		keys := []string{store.path}
		switch {
		case store.URL != "":
			checkURL(at, store.path+".url", store.URL)
		case store.TokenFile != "":
			at.addFor(store.path+".url", keys, "required with tokenFile")
		}
	}
	if e.GrafanaURL != "" {
		checkURL(at, "monitoring.external.grafanaURL", e.GrafanaURL)
	}
}

func checkURL(at scope, path, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") || strings.ContainsAny(text, "'\" \n\\") {
		at.add(path, "%q is not an http or https address", text)
	}
}

// validateHub checks what several cities have in common.
func (r *Region) validateHub(found *problems) {
	for i := range r.Cities {
		for _, key := range []string{"monitoring.hub", "monitoring.external"} {
			if has(r.Cities[i].own, key) {
				found.add(fmt.Sprintf("cities[%d].%s", i, key), "is the region's: say it there, for all of its cities")
			}
		}
	}
	watched := r.Watched()
	if len(watched) == 0 {
		return
	}
	hub := r.Hub()
	if hub == nil {
		found.add("monitoring.hub.city", "%q is no city of the region that is monitored", r.Monitoring.Hub.City)
		return
	}
	if hub.Monitoring.Hub.NodePort == hub.Lobby.NodePort {
		found.add("monitoring.hub.nodePort", "%d is the lobby's: lobby.nodePort", hub.Lobby.NodePort)
	}
	if len(watched) > 1 && hub.Monitoring.Hub.Gateway == (Source{}) {
		found.add("monitoring.hub.gateway.image", "required: %d cities send to the hub: give archive (a file of this machine) or image (a reference by digest)", len(watched)-1)
	}
}

// resolve reads the files that the monitoring names.
func (m *Monitoring) resolve(root string, at scope) {
	if !m.Enabled {
		return
	}
	for _, image := range []struct {
		path string
		*Source
	}{
		{"monitoring.prometheus", (*Source)(&m.Prometheus.Upstream)}, {"monitoring.nodeExporter", (*Source)(&m.NodeExporter)},
		{"monitoring.natsExporter", (*Source)(&m.NATSExporter)}, {"monitoring.logShipper", (*Source)(&m.LogShipper)},
		{"monitoring.hub.gateway", &m.Hub.Gateway}, {"monitoring.hub.loki", (*Source)(&m.Hub.Loki.Upstream)},
		{"monitoring.hub.alertmanager", (*Source)(&m.Hub.Alertmanager.Upstream)},
	} {
		image.resolve(root, image.path, at)
	}
	m.Hub.Grafana.resolve(root, at)
	secret := func(path, file string) string {
		if file == "" {
			return ""
		}
		content, err := readSecret(abs(root, file))
		if err != nil {
			at.add(path, "%v", err)
			return ""
		}
		if content = strings.TrimSpace(content); content == "" || strings.ContainsAny(content, " \n\"\\") {
			at.add(path, "%s does not hold one word", abs(root, file))
			return ""
		}
		return content
	}
	m.Hub.Alertmanager.WebhookURL = secret("monitoring.hub.alertmanager.webhookURLFile", m.Hub.Alertmanager.WebhookURLFile)
	m.External.Prometheus.Token = secret("monitoring.external.prometheus.tokenFile", m.External.Prometheus.TokenFile)
	m.External.Loki.Token = secret("monitoring.external.loki.tokenFile", m.External.Loki.TokenFile)
}

// resolve leaves Grafana out where it may be, and cannot be had.
func (g *Grafana) resolve(root string, at scope) {
	if g.Enabled && g.Optional && g.Archive != "" {
		if _, err := os.Stat(abs(root, g.Archive)); errors.Is(err, os.ErrNotExist) {
			g.Enabled = false
		}
	}
	if g.Enabled {
		(*Source)(&g.Upstream).resolve(root, "monitoring.hub.grafana", at)
	}
}
