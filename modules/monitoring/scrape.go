package monitoring

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/internal/mint"
	"github.com/edge-arena/edge-arena/modules/policy"
)

// object is a part of a configuration file.
type object = map[string]any

// interval is how often is scraped, and rules are evaluated: the shortest windows of the rules are made for it.
const interval = "15s"

// The namespaces of the pods that are scraped, beside the battle's.
const (
	servicesNamespace = policy.CityNamespace
	policyNamespace   = policy.Namespace
)

// The folders in a pod of what is mounted.
const (
	configDir = "/etc/monitoring"
	rulesDir  = "/etc/monitoring-rules"
	accessDir = "/etc/hub-access"
)

// The names of the files in the Secret that opens the hub, and the operator's own stores.
const (
	caFile              = "ca.crt"
	certificateFile     = "tls.crt"
	keyFile             = "tls.key"
	prometheusTokenFile = "prometheus.token"
	lokiTokenFile       = "loki.token"
)

// The service account of a pod.
const accountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// settings are what the configuration of a city's Prometheus follows from, all of it known.
type settings struct {
	region, city string
	battle       string // the battle pods' namespace
	services     string // that of the lobby and NATS
	policies     string // Gatekeeper's
	hub          bool   // whether the hub is here
	grafana      bool   // whether the hub has one
	gateway      bool   // whether the hub has one
	longTerm     bool   // whether the hub has a Prometheus
	logs         bool   // whether it has a Loki
	write        *target
	alerts       *target
}

// target is where something is sent.
type target struct {
	// url is its address, without a path for alerts.
	url string
	// certificate tells to show the city's, and to believe the region's CA alone.
	certificate bool
	// token tells to show the token in the file.
	token string
}

func (t target) access(o object) object {
	if t.certificate {
		o["tls_config"] = object{"ca_file": accessDir + "/" + caFile, "cert_file": accessDir + "/" + certificateFile, "key_file": accessDir + "/" + keyFile, "server_name": mint.HubName}
	}
	if t.token != "" {
		o["authorization"] = object{"credentials_file": accessDir + "/" + t.token}
	}
	return o
}

// prometheusConfig is the configuration of a city's Prometheus.
func prometheusConfig(s settings) (string, error) {
	config := object{
		"global": object{
			"scrape_interval": interval, "scrape_timeout": "10s", "evaluation_interval": interval,
			"external_labels": object{"region": s.region, "city": s.city},
		},
		"rule_files":     []string{rulesDir + "/*.yaml"},
		"scrape_configs": s.jobs(),
	}
	if s.alerts != nil {
		config["alerting"] = object{"alertmanagers": []object{s.alerts.alertmanager()}}
	}
	if s.write != nil {
		config["remote_write"] = []object{s.write.access(object{
			"name": "hub", "url": s.write.url, "remote_timeout": "10s",
			// What the hub has missed is in the write-ahead log, for two hours. Catching up must not take the city's memory, nor its line.
			"queue_config": object{
				"capacity": 2000, "min_shards": 1, "max_shards": 2, "max_samples_per_send": 1000, "batch_send_deadline": "5s",
				"min_backoff": "500ms", "max_backoff": "15s", "retry_on_http_429": true,
			},
		})}
	}
	return marshal(config)
}

// alertmanager is the entry of an Alertmanager.
func (t target) alertmanager() object {
	scheme, host, path := split(t.url)
	entry := object{"scheme": scheme, "static_configs": []object{{"targets": []string{host}}}, "timeout": "5s"}
	if path != "" {
		entry["path_prefix"] = path
	}
	return t.access(entry)
}

func (s settings) jobs() []object {
	jobs := []object{
		// Each pod has a number of its own for its port, on the node's network.
		s.pods("battle", s.battle, "real-time-battle", "http", ""),
		s.pods("lobby", s.services, "lobby", "http", ""),
		static("nats", "localhost:"+strconv.Itoa(natsExporterPort), ""),
		s.podsOf("gatekeeper", s.policies, "__meta_kubernetes_pod_container_port_name", "metrics", usedOf("gatekeeper_", "process_", "go_", "rest_client_", "workqueue_")),
		node("kubelet", "", "10250", "/metrics", usedOf("kubelet_", "process_", "go_", "rest_client_")),
		node("cadvisor", "", "10250", "/metrics/cadvisor", usedOf("container_", "machine_")),
		node("apiserver", "node_role_kubernetes_io_control_plane", "6443", "/metrics", usedOf("apiserver_", "etcd_", "process_", "go_", "workqueue_"), coarse()...),
		s.pods("node", Namespace, nodeExporter, "metrics", usedOf("node_", "process_", "go_")),
		static("prometheus", "localhost:"+strconv.Itoa(prometheusPort), usedOf("prometheus_", "process_", "go_")),
		s.pods("log-shipper", Namespace, logShipper, "metrics", usedOf("otelcol_", "process_", "go_")),
	}
	if !s.hub {
		return jobs
	}
	for _, part := range []struct {
		is        bool
		job, host string
		port      int
		keep      string
	}{
		{true, "alertmanager", alertmanager, alertmanagerPort, usedOf("alertmanager_", "process_", "go_")},
		{s.longTerm, "prometheus-hub", prometheusHub, prometheusPort, usedOf("prometheus_", "process_", "go_")},
		{s.logs, "loki", loki, lokiPort, usedOf("loki_", "process_", "go_")},
		{s.grafana, "grafana", grafana, grafanaPort, usedOf("grafana_", "process_", "go_")},
		{s.gateway, "hub-gateway", hubGateway, gatewayMetricsPort, ""},
	} {
		if part.is {
			jobs = append(jobs, static(part.job, part.host+"."+Namespace+".svc:"+strconv.Itoa(part.port), part.keep))
		}
	}
	return jobs
}

// pods scrapes a port of the pods of an app.
func (s settings) pods(job, namespace, app, port, keep string) object {
	o := s.podsOf(job, namespace, "__meta_kubernetes_pod_container_port_name", port, keep)
	o["relabel_configs"] = append([]object{keepLabel("__meta_kubernetes_pod_label_app", app)}, o["relabel_configs"].([]object)...)
	return o
}

// podsOf scrapes the pods of a namespace that have the label.
func (s settings) podsOf(job, namespace, label, value, keep string) object {
	return cut(object{
		"job_name":              job,
		"kubernetes_sd_configs": []object{{"role": "pod", "namespaces": object{"names": []string{namespace}}}},
		"relabel_configs": []object{
			keepLabel(label, value),
			// A pod on its way out still plays; one that has ended has nothing to say.
			{"source_labels": []string{"__meta_kubernetes_pod_phase"}, "regex": "Pending|Succeeded|Failed|Completed", "action": "drop"},
			copyLabel("__meta_kubernetes_namespace", "namespace"),
			copyLabel("__meta_kubernetes_pod_name", "pod"),
			copyLabel("__meta_kubernetes_pod_node_name", "node"),
		},
	}, keep)
}

// node scrapes a port of the nodes, with the right of the pod's service account.
func node(job, label, port, path, keep string, more ...object) object {
	relabel := []object{
		{"source_labels": []string{"__meta_kubernetes_node_address_InternalIP"}, "target_label": "__address__", "replacement": "$1:" + port},
		copyLabel("__meta_kubernetes_node_name", "node"),
	}
	if label != "" {
		relabel = append([]object{keepLabel("__meta_kubernetes_node_labelpresent_"+label, "true")}, relabel...)
	}
	o := cut(object{
		"job_name": job, "scheme": "https", "metrics_path": path,
		"authorization":         object{"credentials_file": accountDir + "/token"},
		"tls_config":            object{"ca_file": accountDir + "/ca.crt"},
		"kubernetes_sd_configs": []object{{"role": "node"}},
		"relabel_configs":       relabel,
	}, keep)
	if len(more) > 0 {
		kept, _ := o["metric_relabel_configs"].([]object)
		o["metric_relabel_configs"] = append(kept, more...)
	}
	return o
}

// coarse drops most of the bounds of the API server's histograms, of which there is one for each kind of object and request: with all of them they would
// be three quarters of all that a city keeps.
func coarse() []object {
	return []object{
		{"source_labels": []string{"__name__", "verb"}, "regex": "apiserver_request_duration_seconds_.*;(CONNECT|WATCH|WATCHLIST)", "action": "drop"},
		{
			"source_labels": []string{"__name__", "le"}, "action": "drop",
			"regex": "(apiserver|etcd)_request_duration_seconds_bucket;(0\\.005|0\\.025|0\\.2|0\\.4|0\\.6|0\\.8|1\\.25|1\\.5|2|3|4|6|8|15|20|30|45)(\\.0)?",
		},
	}
}

func static(job, address, keep string) object {
	return cut(object{"job_name": job, "static_configs": []object{{"targets": []string{address}}}}, keep)
}

// cut keeps of a job what is used; all, where nothing is said of it.
func cut(job object, keep string) object {
	if keep != "" {
		job["metric_relabel_configs"] = []object{{"source_labels": []string{"__name__"}, "regex": keep, "action": "keep"}}
	}
	return job
}

func keepLabel(label, value string) object {
	return object{"source_labels": []string{label}, "regex": value, "action": "keep"}
}

func copyLabel(from, to string) object {
	return object{"source_labels": []string{from}, "target_label": to}
}

// hubConfig is the configuration of the region's long-term Prometheus: it scrapes nothing.
func hubConfig(region string) (string, error) {
	return marshal(object{
		"global":     object{"evaluation_interval": interval, "external_labels": object{"region": region}},
		"rule_files": []string{rulesDir + "/*.yaml"},
		"alerting":   object{"alertmanagers": []object{target{url: "http://" + alertmanager + ":" + strconv.Itoa(alertmanagerPort)}.alertmanager()}},
		// A city that was cut off sends what the others have long sent.
		"storage": object{"tsdb": object{"out_of_order_time_window": "3h"}},
	})
}

func marshal(o object) (string, error) {
	text, err := yaml.Marshal(o)
	if err != nil {
		return "", fmt.Errorf("write a configuration: %w", err)
	}
	return string(text), nil
}

// split takes an address apart: its scheme, its host and port, and its path.
func split(address string) (scheme, host, path string) {
	scheme, rest, _ := strings.Cut(address, "://")
	host, path, _ = strings.Cut(rest, "/")
	if path != "" {
		path = "/" + path
	}
	return scheme, host, path
}
