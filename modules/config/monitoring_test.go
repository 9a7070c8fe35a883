package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

func TestMonitoringThatIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edit func(region object)
		want string
	}{
		"an image without a release": {func(r object) { set(r, "monitoring.prometheus.image", "docker.io/prom/prometheus") },
			`monitoring.prometheus.image: "docker.io/prom/prometheus" names no release`},
		"a gateway without its digest": {func(r object) { set(r, "monitoring.hub.gateway", object{"image": "r.example/gateway:1"}) },
			`monitoring.hub.gateway.image: "r.example/gateway:1" does not name its digest`},
		"no gateway": {func(r object) { delete(at(r, "monitoring", "hub"), "gateway") },
			"monitoring.hub.gateway.image: required: 1 cities send to the hub"},
		"too little time": {func(r object) { set(r, "monitoring.prometheus.retention.time", "10m") },
			"monitoring.prometheus.retention.time: 10m0s is less than 1h0m0s"},
		"too little room": {func(r object) { set(r, "monitoring.hub.retention.size", "1Mi") },
			"monitoring.hub.retention.size: 1Mi is less than 100Mi"},
		"half an hour of logs": {func(r object) { set(r, "monitoring.hub.loki.retention", "24h30m") },
			"monitoring.hub.loki.retention: 24h30m0s is not a number of whole hours, 24h or more"},
		"no such city": {func(r object) { set(r, "monitoring.hub.city", "c") },
			`monitoring.hub.city: "c" is no city of the region that is monitored`},
		"a hub that is not monitored": {func(r object) {
			set(r, "monitoring.hub.city", "a")
			set(at(r, "cities", 0), "monitoring.enabled", false)
		}, `monitoring.hub.city: "a" is no city of the region that is monitored`},
		"a port that is none": {func(r object) { set(r, "monitoring.hub.nodePort", 9090) },
			"monitoring.hub.nodePort: 9090 is not from 30000 to 32767"},
		"the lobby's port": {func(r object) { set(r, "monitoring.hub.nodePort", 30080) },
			"monitoring.hub.nodePort: 30080 is the lobby's: lobby.nodePort"},
		"an address with a port": {func(r object) { set(r, "monitoring.hub.address", "hub.example.com:1") },
			`monitoring.hub.address: "hub.example.com:1" is neither a name nor an IP address`},
		"a city's own hub": {func(r object) { set(at(r, "cities", 1), "monitoring.hub.city", "b") },
			"cities[1].monitoring.hub: is the region's: say it there, for all of its cities"},
		"a city's own stores": {func(r object) { set(at(r, "cities", 1), "monitoring.external.loki.url", "https://x") },
			"cities[1].monitoring.external: is the region's: say it there, for all of its cities"},
		"a store that is no address": {func(r object) { set(r, "monitoring.external.prometheus.url", "metrics.example.com") },
			`monitoring.external.prometheus.url: "metrics.example.com" is not an http or https address`},
		"a token for nothing": {func(r object) { set(r, "monitoring.external.loki.tokenFile", "token") },
			"monitoring.external.loki.url: required with tokenFile"},
		"an image that may be missing": {func(r object) { set(r, "monitoring.hub.grafana.optional", true) },
			"monitoring.hub.grafana.optional: only an archive can be missing"},
		"an unknown key": {func(r object) { set(r, "monitoring.grafana", object{}) }, "monitoring.grafana: unknown"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := two()
			tt.edit(tree)
			_, err := config.ParseWithoutFiles(raw(tree))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestWhoIsTheHub(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edit func(region object)
		want string
	}{
		"the first by name":           {func(object) {}, "a"},
		"the one that is named":       {func(r object) { set(r, "monitoring.hub.city", "b") }, "b"},
		"the first that is monitored": {func(r object) { set(at(r, "cities", 0), "monitoring.enabled", false) }, "b"},
		"nobody":                      {func(r object) { set(r, "monitoring.enabled", false) }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := two()
			tt.edit(tree)
			r := parse(t, tree)
			got := ""
			for _, c := range r.Cities {
				if c.IsHub {
					got += c.Name
				}
			}
			require.Equal(t, tt.want, got)
			if hub := r.Hub(); tt.want != "" {
				require.Equal(t, tt.want, hub.Name)
			} else {
				require.Nil(t, hub)
			}
		})
	}
}

func TestFilesOfTheMonitoring(t *testing.T) {
	t.Parallel()
	tree := two()
	set(tree, "monitoring.hub.alertmanager.webhookURLFile", "webhook")
	set(tree, "monitoring.hub.alertmanager.watchdogURLFile", "watchdog")
	set(tree, "monitoring.external.loki", object{"url": "https://logs.example.com/otlp", "tokenFile": "missing"})
	set(tree, "monitoring.hub.grafana", object{"archive": "grafana.tar", "optional": true})
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "webhook"), []byte("https://hooks.example.com/x\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, "watchdog"), []byte("\n"), 0o600))
	_, err := config.Parse(raw(tree), root)
	require.ErrorContains(t, err, "\n  monitoring.hub.alertmanager.watchdogURLFile: "+filepath.Join(root, "watchdog")+" does not hold one word")
	require.ErrorContains(t, err, "\n  monitoring.external.loki.tokenFile: stat "+filepath.Join(root, "missing"))
	require.NotContains(t, err.Error(), "webhookURLFile")
	require.NotContains(t, err.Error(), "grafana", "what may be missing is left out")
}
