// Package mocks runs Pulumi programs without an engine and keeps what they register, for tests of the component packages.
package mocks

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/mint"
)

// Kubeconfig is what the mocked installer reports, before its address is changed. The token is a secret, too.
const (
	Kubeconfig = "server: https://127.0.0.1:6443\n"
	Token      = "K10mock::server:secret"
	// ClusterIP is the address of every service that asks for none.
	ClusterIP = "192.0.2.53"
	// Outcome is what a mocked gate says.
	Outcome = `{"pass":true,"image":"registry.example.com/battle@sha256:0"}`
)

// Resource is a resource that a program registered.
type Resource struct {
	Type, Name, Parent string
	Inputs             resource.PropertyMap
	DependsOn          []string
	DeletedWith        string
	Secrets            []string
	RetainOnDelete     bool
	Protect            bool
}

// MintedRegion is what a mocked mint gives for a region of the cities shanghai and suzhou.
const MintedRegion = `{"generation":1,"ca":"region-ca","caKey":"secret-key-of-the-region","hub":{"certificate":"hub-certificate","key":"secret-key-of-the-hub"},` +
	`"cities":{"shanghai":{"certificate":"shanghai-certificate","key":"secret-key-of-shanghai"},"suzhou":{"certificate":"suzhou-certificate","key":"secret-key-of-suzhou"}},` +
	`"grafanaPassword":"password-of-grafana"}`

// Graph is all that a program registered.
type Graph struct {
	mu        sync.Mutex
	resources map[string]Resource
}

// Minted are the credentials that a mocked mint gives, the same each time.
var Minted = sync.OnceValue(func() *mint.Credentials {
	client := func(name string) mint.Client {
		return mint.Client{
			User: name + "-2", Password: "password-of-" + name, Hash: "$2a$04$hash-of-" + name, PreviousUser: name, PreviousHash: "$2a$04$old-hash-of-" + name,
		}
	}
	return &mint.Credentials{
		Generation: 2, TicketKeys: "2:" + strings.Repeat("2b", 32) + ",1:" + strings.Repeat("1a", 32),
		PodTicketKeys: "1:" + strings.Repeat("1a", 32) + ",2:" + strings.Repeat("2b", 32),
		Battle:        client("battle"), Lobby: client("lobby"), CA: "ca-certificate", CAKey: "secret-key-of-the-ca", Certificate: "nats-certificate", Key: "secret-key-of-nats",
		PseudonymKey: strings.Repeat("3c", 32),
	}
})

// Secrets are those of the mocked credentials that must not be readable anywhere.
func Secrets() []string {
	m := Minted()
	return append(strings.Split(m.TicketKeys, ","), m.Battle.Password, m.Lobby.Password, m.CAKey, m.Key, m.PseudonymKey)
}

// Run runs the program and returns its graph.
func Run(t *testing.T, program pulumi.RunFunc) *Graph {
	t.Helper()
	g := &Graph{resources: map[string]Resource{}}
	require.NoError(t, pulumi.RunErr(program, pulumi.WithMocks("edge-arena", "test", g)))
	return g
}

// NewResource records a resource and makes up its outputs.
func (g *Graph) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r := Resource{Type: args.TypeToken, Name: args.Name, Inputs: args.Inputs}
	if rpc := args.RegisterRPC; rpc != nil {
		r.Parent = shortURN(rpc.GetParent())
		r.DeletedWith = shortURN(rpc.GetDeletedWith())
		r.Secrets = rpc.GetAdditionalSecretOutputs()
		r.RetainOnDelete, r.Protect = rpc.GetRetainOnDelete(), rpc.GetProtect()
		for _, urn := range rpc.GetDependencies() {
			r.DependsOn = append(r.DependsOn, shortURN(urn))
		}
		slices.Sort(r.DependsOn)
	}
	g.mu.Lock()
	g.resources[r.Name+" "+r.Type] = r
	g.mu.Unlock()

	outputs := args.Inputs.Copy()
	if args.TypeToken == "command:remote:Command" {
		report := fmt.Sprintf(`{"k3s":"v1.30.4+k3s1","wasmedge":"0.14.1","token":%q,"kubeconfig":%q}`,
			Token, base64.StdEncoding.EncodeToString([]byte(Kubeconfig)))
		outputs["stdout"] = resource.NewStringProperty(report)
		outputs["stderr"] = resource.NewStringProperty("")
	}
	if args.TypeToken == "command:local:Command" {
		outputs["stdout"] = resource.NewStringProperty(Outcome)
		if create, ok := args.Inputs["create"]; ok && create.StringValue() == mint.CommandLine {
			text, err := json.Marshal(Minted())
			if err != nil {
				return "", nil, err
			}
			outputs["stdout"] = resource.NewStringProperty(string(text))
		} else if ok && create.StringValue() == mint.RegionCommandLine {
			outputs["stdout"] = resource.NewStringProperty(MintedRegion)
		}
	}
	if args.TypeToken == "kubernetes:core/v1:Service" {
		spec := args.Inputs["spec"].ObjectValue().Copy()
		if _, given := spec["clusterIP"]; !given {
			spec["clusterIP"] = resource.NewStringProperty(ClusterIP)
		}
		outputs["spec"] = resource.NewObjectProperty(spec)
	}
	return args.Name + "-id", outputs, nil
}

// Call answers no function: the programs call none.
func (g *Graph) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("unexpected call of %s", args.Token)
}

// Get returns a resource by its name and type.
func (g *Graph) Get(t *testing.T, name, kind string) Resource {
	t.Helper()
	r, ok := g.resources[name+" "+kind]
	require.True(t, ok, "%s %s is missing; there are:\n%s", name, kind, g)
	return r
}

// All returns all resources, ordered by name.
func (g *Graph) All() []Resource {
	var all []Resource
	for _, key := range slices.Sorted(maps.Keys(g.resources)) {
		all = append(all, g.resources[key])
	}
	return all
}

// String lists the graph, a resource with its edges on a few lines, to be compared with a golden file.
func (g *Graph) String() string {
	var b strings.Builder
	for _, r := range g.All() {
		fmt.Fprintf(&b, "%s (%s)\n", r.Name, r.Type)
		line(&b, "parent", r.Parent)
		line(&b, "after", strings.Join(r.DependsOn, ", "))
		line(&b, "deleted with", r.DeletedWith)
		if r.RetainOnDelete {
			line(&b, "kept", "yes")
		}
		if r.Protect {
			line(&b, "protected", "yes")
		}
		line(&b, "secret", strings.Join(r.Secrets, ", "))
		for _, key := range []resource.PropertyKey{"create", "delete"} {
			if v, ok := r.Inputs[key]; ok && v.IsString() {
				line(&b, string(key), v.StringValue())
			}
		}
	}
	return b.String()
}

func line(b *strings.Builder, key, value string) {
	if value != "" {
		fmt.Fprintf(b, "    %s: %s\n", key, value)
	}
}

// shortURN is a resource's name alone.
func shortURN(urn string) string { return urn[strings.LastIndex(urn, ":")+1:] }

// Secret reports whether a value, or one inside it, is marked as secret.
func Secret(v resource.PropertyValue) bool { return v.ContainsSecrets() }
