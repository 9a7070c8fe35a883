package config

import "time"

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
	// WatchdogURLFile is a file like that with the address that the hub's sign of life is sent to every minute: a service outside the region that
	// raises an alarm when it stays away. Default is none: it goes where the region's alerts go, once an hour.
	WatchdogURLFile string `mapstructure:"watchdogURLFile"`

	// WebhookURL and WatchdogURL are the content of the files: secrets.
	WebhookURL  string `mapstructure:"-"`
	WatchdogURL string `mapstructure:"-"`
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
