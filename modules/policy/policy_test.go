package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/internal/ociimage"
	"github.com/edge-arena/edge-arena/internal/refusal"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/internal/mocks"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

var update = flag.Bool("update", false, "write the golden files, and the constraints that gator tests, anew")

const kubeconfig = "token: s3cret"

// seed is the case's own city.
func seed() *GatekeeperArgs {
	return &GatekeeperArgs{
		City: "east/shanghai",
		Policies: config.Policies{
			Enforcement: config.EnforceDeny, MaxPlayers: 10, MinTickRate: 120, MaxLimits: config.Quantities{CPU: "1", Memory: "512Mi"},
			Registries: []string{"registry.example.com/"},
		},
		Battle: config.Battle{
			Namespace: "battle", Ports: config.Ports{First: 20000, Last: 20999},
			Resources: config.Resources{
				Requests: config.Quantities{CPU: "200m", Memory: "256Mi"}, Limits: config.Quantities{CPU: "1", Memory: "512Mi"},
			},
		},
		Image:      config.Source{Image: "registry.example.com/gatekeeper@sha256:0"},
		Kubeconfig: pulumi.ToSecret(pulumi.String(kubeconfig)).(pulumi.StringOutput),
	}
}

func node(name, address string, role config.Role) config.Node {
	return config.Node{
		Name: name, Host: name, Role: role,
		NodeSettings: config.NodeSettings{
			K3s:  config.NodeK3s{ReadyTimeout: 5 * time.Minute},
			Wasm: config.Wasm{Engine: config.EngineCrun, Version: "0.14.1"},
		},
		Endpoint: config.Endpoint{Address: address, Port: 22, User: "root", PrivateKey: "key", HostKey: "ssh-ed25519 AAAA", DialTimeout: time.Second, DialAttempts: 1},
	}
}

// build makes a cluster of one node with a policy engine, whose image comes over SSH.
func build(t *testing.T, change func(*GatekeeperArgs)) *mocks.Graph {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "gatekeeper.tar")
	_, err := ociimage.Write(archive, ociimage.Spec{
		Reference: "docker.io/openpolicyagent/gatekeeper:v3.15.1", Files: map[string]ociimage.File{"/manager": {Content: []byte("x")}}, Entrypoint: []string{"/manager"},
	})
	require.NoError(t, err)
	return mocks.Run(t, func(ctx *pulumi.Context) error {
		cluster, err := k3s.NewCluster(ctx, "shanghai", k3s.CityArgs("east", config.City{
			Name: "shanghai", Settings: config.Settings{K3s: config.K3s{Version: "v1.30.4+k3s1"}}, Nodes: []config.Node{node("sh-1", "192.0.2.1", config.RoleServer)},
		}))
		if err != nil {
			return err
		}
		args := seed()
		args.Cluster, args.Image = cluster, config.Source{Archive: archive}
		if change != nil {
			change(args)
		}
		_, err = NewGatekeeper(ctx, "shanghai-policy", args)
		return err
	})
}

func TestGraph(t *testing.T) {
	t.Parallel()
	golden(t, filepath.Join("testdata", "one-node.golden"), []byte(build(t, nil).String()))
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, got, 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run with -update if this is meant")
}

func TestTheManifestIsTheReleases(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256(manifest)
	require.Equal(t, ManifestSHA256, hex.EncodeToString(sum[:]))
	source, err := os.ReadFile("policy.go")
	require.NoError(t, err)
	require.Contains(t, string(source), "sha256 "+ManifestSHA256, "the package's comment names it")
}

// What gator tests is what a city with the seed's numbers gets.
func TestConstraintsOfTheSeed(t *testing.T) {
	t.Parallel()
	for _, r := range rules() {
		var content bytes.Buffer
		content.WriteString("# Made from rules.go by `go test ./modules/policy -update`, with the seed's numbers.\n")
		enc := yaml.NewEncoder(&content)
		enc.SetIndent(2)
		require.NoError(t, enc.Encode(r.constraint(seed())))
		golden(t, filepath.Join("rules", r.name, "constraint.yaml"), content.Bytes())
	}
}

func TestRulesAreWhole(t *testing.T) {
	t.Parallel()
	folders, err := os.ReadDir("rules")
	require.NoError(t, err)
	require.Len(t, folders, len(rules()), "each folder is a rule in force")
	library := ""
	for _, r := range rules() {
		template, err := r.template()
		require.NoError(t, err)
		require.Equal(t, strings.ToLower(r.kind), template.name(), r.name)
		require.Equal(t, r.kind, template.at("spec", "crd", "spec", "names")["kind"], r.name)
		target := template.at("spec")["targets"].([]any)[0].(object)
		libs := target["libs"].([]any)
		require.Len(t, libs, 1, r.name)
		if library == "" {
			library = libs[0].(string)
		}
		require.Equal(t, library, libs[0], "rule %s: all rules read a workload the same way", r.name)
		schema := template.at("spec", "crd", "spec", "validation", "openAPIV3Schema", "properties")
		for parameter := range r.constraint(seed()).at("spec", "parameters") {
			require.Contains(t, schema, parameter, "rule %s: a parameter that its schema does not know is dropped", r.name)
		}

		// gator's suite has every sample, and as many of both sorts as it takes to believe it.
		suite, err := os.ReadFile(filepath.Join("rules", r.name, "suite.yaml"))
		require.NoError(t, err)
		allowed, denied := 0, 0
		samples, err := os.ReadDir(filepath.Join("rules", r.name, "samples"))
		require.NoError(t, err)
		for _, sample := range samples {
			want := "no"
			if strings.HasPrefix(sample.Name(), "denied-") {
				want = "yes"
				denied++
			} else {
				require.True(t, strings.HasPrefix(sample.Name(), "allowed-"), sample.Name())
				allowed++
			}
			require.Contains(t, string(suite), "object: samples/"+sample.Name()+"\n        assertions:\n          - violations: "+want+"\n", r.name)
		}
		require.GreaterOrEqual(t, allowed, 2, r.name)
		require.GreaterOrEqual(t, denied, 2, r.name)
	}
}

func find(t *testing.T, args *GatekeeperArgs, kind string) []object {
	t.Helper()
	all, err := adapted(args)
	require.NoError(t, err)
	var found []object
	for _, o := range all {
		if o.kind() == kind {
			found = append(found, o)
		}
	}
	return found
}

func TestOnePodDoesIt(t *testing.T) {
	t.Parallel()
	deployments := find(t, seed(), "Deployment")
	require.Len(t, deployments, 1)
	spec := deployments[0].at("spec")
	require.Equal(t, 1, spec["replicas"])
	container := spec.at("template", "spec")["containers"].([]any)[0].(object)
	for _, arg := range []string{"--operation=webhook", "--operation=audit", "--operation=status", "--enable-external-data=false", "--disable-opa-builtin=http.send"} {
		require.Contains(t, container["args"], arg)
	}
	require.Equal(t, object{"requests": object{"cpu": "50m", "memory": "96Mi"}, "limits": object{"memory": "256Mi"}}, container["resources"])
	require.Equal(t, podLabelsAny(), spec.at("template", "metadata", "labels"), "the metrics service finds the pod")

	for _, kind := range []string{"PodDisruptionBudget", "MutatingWebhookConfiguration"} {
		require.Empty(t, find(t, seed(), kind))
	}
	var definitions []string
	for _, o := range find(t, seed(), "CustomResourceDefinition") {
		definitions = append(definitions, o.name())
	}
	require.Equal(t, []string{
		"configs.config.gatekeeper.sh", "constraintpodstatuses.status.gatekeeper.sh", "constrainttemplatepodstatuses.status.gatekeeper.sh",
		"constrainttemplates.templates.gatekeeper.sh", "syncsets.syncset.gatekeeper.sh",
	}, definitions)
}

func podLabelsAny() object {
	all := object{}
	for k, v := range podLabels() {
		all[k] = v
	}
	return all
}

func TestGatekeeperReadsNoSecretOfOthers(t *testing.T) {
	t.Parallel()
	for _, r := range find(t, seed(), "ClusterRole")[0]["rules"].([]any) {
		require.NotContains(t, r.(object)["apiGroups"], "*")
		require.NotContains(t, r.(object)["resources"], "secrets")
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	tests := map[config.Enforcement]map[string]string{
		config.EnforceDeny:   {"validation.gatekeeper.sh": "Ignore", "node.validation.gatekeeper.sh": "Fail"},
		config.EnforceWarn:   {"validation.gatekeeper.sh": "Ignore"},
		config.EnforceDryRun: {"validation.gatekeeper.sh": "Ignore"},
	}
	for enforcement, want := range tests {
		t.Run(string(enforcement), func(t *testing.T) {
			t.Parallel()
			args := seed()
			args.Policies.Enforcement, args.Exempt = enforcement, []string{"monitoring"}
			got := map[string]string{}
			for _, w := range find(t, args, "ValidatingWebhookConfiguration")[0]["webhooks"].([]any) {
				hook := w.(object)
				got[text(hook["name"])] = text(hook["failurePolicy"])
				selector := hook.at("namespaceSelector")["matchExpressions"].([]any)
				require.Equal(t, list(object{
					"key": "kubernetes.io/metadata.name", "operator": "NotIn",
					"values": list("kube-system", "kube-node-lease", "kube-public", "gatekeeper-system", "monitoring"),
				}), selector)
				for _, r := range hook["rules"].([]any) {
					require.NotContains(t, r.(object)["resources"], "replicasets")
					if r.(object)["apiGroups"].([]any)[0] == "" {
						require.NotContains(t, r.(object)["resources"], "*")
					}
				}
			}
			require.Equal(t, want, got)
			for _, r := range rules() {
				require.Equal(t, string(enforcement), r.constraint(args).at("spec")["enforcementAction"])
			}
		})
	}
}

func TestConstraintsFollowTheConfig(t *testing.T) {
	t.Parallel()
	args := seed()
	args.Policies.MaxPlayers, args.Policies.MinTickRate, args.Policies.Registries = 6, 240, nil
	args.Battle.Namespace, args.Battle.Ports = "arena", config.Ports{First: 30000, Last: 30099}
	constraints := map[string]object{}
	for _, r := range rules() {
		constraints[r.name] = r.constraint(args).at("spec")
	}
	require.Equal(t, object{"runtimeClass": "wasmedge", "maxPlayers": 6, "minTickRate": 240}, constraints["battle-settings"]["parameters"])
	require.Equal(t, object{"registries": list[string]()}, constraints["battle-images"]["parameters"])
	require.Equal(t, object{"first": 30000, "last": 30099}, constraints["host-network"].at("parameters")["ports"])
	require.Equal(t, list("arena", ProofNamespace), constraints["battle-runtime"].at("match")["namespaces"])
	require.Equal(t, list("arena", CityNamespace, ProofNamespace), constraints["required-labels"].at("match")["namespaces"])
	require.Equal(t, list("kube-system", "kube-node-lease", "kube-public", "gatekeeper-system"), constraints["no-host-path"].at("match")["excludedNamespaces"])
}

func TestTheProofIsOfEveryRule(t *testing.T) {
	t.Parallel()
	g := build(t, nil)
	proof := g.Get(t, "shanghai-policy-refusal", "command:local:Command")
	require.Equal(t, refusal.CommandLine, proof.Inputs["create"].StringValue())
	require.Equal(t, refusal.CommandLine, proof.Inputs["update"].StringValue())
	// What the resource sends is what the program reads.
	spec, err := refusal.ReadSpec(strings.NewReader(proof.Inputs["stdin"].SecretValue().Element.StringValue()))
	require.NoError(t, err)
	require.Equal(t, kubeconfig, spec.Kubeconfig)
	require.Equal(t, "deny", spec.Enforcement)
	require.Contains(t, spec.Subject, "@sha256:")
	require.Len(t, spec.Rules, len(rules()))
	for i, r := range rules() {
		require.Equal(t, r.name, spec.Rules[i].Name)
		require.NotEqual(t, string(spec.Allowed), string(spec.Rules[i].Denied), r.name)
		require.Contains(t, proof.DependsOn, "shanghai-policy-constraint-"+r.name)
	}

	// Another number is another proof, and so is another image.
	other := build(t, func(a *GatekeeperArgs) { a.Battle.Ports.Last++ })
	require.NotEqual(t, proof.Inputs["stdin"], other.Get(t, "shanghai-policy-refusal", "command:local:Command").Inputs["stdin"])
	other = build(t, func(a *GatekeeperArgs) { a.Image = config.Source{Image: "registry.example.com/gatekeeper@sha256:1"} })
	require.NotEqual(t, proof.Inputs["stdin"], other.Get(t, "shanghai-policy-refusal", "command:local:Command").Inputs["stdin"])
}

func TestThePodRunsTheDeliveredImage(t *testing.T) {
	t.Parallel()
	image := func(g *mocks.Graph) (string, string) {
		pod := g.Get(t, "shanghai-policy-deployment-controller-manager", "kubernetes:apps/v1:Deployment").
			Inputs["spec"].ObjectValue()["template"].ObjectValue()["spec"].ObjectValue()
		c := pod["containers"].ArrayValue()[0].ObjectValue()
		return c["image"].StringValue(), c["imagePullPolicy"].StringValue()
	}
	name, policy := image(build(t, nil))
	require.Contains(t, name, "docker.io/openpolicyagent/gatekeeper@sha256:")
	require.Equal(t, "Never", policy)
	name, policy = image(build(t, func(a *GatekeeperArgs) { a.Image = config.Source{Image: "registry.example.com/gatekeeper@sha256:0"} }))
	require.Equal(t, "registry.example.com/gatekeeper@sha256:0", name)
	require.Equal(t, "IfNotPresent", policy)
}

func TestTheKubeconfigIsASecret(t *testing.T) {
	t.Parallel()
	for _, r := range build(t, nil).All() {
		for key, v := range r.Inputs {
			if key == resource.PropertyKey("stdin") {
				require.True(t, mocks.Secret(v), r.Name)
				continue
			}
			require.NotContains(t, v.String(), "s3cret", "%s of %s", key, r.Name)
		}
	}
}

func TestNewGatekeeperRefuses(t *testing.T) {
	t.Parallel()
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := NewGatekeeper(ctx, "x", &GatekeeperArgs{Policies: config.Policies{Enforcement: "please"}, Exempt: []string{CityNamespace}})
		return err
	}, pulumi.WithMocks("edge-arena", "test", &mocks.Graph{}))
	for _, want := range []string{
		"gatekeeper x: city: required", `policies.enforcement: "please" is none of deny, warn, dryrun`, "battle.namespace: required",
		"image: an archive or an image is required", "cluster: required", "kubeconfig: required", "exempt: the rules are about namespace city",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"kind: X":             "object 0: apiVersion, kind and metadata.name are required",
		"a: [":                "yaml: ",
		"- 1":                 "cannot unmarshal",
		"apiVersion: v1\n---": "object 0: ",
	} {
		_, err := decode([]byte(content))
		require.ErrorContains(t, err, want, content)
	}
}

// The samples of the proof and of gator are of one mind: the pods are JSON that Kubernetes reads.
func TestProofPodsAreJSON(t *testing.T) {
	t.Parallel()
	spec, err := seed().proof(kubeconfig)
	require.NoError(t, err)
	for _, r := range spec.Rules {
		require.True(t, json.Valid(r.Denied), r.Name)
	}
}
