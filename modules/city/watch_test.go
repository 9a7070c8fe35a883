package city_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	apiresource "k8s.io/apimachinery/pkg/api/resource"

	"github.com/edge-arena/edge-arena/modules/city"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/credentials"
	"github.com/edge-arena/edge-arena/modules/internal/mocks"
)

const (
	daemonSet = "kubernetes:apps/v1:DaemonSet"
	configMap = "kubernetes:core/v1:ConfigMap"
)

// watched is a city of a region of two, as the hub or as the other one.
func watched(t *testing.T, hub bool, edit func(m *config.Monitoring)) *mocks.Graph {
	t.Helper()
	s := settings(t)
	s.Monitoring = config.Defaults().Monitoring
	s.Monitoring.Hub.Gateway = config.Source{Image: "registry.example.com/hub-gateway@sha256:" + strings.Repeat("4d", 32)}
	if edit != nil {
		edit(&s.Monitoring)
	}
	return mocks.Run(t, func(ctx *pulumi.Context) error {
		watch, err := credentials.NewRegion(ctx, "east-monitoring", &credentials.RegionArgs{Region: "east", Generation: 1, Cities: []string{"shanghai", "suzhou"}})
		if err != nil {
			return err
		}
		_, err = city.New(ctx, "shanghai", &city.Args{
			Region: "east", Hub: "198.51.100.7:30443", Watch: watch,
			City: config.City{Name: "shanghai", IsHub: hub, Settings: s, Nodes: []config.Node{node("sh-1", "192.0.2.1", config.RoleServer)}},
		})
		return err
	})
}

// requests are what all pods of the city's monitoring, or of the hub, ask for together.
func requests(g *mocks.Graph, prefix string) (cpu, memory apiresource.Quantity) {
	for _, r := range g.All() {
		if (r.Type != statefulSet && r.Type != deployment && r.Type != daemonSet) || !strings.HasPrefix(r.Name, prefix) {
			continue
		}
		for _, c := range r.Inputs["spec"].ObjectValue()["template"].ObjectValue()["spec"].ObjectValue()["containers"].ArrayValue() {
			asked := c.ObjectValue()["resources"].ObjectValue()["requests"].ObjectValue()
			cpu.Add(apiresource.MustParse(asked["cpu"].StringValue()))
			memory.Add(apiresource.MustParse(asked["memory"].StringValue()))
		}
	}
	return cpu, memory
}

// What watches a city is kept room for by monitoring.reserve, and the hub by its own share, and both keep to it.
func TestMonitoringFitsItsReserve(t *testing.T) {
	t.Parallel()
	g := watched(t, true, nil)
	m := config.Defaults().Monitoring
	for prefix, reserve := range map[string]config.Quantities{"shanghai-monitoring-": m.Reserve, "shanghai-hub-": m.Hub.Reserve} {
		cpu, memory := requests(g, prefix)
		require.Positive(t, memory.Value(), prefix)
		require.LessOrEqual(t, cpu.Cmp(apiresource.MustParse(reserve.CPU)), 0, "%s %s of %s", prefix, cpu.String(), reserve.CPU)
		require.LessOrEqual(t, memory.Cmp(apiresource.MustParse(reserve.Memory)), 0, "%s %s of %s", prefix, memory.String(), reserve.Memory)
	}
}

func TestWatchedCity(t *testing.T) {
	t.Parallel()
	g := watched(t, false, nil)
	for _, r := range g.All() {
		require.False(t, strings.HasPrefix(r.Name, "shanghai-hub"), "%s is the hub's", r.Name)
	}
	text := g.Get(t, "shanghai-monitoring-prometheus-config", configMap).Inputs["data"].ObjectValue()["prometheus.yml"].StringValue()
	require.Contains(t, text, "url: https://198.51.100.7:30443/api/v1/write")
	require.Contains(t, text, "path_prefix: /alertmanager")
	logs := g.Get(t, "shanghai-monitoring-log-shipper-config", configMap).Inputs["data"].ObjectValue()["config.yaml"].StringValue()
	require.Contains(t, logs, "endpoint: https://198.51.100.7:30443/otlp")

	access := g.Get(t, "shanghai-monitoring-hub-access", "kubernetes:core/v1:Secret").Inputs["stringData"]
	require.True(t, mocks.Secret(access))
	files := reveal(access).ObjectValue()
	require.Equal(t, "shanghai-certificate", reveal(files["tls.crt"]).StringValue())
	require.Equal(t, "secret-key-of-shanghai", reveal(files["tls.key"]).StringValue())
	require.Equal(t, "region-ca", reveal(files["ca.crt"]).StringValue())

	_, pod := template(t, g, "shanghai-monitoring-log-shipper", daemonSet)
	require.False(t, pod["automountServiceAccountToken"].BoolValue(), "it needs nothing of the API server")
	gate := g.Get(t, "shanghai-gate-bots", "command:local:Command")
	require.Contains(t, gate.DependsOn, "shanghai-monitoring-prometheus", "what watches the city is in place when it is measured")
	policies := g.Get(t, "shanghai-policy-constraint-no-host-path", "kubernetes:constraints.gatekeeper.sh/v1beta1:EdgeArenaNoHostPath")
	require.Contains(t, policies.Inputs["spec"].String(), "monitoring")
}

func TestHub(t *testing.T) {
	t.Parallel()
	g := watched(t, true, nil)
	text := g.Get(t, "shanghai-monitoring-prometheus-config", configMap).Inputs["data"].ObjectValue()["prometheus.yml"].StringValue()
	require.Contains(t, text, "url: http://prometheus-hub.monitoring.svc:9090/api/v1/write", "the hub itself goes over no WAN")
	port := g.Get(t, "shanghai-hub-gateway-nodeport", "kubernetes:core/v1:Service").Inputs["spec"].ObjectValue()["ports"].ArrayValue()
	require.Len(t, port, 1, "the cities write, and reach nothing else")
	require.Equal(t, 30443.0, port[0].ObjectValue()["nodePort"].NumberValue())
	shown := reveal(g.Get(t, "shanghai-hub-gateway-certificate", "kubernetes:core/v1:Secret").Inputs["stringData"]).ObjectValue()
	require.Equal(t, "hub-certificate", reveal(shown["tls.crt"]).StringValue())
	admin := g.Get(t, "shanghai-hub-grafana-admin", "kubernetes:core/v1:Secret").Inputs["stringData"]
	require.True(t, mocks.Secret(admin))
	require.Equal(t, "password-of-grafana", reveal(reveal(admin).ObjectValue()["password"]).StringValue())
	for _, store := range []string{"alertmanager", "prometheus-hub", "loki", "grafana"} {
		_, pod := template(t, g, "shanghai-hub-"+store, statefulSet)
		require.True(t, pod["securityContext"].ObjectValue()["runAsNonRoot"].BoolValue(), store)
	}
}

func TestStoresOfTheOperatorsOwn(t *testing.T) {
	t.Parallel()
	g := watched(t, true, func(m *config.Monitoring) {
		m.External = config.External{
			Prometheus: config.ExternalStore{URL: "https://metrics.example.com/api/v1/write", Token: "token-of-metrics"},
			Loki:       config.ExternalStore{URL: "https://logs.example.com/otlp"}, GrafanaURL: "https://grafana.example.com",
		}
	})
	for _, r := range g.All() {
		for _, store := range []string{"shanghai-hub-prometheus-hub", "shanghai-hub-loki", "shanghai-hub-grafana"} {
			require.NotEqual(t, store, r.Name)
		}
		require.NotContains(t, withoutSecrets(r.Inputs), "token-of-metrics", r.Name)
	}
	access := reveal(g.Get(t, "shanghai-monitoring-hub-access", "kubernetes:core/v1:Secret").Inputs["stringData"]).ObjectValue()
	require.Equal(t, "token-of-metrics", reveal(access["prometheus.token"]).StringValue())
}

func TestNobodyWatches(t *testing.T) {
	t.Parallel()
	g := watched(t, true, func(m *config.Monitoring) { m.Enabled = false })
	for _, r := range g.All() {
		require.False(t, strings.HasPrefix(r.Name, "shanghai-monitoring") || strings.HasPrefix(r.Name, "shanghai-hub"), r.Name)
	}
}

// reveal is what a secret hides.
func reveal(v resource.PropertyValue) resource.PropertyValue {
	for v.IsSecret() {
		v = v.SecretValue().Element
	}
	return v
}

// withoutSecrets is what of the inputs can be read.
func withoutSecrets(inputs resource.PropertyMap) string {
	var text func(v resource.PropertyValue) string
	text = func(v resource.PropertyValue) string {
		switch {
		case v.IsSecret():
			return ""
		case v.IsObject():
			var all strings.Builder
			for _, inner := range v.ObjectValue() {
				all.WriteString(text(inner))
			}
			return all.String()
		case v.IsArray():
			var all strings.Builder
			for _, inner := range v.ArrayValue() {
				all.WriteString(text(inner))
			}
			return all.String()
		}
		return v.String()
	}
	return text(resource.NewObjectProperty(inputs))
}
