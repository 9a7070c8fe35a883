package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

func (m Monitoring) validate(at scope) {
	m.Reserve.validate(at, "monitoring.reserve")
	if !m.Enabled {
		return
	}
	m.Prometheus.validate(at, "monitoring.prometheus")
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
	h.Loki.validate(at, "monitoring.hub.loki")
	if h.Loki.Retention < 24*time.Hour || h.Loki.Retention%time.Hour != 0 {
		at.add("monitoring.hub.loki.retention", "%v is not a number of whole hours, 24h or more", h.Loki.Retention)
	}
	h.Alertmanager.validate(at, "monitoring.hub.alertmanager")
	if h.Grafana.Enabled {
		h.Grafana.validate(at, "monitoring.hub.grafana")
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
	m.Hub.Alertmanager.WatchdogURL = secret("monitoring.hub.alertmanager.watchdogURLFile", m.Hub.Alertmanager.WatchdogURLFile)
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
