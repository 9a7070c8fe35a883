package monitoring

import (
	"strings"

	"github.com/edge-arena/edge-arena/modules/config"
)

// The admin of Grafana, and the Secret of the namespace with the password.
const (
	GrafanaUser        = "admin"
	GrafanaSecret      = "grafana-admin"
	GrafanaPasswordKey = "password"
)

const (
	provisioningDir = "/etc/grafana-provisioning"
	dashboardsDir   = "/etc/grafana-dashboards"
)

// grafanaFiles are Grafana's own settings, its data sources, and where it finds its dashboards.
func grafanaFiles(m config.Monitoring) (map[string]string, error) {
	source := func(name, kind, uid, url string, standard bool) object {
		return object{"name": name, "type": kind, "uid": uid, "access": "proxy", "url": url, "isDefault": standard, "editable": false, "orgId": 1}
	}
	var sources []object
	if hasLongTerm(m) {
		s := source("Prometheus", "prometheus", "prometheus", inCluster(prometheusHub, prometheusPort), true)
		s["jsonData"] = object{"timeInterval": interval, "httpMethod": "POST"}
		sources = append(sources, s)
	} else {
		// What the operator's own store has of the other cities it shows in the operator's own Grafana.
		sources = append(sources, source("Prometheus", "prometheus", "prometheus", inCluster(prometheus, prometheusPort), true))
	}
	if hasLoki(m) {
		sources = append(sources, source("Loki", "loki", "loki", inCluster(loki, lokiPort), false))
	}
	datasources, err := marshal(object{"apiVersion": 1, "datasources": sources})
	if err != nil {
		return nil, err
	}
	providers, err := marshal(object{"apiVersion": 1, "providers": []object{{
		"name": "edge-arena", "type": "file", "folder": "Edge Arena", "disableDeletion": true, "allowUiUpdates": false,
		"options": object{"path": dashboardsDir},
	}}})
	if err != nil {
		return nil, err
	}
	return map[string]string{"grafana.ini": grafanaIni(), "datasources.yaml": datasources, "dashboards.yaml": providers}, nil
}

// grafanaIni lets nobody in without a password, and calls nobody.
func grafanaIni() string {
	return strings.Join([]string{
		"[auth.anonymous]", "enabled = false",
		"[users]", "allow_sign_up = false", "allow_org_create = false",
		"[security]", "disable_gravatar = true", "cookie_samesite = strict",
		"[analytics]", "reporting_enabled = false", "check_for_updates = false", "check_for_plugin_updates = false",
		"[news]", "news_feed_enabled = false",
		"[plugins]", "plugin_admin_enabled = false", "preinstall_disabled = true",
		"[metrics]", "enabled = true",
		"[log]", "mode = console", "level = warn", "",
	}, "\n")
}
