package city_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	apiresource "k8s.io/apimachinery/pkg/api/resource"

	"github.com/edge-arena/edge-arena/internal/ociimage"
	"github.com/edge-arena/edge-arena/modules/city"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/internal/mocks"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	privateKey     = "-----BEGIN OPENSSH PRIVATE KEY-----"
	hubCredentials = "-----BEGIN NATS USER JWT-----"
)

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
		Policies: config.Policies{
			Enforcement: config.EnforceDeny, MaxPlayers: 10, MinTickRate: 120, MaxLimits: config.Quantities{CPU: "1", Memory: "512Mi"},
			Gatekeeper: config.Upstream(archive("gatekeeper")),
		},
		Credentials: config.Credentials{Generation: 1},
		Messaging: config.Messaging{
			Upstream: config.Upstream(archive("nats")), Storage: "1Gi",
			Leaf: config.Leaf{URL: "tls://hub.example.com", CredentialsFile: "hub.creds", Credentials: hubCredentials},
		},
		Lobby: config.Lobby{
			Source: archive("lobby"), NodePort: 30080, PlayerKeysFile: "keys.json", PlayerKeys: `{"keys": []}`, Issuer: "https://id.example.com",
			TicketLifetime: 10 * time.Second, JoinRate: "10/10s", AddressRate: "200/10s", Backups: config.Backups{Every: 6 * time.Hour, Keep: 28},
		},
		SLO: config.SLO{
			RTTP50: 10 * time.Millisecond, RTTP99: 20 * time.Millisecond, RTTP999: 50 * time.Millisecond, TickRate: 119.5, BotsPerPod: 10,
			Duration: 30 * time.Second, Gate: config.Gate{Enabled: true, Attempts: 3},
		},
		Battle: config.Battle{
			Namespace: "battle", Replicas: 10, Source: archive("battle"), PortAllocator: archive("ports"), MaxPlayers: 10, TickRate: 120,
			Ports: config.Ports{First: 20000, Last: 20999}, Duration: 5 * time.Minute, DrainTimeout: 5 * time.Minute,
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
			if strings.HasSuffix(r.Name, "-mint") {
				continue // which is told what is wanted, and no secret
			}
			if v, ok := r.Inputs[key]; ok {
				require.True(t, mocks.Secret(v), "%s of %s is not secret", key, r.Name)
			}
		}
		for key, v := range r.Inputs {
			text := plain(v)
			for _, secret := range append(mocks.Secrets(), privateKey, hubCredentials, mocks.Token, "server: https://") {
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

	require.Equal(t, 375.0, spec["progressDeadlineSeconds"].NumberValue(), "a minute, and the longest that battles may keep the room")
	require.Equal(t, 315.0, pod["terminationGracePeriodSeconds"].NumberValue())
	stop := container["lifecycle"].ObjectValue()["preStop"].ObjectValue()["httpGet"].ObjectValue()
	require.Equal(t, "127.0.0.1", stop["host"].StringValue())
	require.Equal(t, "/drain", stop["path"].StringValue())
	require.Equal(t, "http", stop["port"].StringValue(), "by name: each pod's number is another")
	env := map[string]string{}
	for _, e := range container["env"].ArrayValue() {
		name := e.ObjectValue()["name"].StringValue()
		if v, ok := e.ObjectValue()["value"]; ok {
			env[name] = v.StringValue()
		} else if ref, ok := e.ObjectValue()["valueFrom"].ObjectValue()["secretKeyRef"]; ok {
			env[name] = ref.ObjectValue()["name"].StringValue() + "/" + ref.ObjectValue()["key"].StringValue()
		}
	}
	require.Equal(t, map[string]string{
		"CITY": "shanghai", "MAX_PLAYERS": "10", "TICK_RATE": "120", "BATTLE_SECONDS": "300", "DRAIN_SECONDS": "300", "NATS_ADDRESS": mocks.ClusterIP + ":4222",
		"TICKET_KEYS": "battle-credentials/TICKET_KEYS", "NATS_USER": "battle-credentials/NATS_USER", "NATS_PASSWORD": "battle-credentials/NATS_PASSWORD",
	}, env)

	_, budget = deployment(node("sh-1", "192.0.2.1", config.RoleServer), node("sh-2", "192.0.2.2", config.RoleAgent))
	require.Equal(t, "25%", budget["maxUnavailable"].StringValue())
}

func template(t *testing.T, g *mocks.Graph, name, kind string) (metadata, spec resource.PropertyMap) {
	t.Helper()
	of := g.Get(t, name, kind).Inputs["spec"].ObjectValue()["template"].ObjectValue()
	return of["metadata"].ObjectValue(), of["spec"].ObjectValue()
}

const (
	statefulSet = "kubernetes:apps/v1:StatefulSet"
	deployment  = "kubernetes:apps/v1:Deployment"
)

// The services of a city are kept room for by services.reserve, and keep to it.
func TestServicesFitTheirReserve(t *testing.T) {
	t.Parallel()
	g := build(t, node("sh-1", "192.0.2.1", config.RoleServer))
	cpu, memory := apiresource.Quantity{}, apiresource.Quantity{}
	services := 0
	for _, r := range g.All() {
		if r.Type != statefulSet && r.Type != deployment || strings.HasPrefix(r.Name, "shanghai-battle") {
			continue
		}
		services++
		for _, c := range r.Inputs["spec"].ObjectValue()["template"].ObjectValue()["spec"].ObjectValue()["containers"].ArrayValue() {
			requests := c.ObjectValue()["resources"].ObjectValue()["requests"].ObjectValue()
			cpu.Add(apiresource.MustParse(requests["cpu"].StringValue()))
			memory.Add(apiresource.MustParse(requests["memory"].StringValue()))
		}
	}
	require.Equal(t, 3, services, "Gatekeeper, NATS and the lobby")
	reserve := config.Defaults().Services.Reserve
	require.LessOrEqual(t, cpu.Cmp(apiresource.MustParse(reserve.CPU)), 0, "%s of %s", cpu.String(), reserve.CPU)
	require.LessOrEqual(t, memory.Cmp(apiresource.MustParse(reserve.Memory)), 0, "%s of %s", memory.String(), reserve.Memory)
}

func TestServicesAreRestricted(t *testing.T) {
	t.Parallel()
	g := build(t, node("sh-1", "192.0.2.1", config.RoleServer))
	labels := g.Get(t, "shanghai-namespace", "kubernetes:core/v1:Namespace").Inputs["metadata"].ObjectValue()["labels"].ObjectValue()
	require.Equal(t, "restricted", labels["pod-security.kubernetes.io/enforce"].StringValue())
	for name, kind := range map[string]string{"shanghai-messaging-statefulset": statefulSet, "shanghai-lobby-deployment": deployment} {
		_, pod := template(t, g, name, kind)
		require.False(t, pod["automountServiceAccountToken"].BoolValue(), name)
		security := pod["securityContext"].ObjectValue()
		require.True(t, security["runAsNonRoot"].BoolValue(), name)
		require.Equal(t, "RuntimeDefault", security["seccompProfile"].ObjectValue()["type"].StringValue(), name)
		container := pod["containers"].ArrayValue()[0].ObjectValue()["securityContext"].ObjectValue()
		require.False(t, container["allowPrivilegeEscalation"].BoolValue(), name)
		require.True(t, container["readOnlyRootFilesystem"].BoolValue(), name)
		require.Equal(t, "ALL", container["capabilities"].ObjectValue()["drop"].ArrayValue()[0].StringValue(), name)
	}
}

func TestVolumesStayOnTheFirstServer(t *testing.T) {
	t.Parallel()
	g := build(t, node("sh-3", "192.0.2.3", config.RoleAgent), node("sh-1", "192.0.2.1", config.RoleServer))
	for part, claim := range map[string]string{"shanghai-messaging": "nats", "shanghai-lobby": "lobby"} {
		spec := g.Get(t, part+"-volume", "kubernetes:core/v1:PersistentVolume").Inputs["spec"].ObjectValue()
		require.Equal(t, "Retain", spec["persistentVolumeReclaimPolicy"].StringValue())
		require.Equal(t, "/var/lib/edge-arena/volumes/east.shanghai/"+claim, spec["local"].ObjectValue()["path"].StringValue())
		term := spec["nodeAffinity"].ObjectValue()["required"].ObjectValue()["nodeSelectorTerms"].ArrayValue()[0].ObjectValue()
		require.Equal(t, "sh-1", term["matchExpressions"].ArrayValue()[0].ObjectValue()["values"].ArrayValue()[0].StringValue())
		folder := g.Get(t, part+"-folder", "command:remote:Command")
		require.Equal(t, "192.0.2.1", folder.Inputs["connection"].SecretValue().Element.ObjectValue()["host"].StringValue())
		require.Empty(t, folder.DeletedWith, "whether the data goes is for its own delete command to say")
		require.Contains(t, folder.Inputs["delete"].StringValue(), " yes", "the city is protected")
	}
}

func TestLobby(t *testing.T) {
	t.Parallel()
	first := node("sh-1", "192.0.2.1", config.RoleServer)
	first.ExternalAddress = "198.51.100.1"
	g := build(t, first)
	service := g.Get(t, "shanghai-lobby-service", "kubernetes:core/v1:Service").Inputs["spec"].ObjectValue()
	require.Equal(t, "NodePort", service["type"].StringValue())
	require.Equal(t, "Local", service["externalTrafficPolicy"].StringValue(), "the lobby must see the players' addresses")
	require.Equal(t, 30080.0, service["ports"].ArrayValue()[0].ObjectValue()["nodePort"].NumberValue())

	spec := g.Get(t, "shanghai-lobby-deployment", deployment).Inputs["spec"].ObjectValue()
	require.Equal(t, "Recreate", spec["strategy"].ObjectValue()["type"].StringValue())
	_, pod := template(t, g, "shanghai-lobby-deployment", deployment)
	var flags []string
	for _, arg := range pod["containers"].ArrayValue()[0].ObjectValue()["args"].ArrayValue() {
		flags = append(flags, arg.StringValue())
	}
	require.Equal(t, []string{
		"-listen=:8080", "-ledger=/var/lib/lobby/ledger.db", "-backups=/var/lib/lobby/backups", "-backup-every=6h0m0s", "-backup-keep=28",
		"-policy=/etc/lobby/policy/join.rego", "-player-keys=/etc/lobby/keys/jwks.json", "-audience=edge-arena", "-issuer=https://id.example.com",
		"-ticket-lifetime=10s", "-nats=tls://nats.city.svc:4222", "-nats-ca=/etc/lobby/nats/ca.crt", "-city=shanghai", "-join-rate=10/10s",
		"-address-rate=200/10s",
	}, flags)
	policy := g.Get(t, "shanghai-lobby-policy", "kubernetes:core/v1:ConfigMap").Inputs["data"].ObjectValue()["join.rego"].StringValue()
	require.Contains(t, policy, "package gaming")
	require.Contains(t, g.Get(t, "shanghai-lobby-deployment", deployment).DependsOn, "shanghai-battle-deployment", "when keys are rolled it is the last")
}

func TestNATSHasItsConfig(t *testing.T) {
	t.Parallel()
	g := build(t, node("sh-1", "192.0.2.1", config.RoleServer))
	files := g.Get(t, "shanghai-messaging-config", "kubernetes:core/v1:Secret").Inputs["stringData"]
	require.True(t, mocks.Secret(files))
	text := func(key resource.PropertyKey) string {
		values := files
		if values.IsSecret() {
			values = values.SecretValue().Element
		}
		v := values.ObjectValue()[key]
		if v.IsSecret() {
			v = v.SecretValue().Element
		}
		return v.StringValue()
	}
	m := mocks.Minted()
	for _, want := range []string{m.Battle.User, m.Battle.Hash, m.Battle.PreviousHash, m.Lobby.Hash, "sync_interval: always", `"tls://hub.example.com"`} {
		require.Contains(t, text("nats.conf"), want)
	}
	require.NotContains(t, text("nats.conf"), m.Battle.Password)
	require.Equal(t, hubCredentials, text("hub.creds"))
	require.Equal(t, m.Key, text("tls.key"))
	metadata, _ := template(t, g, "shanghai-messaging-statefulset", statefulSet)
	require.NotEmpty(t, metadata["annotations"].ObjectValue()["edge-arena/config"].StringValue(), "another config is another pod")
}

func TestSummary(t *testing.T) {
	t.Parallel()
	s := settings(t)
	first := node("sh-1", "192.0.2.1", config.RoleServer)
	got := make(chan []any, 1)
	mocks.Run(t, func(ctx *pulumi.Context) error {
		c, err := city.New(ctx, "shanghai", &city.Args{Region: "east", City: config.City{Name: "shanghai", Settings: s, Nodes: []config.Node{first}}})
		if err != nil {
			return err
		}
		pulumi.All(c.Summary).ApplyT(func(v []any) bool { got <- v; return true })
		return nil
	})
	values := <-got
	require.Equal(t, "http://192.0.2.1:30080", values[0].(map[string]any)["lobby"].(map[string]any)["address"])
	for _, secret := range mocks.Secrets() {
		require.NotContains(t, fmt.Sprint(values[0]), secret)
	}
}

// What a gate has passed is played again when something has changed that a battle may feel, and only then.
func TestSubject(t *testing.T) {
	t.Parallel()
	base := settings(t)
	subject := func(edit func(s *config.Settings)) string {
		s := base
		edit(&s)
		g := mocks.Run(t, func(ctx *pulumi.Context) error {
			_, err := city.New(ctx, "shanghai", &city.Args{Region: "east", City: config.City{
				Name: "shanghai", Settings: s, Nodes: []config.Node{node("sh-1", "192.0.2.1", config.RoleServer)},
			}})
			return err
		})
		var spec struct{ Subject string }
		stdin := g.Get(t, "shanghai-gate-bots", "command:local:Command").Inputs["stdin"].SecretValue().Element.StringValue()
		require.NoError(t, json.Unmarshal([]byte(stdin), &spec))
		return spec.Subject
	}
	before := subject(func(*config.Settings) {})
	for name, edit := range map[string]func(s *config.Settings){
		"the lobby's image":   func(s *config.Settings) { s.Lobby.Source = base.Battle.Source },
		"NATS's image":        func(s *config.Settings) { s.Messaging.Upstream = config.Upstream{Image: "r/nats:2.10.23"} },
		"the life of tickets": func(s *config.Settings) { s.Lobby.TicketLifetime = 5 * time.Second },
		"the credentials":     func(s *config.Settings) { s.Credentials.Generation = 2 },
	} {
		require.NotEqual(t, before, subject(edit), name)
	}
	for name, edit := range map[string]func(s *config.Settings){
		"player keys": func(s *config.Settings) { s.Lobby.PlayerKeys, s.Lobby.PlayerKeysFile = `{"keys": [{}]}`, "other.json" },
		"backups":     func(s *config.Settings) { s.Lobby.Backups.Keep = 7 },
		"storage":     func(s *config.Settings) { s.Messaging.Storage = "2Gi" },
		"prices":      func(s *config.Settings) { s.Prices.NodeMonth = 1 },
	} {
		require.Equal(t, before, subject(edit), name)
	}
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
