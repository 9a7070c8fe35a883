// Package monitoring runs what a city and its region are watched with. Each city has a small Prometheus of its own, which evaluates its rules whatever
// becomes of the WAN, and a log shipper; one city of the region, the hub, keeps what all of them send for long, sends alerts, and shows dashboards.
package monitoring

import (
	"errors"
	"fmt"
	"strconv"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/credentials"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

// CityType is the type token of [City].
const CityType = "edge-arena:monitoring:City"

// Namespace holds all of the monitoring.
const Namespace = "monitoring"

// The parts' names, which are those of their Services, and their ports.
const (
	prometheus    = "prometheus"
	prometheusHub = "prometheus-hub"
	alertmanager  = "alertmanager"
	loki          = "loki"
	grafana       = "grafana"
	hubGateway    = "hub-gateway"
	nodeExporter  = "node-exporter"
	natsExporter  = "nats-exporter"
	logShipper    = "log-shipper"

	prometheusPort     = 9090
	alertmanagerPort   = 9093
	lokiPort           = 3100
	grafanaPort        = 3000
	gatewayPort        = 8443
	gatewayMetricsPort = 8080
	// nodeExporterPort is one of the node itself, and not the usual one: a host may have an exporter of its operator's there.
	nodeExporterPort   = 9101
	natsExporterPort   = 7777
	shipperMetricsPort = 8888
	shipperHealthPort  = 13133
)

// CityArgs describe the monitoring of a city.
type CityArgs struct {
	// Region is the region's name. Required.
	Region string
	// City is the city's config. Required.
	City config.City
	// ContainerMonth is what the city's nodes would cost a month with containers for its battle pods. Default is 0.
	ContainerMonth float64
	// NATS is the address of the monitoring of the city's NATS, `http://host:port`. Required.
	NATS string
	// BattleNamespace, ServicesNamespace and PolicyNamespace are where the city's pods are. Required.
	BattleNamespace, ServicesNamespace, PolicyNamespace pulumi.StringInput
	// Gateway is whether this is a hub that other cities send to. Default is false.
	Gateway bool
	// Hub is how the region's hub is reached. Required but in the hub itself, and where the region has none.
	Hub *HubAccess
	// Cluster is the city's. Required.
	Cluster *k3s.Cluster
	// After are resources to wait for: the policies. Default is none.
	After []pulumi.Resource
}

// HubAccess is how a city reaches its region's hub.
type HubAccess struct {
	// Address is `host:port`. Required.
	Address string
	// CA is what the hub's certificate is believed by, Certificate and Key are the city's own, all in PEM. Required.
	CA, Certificate, Key pulumi.StringOutput
}

func (a CityArgs) validate() error {
	var errs []error
	if a.Region == "" {
		errs = append(errs, errors.New("region: required"))
	}
	if a.City.Name == "" {
		errs = append(errs, errors.New("city.name: required"))
	}
	if a.NATS == "" {
		errs = append(errs, errors.New("NATS: required"))
	}
	if a.BattleNamespace == nil || a.ServicesNamespace == nil || a.PolicyNamespace == nil {
		errs = append(errs, errors.New("namespaces: required"))
	}
	if a.Cluster == nil {
		errs = append(errs, errors.New("cluster: required"))
	}
	return errors.Join(errs...)
}

// City is the monitoring of a city.
type City struct {
	pulumi.ResourceState

	// Ready are the resources to depend on: the city is watched when they are there.
	Ready []pulumi.Resource

	namespace pulumi.StringOutput
}

// NewCity makes the monitoring of a city, without what its region's hub has besides: see [NewHub].
func NewCity(ctx *pulumi.Context, name string, args *CityArgs, opts ...pulumi.ResourceOption) (*City, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("monitoring %s: %w", name, err)
	}
	c := &City{}
	if err := ctx.RegisterComponentResource(CityType, name, c, opts...); err != nil {
		return nil, fmt.Errorf("monitoring %s: %w", name, err)
	}
	b := cityBuilder{args: args, city: c, maker: maker{
		ctx: ctx, name: name, owner: args.Region + "/" + args.City.Name, cluster: args.Cluster, protect: args.City.Protect, component: c,
		parent: pulumi.Composite(pulumi.Parent(c), args.Cluster.Contained()),
	}}
	for _, step := range []func() error{b.makeNamespace, b.makeAccess, b.makeRights, b.makePrometheus, b.makeShipper, b.makeNodeExporter, b.makeNetworkPolicy} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("monitoring %s: %w", name, err)
		}
	}
	c.namespace = b.namespace.ToStringOutput()
	if err := ctx.RegisterResourceOutputs(c, pulumi.Map{}); err != nil {
		return nil, fmt.Errorf("monitoring %s: outputs: %w", name, err)
	}
	return c, nil
}

// cityBuilder makes the parts of one city's monitoring, in order.
type cityBuilder struct {
	maker
	args *CityArgs
	city *City

	access  *corev1.Secret
	opened  pulumi.StringInput
	account *corev1.ServiceAccount
	rights  []pulumi.Resource
}

func (b *cityBuilder) makeNamespace() error {
	ns, err := corev1.NewNamespace(b.ctx, b.name+"-namespace", &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(Namespace),
			Labels: pulumi.StringMap{
				"app.kubernetes.io/part-of":    pulumi.String("edge-arena"),
				"app.kubernetes.io/managed-by": pulumi.String("pulumi"),
				// Logs and the node's own metrics are in folders of the node, which any stricter profile forbids. Only the two that read them have
				// them mounted; in everything else all pods here keep to `restricted`, but for the one that must be root to read pods' logs.
				"pod-security.kubernetes.io/enforce": pulumi.String("privileged"),
			},
		},
	}, b.parent, pulumi.DependsOn(b.args.After))
	if err != nil {
		return fmt.Errorf("namespace: %w", err)
	}
	b.namespace = ns.Metadata.Name().Elem()
	return nil
}

// makeAccess makes the Secret with what is shown to the hub, or to stores of the operator's own; none where nothing is shown to anybody.
func (b *cityBuilder) makeAccess() (err error) {
	files, hashed := pulumi.StringMap{}, []pulumi.StringOutput{}
	add := func(name string, text pulumi.StringOutput) {
		files[name] = text
		hashed = append(hashed, text)
	}
	if hub := b.args.Hub; hub != nil {
		add(caFile, hub.CA)
		add(certificateFile, hub.Certificate)
		add(keyFile, hub.Key)
	}
	external := b.args.City.Monitoring.External
	for _, token := range []struct{ name, text string }{{prometheusTokenFile, external.Prometheus.Token}, {lokiTokenFile, external.Loki.Token}} {
		if token.text != "" {
			add(token.name, pulumi.ToSecret(pulumi.String(token.text)).(pulumi.StringOutput))
		}
	}
	if len(files) == 0 {
		b.opened = pulumi.String("")
		return nil
	}
	b.opened = credentials.Fingerprint(hashed...)
	b.access, err = b.secret("hub-access", "hub-access", files)
	return err
}

// withAccess lets a part see the Secret.
func (b *cityBuilder) withAccess(p part) part {
	if b.access != nil {
		p.mounts = append(p.mounts, secretMount(accessDir, b.access))
		p.after = append(p.after, b.access)
	}
	return p
}

// fingerprint tells configurations apart, and what is shown.
func (b *cityBuilder) fingerprint(files ...map[string]string) pulumi.StringInput {
	hash := hashOf(files...)
	return b.opened.ToStringOutput().ApplyT(func(opened string) string { return hash + opened }).(pulumi.StringOutput)
}

// settings are what the city's Prometheus is configured by.
func (b *cityBuilder) settings() settings {
	c := b.args.City
	m := c.Monitoring
	s := settings{
		region: b.args.Region, city: c.Name, battle: c.Battle.Namespace, services: servicesNamespace, policies: policyNamespace, hub: c.IsHub,
		grafana: hasGrafana(m), longTerm: hasLongTerm(m), logs: hasLoki(m), gateway: b.args.Gateway,
	}
	switch {
	case m.External.Prometheus.URL != "":
		s.write = &target{url: m.External.Prometheus.URL, token: tokenFile(prometheusTokenFile, m.External.Prometheus.Token)}
	case c.IsHub:
		s.write = &target{url: inCluster(prometheusHub, prometheusPort) + "/api/v1/write"}
	case b.args.Hub != nil:
		s.write = &target{url: "https://" + b.args.Hub.Address + "/api/v1/write", certificate: true}
	}
	switch {
	case c.IsHub:
		s.alerts = &target{url: inCluster(alertmanager, alertmanagerPort)}
	case b.args.Hub != nil:
		s.alerts = &target{url: "https://" + b.args.Hub.Address + "/alertmanager", certificate: true}
	}
	return s
}

// logs is where the city's logs go; nil where nobody takes them.
func (b *cityBuilder) logs() *target {
	c := b.args.City
	external := c.Monitoring.External.Loki
	switch {
	case external.URL != "":
		return &target{url: external.URL, token: tokenFile(lokiTokenFile, external.Token)}
	case c.IsHub:
		return &target{url: inCluster(loki, lokiPort) + "/otlp"}
	case b.args.Hub != nil:
		return &target{url: "https://" + b.args.Hub.Address + "/otlp", certificate: true}
	}
	return nil
}

func tokenFile(name, token string) string {
	if token == "" {
		return ""
	}
	return name
}

// inCluster is the address of a part's Service.
func inCluster(name string, port int) string {
	return "http://" + name + "." + Namespace + ".svc:" + strconv.Itoa(port)
}

func hasLongTerm(m config.Monitoring) bool { return m.External.Prometheus.URL == "" }
func hasLoki(m config.Monitoring) bool     { return m.External.Loki.URL == "" }
func hasGrafana(m config.Monitoring) bool {
	return m.External.GrafanaURL == "" && m.Hub.Grafana.Enabled
}

// makeNetworkPolicy lets nobody of another namespace at what has no password. Who comes through the API server, or is the node itself, is let in by
// what enforces it.
func (b *cityBuilder) makeNetworkPolicy() error {
	_, err := networkingv1.NewNetworkPolicy(b.ctx, b.name+"-network", &networkingv1.NetworkPolicyArgs{
		Metadata: b.meta("monitoring", "monitoring"),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{},
			PolicyTypes: pulumi.StringArray{pulumi.String("Ingress")},
			Ingress: networkingv1.NetworkPolicyIngressRuleArray{
				&networkingv1.NetworkPolicyIngressRuleArgs{From: networkingv1.NetworkPolicyPeerArray{
					&networkingv1.NetworkPolicyPeerArgs{PodSelector: &metav1.LabelSelectorArgs{}},
				}},
			},
		},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("network policy: %w", err)
	}
	return nil
}
