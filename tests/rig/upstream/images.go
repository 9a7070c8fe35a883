package upstream

// Gatekeeper is the policy engine. Its module wires the manager anew: see tests/rig/gatekeeper.
var Gatekeeper = Image{
	Name:        "gatekeeper",
	Reference:   "docker.io/openpolicyagent/gatekeeper:v3.15.1",
	Version:     "v3.15.1",
	Package:     ".",
	LinkerFlags: "-X github.com/open-policy-agent/gatekeeper/v3/pkg/version.Version=v3.15.1",
	Program:     "/manager",
	User:        "65532:65532",
}

// NATS is the message broker.
var NATS = Image{
	Name:      "nats",
	Reference: "docker.io/library/nats:2.10.22-alpine",
	Version:   "v2.10.22",
	Package:   "github.com/nats-io/nats-server/v2",
	Program:   "/usr/local/bin/nats-server",
}

// Monitoring are what a city and its region's hub are watched with.
func Monitoring() []Image {
	return []Image{Prometheus, NodeExporter, NATSExporter, Collector, Alertmanager, Loki}
}

// Prometheus is the metrics' store. The stand-in finds what it scrapes by Kubernetes alone: the other services that it could ask are most of
// what it takes to build.
var Prometheus = Image{
	Name:        "prometheus",
	Reference:   "docker.io/prom/prometheus:v3.13.5",
	Version:     "v3.13.5",
	Package:     "github.com/prometheus/prometheus/cmd/prometheus",
	Tags:        "remove_all_sd,enable_kubernetes_sd",
	LinkerFlags: "-X github.com/prometheus/common/version.Version=3.13.5",
	Program:     "/bin/prometheus",
	User:        "65534:65534",
}

// Alertmanager sends alerts to people. v0.31 is the last whose module has its pages in it.
var Alertmanager = Image{
	Name:        "alertmanager",
	Reference:   "docker.io/prom/alertmanager:v0.31.1",
	Version:     "v0.31.1",
	Package:     "github.com/prometheus/alertmanager/cmd/alertmanager",
	LinkerFlags: "-X github.com/prometheus/common/version.Version=0.31.1",
	Program:     "/bin/alertmanager",
	User:        "65534:65534",
}

// NodeExporter tells a node's metrics.
var NodeExporter = Image{
	Name:        "nodeexporter",
	Reference:   "docker.io/prom/node-exporter:v1.11.1",
	Version:     "v1.11.1",
	Package:     "github.com/prometheus/node_exporter",
	LinkerFlags: "-X github.com/prometheus/common/version.Version=1.11.1",
	Program:     "/bin/node_exporter",
	User:        "65534:65534",
}

// NATSExporter tells NATS's metrics. Its module is not to be had everywhere, so the stand-in is ours: see tests/rig/natsexporter.
var NATSExporter = Image{
	Name:      "natsexporter",
	Reference: "docker.io/natsio/prometheus-nats-exporter:0.17.3",
	Version:   "0.17.3",
	Package:   ".",
	Program:   "/prometheus-nats-exporter",
	User:      "65534:65534",
}

// Collector is the log shipper. The stand-in has the components that a city configures, and no others: see tests/rig/collector.
var Collector = Image{
	Name:      "collector",
	Reference: "docker.io/otel/opentelemetry-collector-k8s:0.160.0",
	Version:   "0.160.0",
	Package:   ".",
	Program:   "/otelcol-k8s",
	User:      "10001:10001",
}

// Loki is the logs' store.
var Loki = Image{
	Name:        "loki",
	Reference:   "docker.io/grafana/loki:3.7.8",
	Version:     "3.7.8",
	Package:     "github.com/grafana/loki/v3/cmd/loki",
	LinkerFlags: "-X github.com/grafana/loki/v3/pkg/util/build.Version=3.7.8",
	Program:     "/usr/bin/loki",
	User:        "10001:10001",
}

// Grafana shows the dashboards. It is no Go module, nor a package of Debian's: where no registry answers, a city of this machine has none.
var Grafana = Image{
	Name:      "grafana",
	Reference: "docker.io/grafana/grafana:12.1.1",
	Version:   "12.1.1",
}
