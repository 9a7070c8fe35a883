package monitoring

import (
	"errors"
	"fmt"
	"strconv"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/credentials"
	"github.com/edge-arena/edge-arena/modules/k3s"
	data "github.com/edge-arena/edge-arena/monitoring"
)

// HubType is the type token of [Hub].
const HubType = "edge-arena:monitoring:Hub"

// HubArgs describe the hub of a region.
type HubArgs struct {
	// Region is the region's name. Required.
	Region string
	// City is the city that runs it. Required.
	City config.City
	// Cities are the region's cities that send to it. Default is none: it waits for nobody.
	Cities []string
	// Watched is that city's own monitoring. Required.
	Watched *City
	// Gateway is what the hub shows the other cities. Default is no gateway: no other city sends anything.
	Gateway *GatewayAccess
	// GrafanaPassword is that of Grafana's admin. Required with Grafana; a secret.
	GrafanaPassword pulumi.StringInput
	// Cluster is the city's. Required.
	Cluster *k3s.Cluster
}

// GatewayAccess is what the hub shows, and by what it knows the cities.
type GatewayAccess struct {
	// CA is what the cities' certificates are believed by, Certificate and Key are the hub's own, all in PEM. Required.
	CA, Certificate, Key pulumi.StringOutput
}

func (a HubArgs) validate() error {
	var errs []error
	if a.Region == "" {
		errs = append(errs, errors.New("region: required"))
	}
	if a.Watched == nil {
		errs = append(errs, errors.New("watched: required"))
	}
	if a.Cluster == nil {
		errs = append(errs, errors.New("cluster: required"))
	}
	if hasGrafana(a.City.Monitoring) && a.GrafanaPassword == nil {
		errs = append(errs, errors.New("grafanaPassword: required"))
	}
	return errors.Join(errs...)
}

// Hub is where a region's metrics, logs and alerts come together.
type Hub struct {
	pulumi.ResourceState

	// Ready are the resources to depend on: it takes what the cities send when they are there.
	Ready []pulumi.Resource
}

// NewHub makes the hub of a region.
func NewHub(ctx *pulumi.Context, name string, args *HubArgs, opts ...pulumi.ResourceOption) (*Hub, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("hub %s: %w", name, err)
	}
	h := &Hub{}
	if err := ctx.RegisterComponentResource(HubType, name, h, opts...); err != nil {
		return nil, fmt.Errorf("hub %s: %w", name, err)
	}
	b := hubBuilder{args: args, hub: h, maker: maker{
		ctx: ctx, name: name, owner: args.Region + "/" + args.City.Name, cluster: args.Cluster, protect: args.City.Protect, component: h,
		namespace: args.Watched.namespace, parent: pulumi.Composite(pulumi.Parent(h), args.Cluster.Contained()),
	}}
	for _, step := range []func() error{b.makeAlertmanager, b.makePrometheus, b.makeLoki, b.makeGrafana, b.makeGateway} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("hub %s: %w", name, err)
		}
	}
	if err := ctx.RegisterResourceOutputs(h, pulumi.Map{}); err != nil {
		return nil, fmt.Errorf("hub %s: outputs: %w", name, err)
	}
	return h, nil
}

// hubBuilder makes the parts of one hub, in order.
type hubBuilder struct {
	maker
	args *HubArgs
	hub  *Hub
}

func (b *hubBuilder) settings() config.Monitoring { return b.args.City.Monitoring }

// keep makes a part with a volume of its own.
func (b *hubBuilder) keep(p part) error {
	volume, err := b.volume(p.name)
	if err != nil {
		return err
	}
	p.mounts = append(p.mounts, claimMount(volume))
	p.after = append(p.after, volume.Ready...)
	ready, err := b.store(p)
	b.hub.Ready = append(b.hub.Ready, ready...)
	return err
}

func (b *hubBuilder) makeAlertmanager() error {
	a := b.settings().Hub.Alertmanager
	text, err := alertmanagerConfig(b.args.Region, a.WebhookURL != "", a.WatchdogURL != "")
	if err != nil {
		return err
	}
	files := pulumi.StringMap{"alertmanager.yml": pulumi.String(text)}
	fingerprint := pulumi.StringInput(pulumi.String(hashOf(map[string]string{"alertmanager.yml": text})))
	for _, receiver := range []struct{ file, url string }{{webhookFile, a.WebhookURL}, {watchdogFile, a.WatchdogURL}} {
		if receiver.url == "" {
			continue
		}
		url := pulumi.ToSecret(pulumi.String(receiver.url)).(pulumi.StringOutput)
		files[receiver.file] = url
		fingerprint = credentials.Fingerprint(fingerprint.ToStringOutput(), url)
	}
	configured, err := b.secret("alertmanager-config", "alertmanager-config", files)
	if err != nil {
		return err
	}
	image, err := b.deliver(alertmanager, config.Source(a.Upstream))
	if err != nil {
		return err
	}
	return b.keep(part{
		name: alertmanager, component: "alerts", image: image,
		args: []string{
			"--config.file=" + configDir + "/alertmanager.yml", "--storage.path=" + dataDir, "--data.retention=120h",
			"--web.listen-address=:" + strconv.Itoa(alertmanagerPort), "--log.level=warn",
			// There is one.
			"--cluster.listen-address=",
		},
		env:   map[string]string{"GOMEMLIMIT": "48MiB"},
		ports: []port{{"http", alertmanagerPort}}, ready: "/-/ready", healthy: "/-/healthy",
		cpu: "10m", memory: "32Mi", limit: "64Mi",
		mounts: []mount{secretMount(configDir, configured)}, fingerprint: fingerprint, after: []pulumi.Resource{configured},
	})
}

func (b *hubBuilder) makePrometheus() error {
	m := b.settings()
	if !hasLongTerm(m) {
		return nil
	}
	text, err := hubConfig(b.args.Region)
	if err != nil {
		return err
	}
	rules, err := hubRules(m, b.args.Region, b.args.Cities)
	if err != nil {
		return err
	}
	files := map[string]string{"prometheus.yml": text}
	configured, err := b.configMap("prometheus-hub-config", "prometheus-hub-config", files)
	if err != nil {
		return err
	}
	ruled, err := b.configMap("prometheus-hub-rules", "prometheus-hub-rules", rules)
	if err != nil {
		return err
	}
	image, err := b.deliver(prometheusHub, config.Source(m.Prometheus.Upstream))
	if err != nil {
		return err
	}
	args, err := prometheusArgs(m.Hub.Retention)
	if err != nil {
		return err
	}
	return b.keep(part{
		name: prometheusHub, component: "metrics", image: image, args: append(args, "--web.enable-remote-write-receiver"),
		env:   map[string]string{"GOMEMLIMIT": "320MiB"},
		ports: []port{{"http", prometheusPort}}, ready: "/-/ready", healthy: "/-/healthy", patience: 300,
		cpu: "60m", memory: "320Mi", limit: "448Mi",
		mounts:      []mount{configMount(configDir, configured), configMount(rulesDir, ruled)},
		fingerprint: pulumi.String(hashOf(files, rules)), after: []pulumi.Resource{configured, ruled},
	})
}

func (b *hubBuilder) makeLoki() error {
	m := b.settings()
	if !hasLoki(m) {
		return nil
	}
	text, err := lokiConfig(strconv.Itoa(int(m.Hub.Loki.Retention.Hours())) + "h")
	if err != nil {
		return err
	}
	files := map[string]string{"loki.yaml": text}
	configured, err := b.configMap("loki-config", "loki-config", files)
	if err != nil {
		return err
	}
	image, err := b.deliver(loki, config.Source(m.Hub.Loki.Upstream))
	if err != nil {
		return err
	}
	return b.keep(part{
		name: loki, component: "logs", image: image, args: []string{"-config.file=" + configDir + "/loki.yaml", "-target=all"},
		env:   map[string]string{"GOMEMLIMIT": "300MiB"},
		ports: []port{{"http", lokiPort}}, ready: "/ready", healthy: "/metrics", patience: 300,
		cpu: "60m", memory: "256Mi", limit: "384Mi",
		mounts:      []mount{configMount(configDir, configured), scratchMount("/tmp", "256Mi")},
		fingerprint: pulumi.String(hashOf(files)), after: []pulumi.Resource{configured},
	})
}

func (b *hubBuilder) makeGrafana() error {
	m := b.settings()
	if !hasGrafana(m) {
		return nil
	}
	provisioned, err := grafanaFiles(m)
	if err != nil {
		return err
	}
	boards := data.Dashboards()
	configured, err := b.configMap("grafana-config", "grafana-config", provisioned)
	if err != nil {
		return err
	}
	shown, err := b.configMap("grafana-dashboards", "grafana-dashboards", boards)
	if err != nil {
		return err
	}
	password := pulumi.ToSecret(b.args.GrafanaPassword.ToStringOutput()).(pulumi.StringOutput)
	admin, err := b.secret("grafana-admin", GrafanaSecret, pulumi.StringMap{"user": pulumi.String(GrafanaUser), GrafanaPasswordKey: password})
	if err != nil {
		return err
	}
	image, err := b.deliver(grafana, config.Source(m.Hub.Grafana.Upstream))
	if err != nil {
		return err
	}
	return b.keep(part{
		name: grafana, component: "dashboards", image: image,
		env: map[string]string{
			"GF_PATHS_CONFIG": configDir + "/grafana.ini", "GF_PATHS_DATA": dataDir, "GF_PATHS_PROVISIONING": provisioningDir,
			"GF_PATHS_LOGS": dataDir + "/log", "GF_PATHS_PLUGINS": dataDir + "/plugins", "GF_SECURITY_ADMIN_USER": GrafanaUser,
		},
		known: corev1.EnvVarArray{&corev1.EnvVarArgs{Name: pulumi.String("GF_SECURITY_ADMIN_PASSWORD"), ValueFrom: &corev1.EnvVarSourceArgs{
			SecretKeyRef: &corev1.SecretKeySelectorArgs{Name: admin.Metadata.Name(), Key: pulumi.String(GrafanaPasswordKey)},
		}}},
		ports: []port{{"http", grafanaPort}}, ready: "/api/health", healthy: "/api/health", patience: 180,
		cpu: "50m", memory: "160Mi", limit: "320Mi",
		mounts: []mount{
			{name: "config", path: configDir, source: configFiles(configured, "grafana.ini", "grafana.ini")},
			{name: "datasources", path: provisioningDir + "/datasources", source: configFiles(configured, "datasources.yaml", "datasources.yaml")},
			{name: "providers", path: provisioningDir + "/dashboards", source: configFiles(configured, "dashboards.yaml", "dashboards.yaml")},
			configMount(dashboardsDir, shown), scratchMount("/tmp", "64Mi"),
		},
		fingerprint: credentials.Fingerprint(pulumi.String(hashOf(provisioned, boards)).ToStringOutput(), password),
		after:       []pulumi.Resource{configured, shown, admin},
	})
}

// configFiles mounts one of the files alone.
func configFiles(m *corev1.ConfigMap, key, path string) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{ConfigMap: &corev1.ConfigMapVolumeSourceArgs{
		Name: m.Metadata.Name(), Items: corev1.KeyToPathArray{&corev1.KeyToPathArgs{Key: pulumi.String(key), Path: pulumi.String(path)}},
	}}
}
