package monitoring

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/modules/config"
	data "github.com/edge-arena/edge-arena/monitoring"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// without takes what follows from the rules and dashboards out of a configuration: another rule is no other golden file.
func without(t *testing.T, text string) string {
	t.Helper()
	var all map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &all))
	jobs, _ := all["scrape_configs"].([]any)
	for _, job := range jobs {
		for _, relabel := range list(job.(map[string]any)["metric_relabel_configs"]) {
			if relabel.(map[string]any)["action"] == "keep" {
				relabel.(map[string]any)["regex"] = "what is used"
			}
		}
	}
	out, err := yaml.Marshal(all)
	require.NoError(t, err)
	return string(out)
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func TestPrometheusConfig(t *testing.T) {
	t.Parallel()
	base := settings{region: "east", city: "shanghai", battle: "battle", services: "city", policies: "gatekeeper-system"}
	for name, edit := range map[string]func(s *settings){
		"city": func(s *settings) {
			s.write = &target{url: "https://192.0.2.1:30443/api/v1/write", certificate: true}
			s.alerts = &target{url: "https://192.0.2.1:30443/alertmanager", certificate: true}
		},
		"hub": func(s *settings) {
			s.hub, s.grafana, s.gateway, s.longTerm, s.logs = true, true, true, true, true
			s.write = &target{url: inCluster(prometheusHub, prometheusPort) + "/api/v1/write"}
			s.alerts = &target{url: inCluster(alertmanager, alertmanagerPort)}
		},
		"external": func(s *settings) {
			s.write = &target{url: "https://metrics.example.com/api/v1/write", token: prometheusTokenFile}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := base
			edit(&s)
			text, err := prometheusConfig(s)
			require.NoError(t, err)
			golden(t, "prometheus-"+name+".yml", without(t, text))
		})
	}
	text, err := hubConfig("east")
	require.NoError(t, err)
	golden(t, "prometheus-of-the-hub.yml", text)
}

func TestShipperConfig(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]target{
		"city":     {url: "https://192.0.2.1:30443/otlp", certificate: true},
		"hub":      {url: inCluster(loki, lokiPort) + "/otlp"},
		"external": {url: "https://logs.example.com/otlp", token: lokiTokenFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := shipperConfig("east", "shanghai", to)
			require.NoError(t, err)
			golden(t, "log-shipper-"+name+".yaml", text)
		})
	}
}

func TestLokiConfig(t *testing.T) {
	t.Parallel()
	text, err := lokiConfig("168h")
	require.NoError(t, err)
	golden(t, "loki.yaml", text)
}

func TestAlertmanagerConfig(t *testing.T) {
	t.Parallel()
	text, err := alertmanagerConfig("east", false, false)
	require.NoError(t, err)
	require.NotContains(t, text, "region-east", "without an address nobody is told")
	require.NotContains(t, text, "atchdog")
	text, err = alertmanagerConfig("east", true, false)
	require.NoError(t, err)
	golden(t, "alertmanager.yml", text)
	text, err = alertmanagerConfig("east", true, true)
	require.NoError(t, err)
	golden(t, "alertmanager-watchdog.yml", text)
	text, err = alertmanagerConfig("east", false, true)
	require.NoError(t, err)
	require.NotContains(t, text, "region-east", "its own address is the sign of life's alone")
	require.Contains(t, text, configDir+"/"+watchdogFile)
}

func TestGrafanaFiles(t *testing.T) {
	t.Parallel()
	files, err := grafanaFiles(config.Defaults().Monitoring)
	require.NoError(t, err)
	golden(t, "datasources.yaml", files["datasources.yaml"])
	require.Contains(t, files["grafana.ini"], "[auth.anonymous]\nenabled = false\n")
	size := 0
	for _, text := range data.Dashboards() {
		size += len(text)
	}
	require.Less(t, size, 1<<20, "all dashboards are in one ConfigMap, which holds no more")
}

func TestCityRules(t *testing.T) {
	t.Parallel()
	city := config.City{
		Name: "shanghai", Location: &config.Location{Latitude: 31.23, Longitude: 121.47},
		Settings: config.Settings{Lobby: config.Lobby{Backups: config.Backups{Every: 6 * time.Hour}}, Battle: config.Battle{Replicas: 10}, Prices: config.Prices{Currency: "USD"}},
		Nodes:    []config.Node{{NodeSettings: config.NodeSettings{Prices: config.Prices{NodeMonth: 40}}}, {NodeSettings: config.NodeSettings{Prices: config.Prices{NodeMonth: 42.5}}}},
	}
	text, err := cityRules("east", city, true, 400)
	require.NoError(t, err)
	golden(t, "city-info.yaml", text)
}

// What a rule or a dashboard reads, a city keeps.
func TestUsedIsKept(t *testing.T) {
	t.Parallel()
	s := settings{region: "r", city: "c", battle: "battle", services: "city", policies: "p", hub: true, grafana: true, gateway: true, longTerm: true, logs: true}
	kept := map[string]bool{}
	for _, job := range s.jobs() {
		for _, relabel := range toObjects(job["metric_relabel_configs"]) {
			if relabel["action"] != "keep" {
				continue
			}
			for _, name := range strings.Split(relabel["regex"].(string), "|") {
				kept[name] = true
			}
		}
	}
	for _, name := range used() {
		require.True(t, kept[name], "%s is read, and no job keeps it", name)
	}
}

func toObjects(v any) []object {
	l, _ := v.([]object)
	return l
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][3]string{
		"http://a:1":              {"http", "a:1", ""},
		"https://[2001:db8::1]:2": {"https", "[2001:db8::1]:2", ""},
		"https://a:1/b/c":         {"https", "a:1", "/b/c"},
	} {
		scheme, host, path := split(address)
		require.Equal(t, want, [3]string{scheme, host, path})
	}
}

// Nobody is woken for what the hub was never meant to have.
func TestHubRules(t *testing.T) {
	t.Parallel()
	all := func(m config.Monitoring) string {
		rules, err := hubRules(m, "east", []string{"suzhou", "shanghai"})
		require.NoError(t, err)
		var text strings.Builder
		for _, name := range sortedKeys(rules) {
			text.WriteString(rules[name])
		}
		return text.String()
	}
	m := config.Defaults().Monitoring
	require.Contains(t, all(m), "alert: GrafanaDown")
	m.Hub.Grafana.Enabled = false
	require.NotContains(t, all(m), "alert: GrafanaDown")
	require.Contains(t, all(m), "alert: LokiDown")
	m.External.Loki.URL = "https://logs.example.com/otlp"
	require.NotContains(t, all(m), "alert: LokiDown")
	require.Contains(t, all(m), "alert: CitySilent")
	rules, err := hubRules(m, "east", []string{"suzhou", "shanghai"})
	require.NoError(t, err)
	golden(t, "cities.yaml", rules["cities.yaml"])
}
