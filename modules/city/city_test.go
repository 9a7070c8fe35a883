package city_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/ociimage"
	"github.com/edge-arena/edge-arena/modules/city"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/internal/mocks"
)

var update = flag.Bool("update", false, "write the golden files anew")

const privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----"

func settings(t *testing.T) config.Settings {
	t.Helper()
	dir := t.TempDir()
	archive := func(name string) config.Source {
		path := filepath.Join(dir, name+".tar")
		_, err := ociimage.Write(path, ociimage.Spec{
			Reference: "registry.example.com/" + name + ":1", Files: map[string]ociimage.File{"/x": {Content: []byte(name)}}, Entrypoint: []string{"/x"},
		})
		require.NoError(t, err)
		return config.Source{Archive: path}
	}
	return config.Settings{
		K3s:     config.K3s{Version: "v1.30.4+k3s1", Disable: []string{"traefik", "servicelb"}},
		Protect: true,
		SLO: config.SLO{
			RTTP50: 10 * time.Millisecond, RTTP99: 20 * time.Millisecond, RTTP999: 50 * time.Millisecond, TickRate: 119.5, BotsPerPod: 10,
			Duration: 30 * time.Second, Gate: config.Gate{Enabled: true, Attempts: 3},
		},
		Battle: config.Battle{
			Namespace: "battle", Replicas: 10, Source: archive("battle"), PortAllocator: archive("ports"), MaxPlayers: 10, TickRate: 120,
			Ports: config.Ports{First: 20000, Last: 20999},
			Resources: config.Resources{
				Requests: config.Quantities{CPU: "200m", Memory: "256Mi"}, Limits: config.Quantities{CPU: "1", Memory: "512Mi"},
			},
		},
	}
}

func node(name, address string, role config.Role) config.Node {
	return config.Node{
		Name: name, Host: name, Role: role,
		NodeSettings: config.NodeSettings{
			K3s: config.NodeK3s{
				ReadyTimeout: 5 * time.Minute, ServerFlags: []string{"--kube-apiserver-arg=v=2"}, KubeletArgs: []string{"max-pods=200"},
			},
			Wasm: config.Wasm{Engine: config.EngineCrun, Version: "0.14.1"},
		},
		Endpoint: config.Endpoint{
			Address: address, Port: 22, User: "root", PrivateKey: privateKey, HostKey: "ssh-ed25519 AAAA", DialTimeout: 15 * time.Second, DialAttempts: 10,
		},
	}
}

func build(t *testing.T, nodes ...config.Node) *mocks.Graph {
	t.Helper()
	s := settings(t)
	return mocks.Run(t, func(ctx *pulumi.Context) error {
		_, err := city.New(ctx, "shanghai", &city.Args{Region: "east", City: config.City{Name: "shanghai", Settings: s, Nodes: nodes}})
		return err
	})
}

func TestGraph(t *testing.T) {
	t.Parallel()
	tests := map[string][]config.Node{
		"one-node":    {node("sh-1", "192.0.2.1", config.RoleServer)},
		"three-nodes": {node("sh-3", "192.0.2.3", config.RoleAgent), node("sh-2", "192.0.2.2", config.RoleAgent), node("sh-1", "192.0.2.1", config.RoleServer)},
	}
	for name, nodes := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := build(t, nodes...).String()
			file := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got, "run with -update if this is meant")
		})
	}
}

func TestOrderInTheFileMeansNothing(t *testing.T) {
	t.Parallel()
	a, b, c := node("sh-1", "192.0.2.1", config.RoleServer), node("sh-2", "192.0.2.2", config.RoleAgent), node("sh-3", "192.0.2.3", config.RoleAgent)
	require.Equal(t, build(t, a, b, c).String(), build(t, c, a, b).String())
}

func TestNoSecretIsPlain(t *testing.T) {
	t.Parallel()
	for _, r := range build(t, node("sh-1", "192.0.2.1", config.RoleServer), node("sh-2", "192.0.2.2", config.RoleAgent)).All() {
		for _, key := range []resource.PropertyKey{"connection", "stdin", "kubeconfig"} {
			if v, ok := r.Inputs[key]; ok {
				require.True(t, mocks.Secret(v), "%s of %s is not secret", key, r.Name)
			}
		}
		for key, v := range r.Inputs {
			text := plain(v)
			for _, secret := range []string{privateKey, mocks.Token, "server: https://"} {
				require.NotContains(t, text, secret, "%s of %s", key, r.Name)
			}
		}
		if strings.HasSuffix(r.Name, "-k3s") {
			require.Contains(t, r.Secrets, "stdout", r.Name)
			require.Equal(t, "stderr", r.Inputs["logging"].StringValue(), r.Name)
			require.False(t, r.Inputs["addPreviousOutputInEnv"].BoolValue(), r.Name)
		}
		if strings.HasPrefix(r.Type, "command:remote:") {
			hostKey := r.Inputs["connection"].SecretValue().Element.ObjectValue()["hostKey"]
			require.Equal(t, "ssh-ed25519 AAAA", hostKey.StringValue(), r.Name)
		}
	}
}

// plain is what of a value is readable in Pulumi's state.
func plain(v resource.PropertyValue) string {
	switch {
	case v.IsSecret(), v.IsOutput() && v.OutputValue().Secret:
		return ""
	case v.IsOutput():
		return plain(v.OutputValue().Element)
	case v.IsObject():
		var all string
		for _, e := range v.ObjectValue() {
			all += plain(e) + "\n"
		}
		return all
	case v.IsArray():
		var all string
		for _, e := range v.ArrayValue() {
			all += plain(e) + "\n"
		}
		return all
	default:
		return v.String()
	}
}

func TestAgentsJoinByATokenOnStdin(t *testing.T) {
	t.Parallel()
	g := build(t, node("sh-1", "192.0.2.1", config.RoleServer), node("sh-2", "192.0.2.2", config.RoleAgent))
	install := g.Get(t, "shanghai-sh-2-k3s", "command:remote:Command")
	require.Contains(t, install.Inputs["stdin"].SecretValue().Element.StringValue(), "ARENA_TOKEN="+mocks.Token)
	require.Contains(t, install.Inputs["create"].StringValue(), "agent --wasm --node-name sh-2 --kubelet-arg max-pods=200 --server https://192.0.2.1:6443")
	provider := g.Get(t, "shanghai-kubernetes", "pulumi:providers:kubernetes")
	require.Equal(t, "server: https://192.0.2.1:6443\n", provider.Inputs["kubeconfig"].SecretValue().Element.StringValue())
}

func TestDeployment(t *testing.T) {
	t.Parallel()
	deployment := func(nodes ...config.Node) (spec, budget resource.PropertyMap) {
		g := build(t, nodes...)
		return g.Get(t, "shanghai-battle-deployment", "kubernetes:apps/v1:Deployment").Inputs["spec"].ObjectValue(),
			g.Get(t, "shanghai-battle-budget", "kubernetes:policy/v1:PodDisruptionBudget").Inputs["spec"].ObjectValue()
	}
	spec, budget := deployment(node("sh-1", "192.0.2.1", config.RoleServer))
	require.Equal(t, 10.0, spec["replicas"].NumberValue())
	require.Equal(t, "100%", budget["maxUnavailable"].StringValue(), "a lone node could never be drained")
	pod := spec["template"].ObjectValue()["spec"].ObjectValue()
	require.Equal(t, "wasmedge", pod["runtimeClassName"].StringValue())
	require.True(t, pod["hostNetwork"].BoolValue())
	require.False(t, pod["automountServiceAccountToken"].BoolValue())
	container := pod["containers"].ArrayValue()[0].ObjectValue()
	require.Contains(t, container["image"].StringValue(), "registry.example.com/battle@sha256:")
	require.Equal(t, "Never", container["imagePullPolicy"].StringValue())
	resources := container["resources"].ObjectValue()
	require.Equal(t, "200m", resources["requests"].ObjectValue()["cpu"].StringValue())
	require.Equal(t, "512Mi", resources["limits"].ObjectValue()["memory"].StringValue())

	_, budget = deployment(node("sh-1", "192.0.2.1", config.RoleServer), node("sh-2", "192.0.2.2", config.RoleAgent))
	require.Equal(t, "25%", budget["maxUnavailable"].StringValue())
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := city.New(ctx, "x", &city.Args{})
		return err
	}, pulumi.WithMocks("edge-arena", "test", &mocks.Graph{}))
	for _, want := range []string{"region: required", "city.name: required", "city.nodes: a server is required"} {
		require.ErrorContains(t, err, want)
	}
}
