// Package k3s makes a K3s cluster of hosts that are reached over SSH.
//
// First every node is checked and claimed. Then remote commands run our installer (scripts/) on one node after the other, servers
// before agents, each Ready before the next is touched. The installer brings a node to what is asked for and changes nothing where it
// is there already: a changed flag or version reruns it in place, and never replaces a node. What goes wrong on a node ends the
// command with the reason.
package k3s

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
)

// ClusterType is the type token of [Cluster].
const ClusterType = "edge-arena:k3s:Cluster"

// apiPort is the port of K3s's API server.
const apiPort = 6443

// ClusterArgs describe a cluster.
type ClusterArgs struct {
	// Owner names the cluster to its nodes, as `region/city`: a node of another owner is left alone. Required.
	Owner string
	// Servers are the nodes with the control plane, ordered; the first one makes the cluster. Required.
	Servers []config.Node
	// Agents are the other nodes, ordered. Default is none.
	Agents []config.Node
	// Version is the K3s release. Required.
	Version string
	// Disable names packaged components that K3s leaves out. Default is none.
	Disable []string
	// DrainTimeout is how long the pods of a node that leaves may take to go. Default is 3m.
	DrainTimeout time.Duration
	// Protect keeps the first server, and with it the cluster, from being removed without consent. Default is false.
	Protect bool
	// After are resources to wait for before any node is touched. Default is none.
	After []pulumi.Resource
}

// CityArgs describe the cluster of a region's city, for whoever makes it or looks at it.
func CityArgs(region string, city config.City) *ClusterArgs {
	return &ClusterArgs{
		Owner:   region + "/" + city.Name,
		Servers: city.Servers(),
		Agents:  city.Agents(),
		Version: city.K3s.Version,
		Disable: city.K3s.Disable,
		Protect: city.Protect,
		// Battle pods go when their battles have ended.
		DrainTimeout: drainTimeout + city.Battle.DrainTimeout,
	}
}

// drainTimeout is what pods take that do not wait for anything.
const drainTimeout = 3 * time.Minute

func (a ClusterArgs) validate() error {
	var errs []error
	if a.Owner == "" {
		errs = append(errs, errors.New("owner: required"))
	}
	if len(a.Servers) == 0 {
		errs = append(errs, errors.New("servers: at least one is required"))
	}
	if a.Version == "" {
		errs = append(errs, errors.New("version: required"))
	}
	for _, n := range slices.Concat(a.Servers, a.Agents) {
		if n.K3s.ReadyTimeout < time.Second {
			errs = append(errs, fmt.Errorf("node %s: k3s.readyTimeout: at least 1s is required", n.Name))
		}
	}
	return errors.Join(errs...)
}

// Cluster is a K3s cluster.
type Cluster struct {
	pulumi.ResourceState

	// Kubeconfig reaches the cluster as its admin, at the address of its first server. A secret.
	Kubeconfig pulumi.StringOutput
	// Version is the K3s that runs on the first server.
	Version pulumi.StringOutput
	// WasmEdge is the WasmEdge version on each node, by the node's name.
	WasmEdge pulumi.StringMapOutput
	// Nodes are the cluster's nodes, servers first.
	Nodes []config.Node
	// Ready are the resources to depend on: the whole cluster is up when they are.
	Ready []pulumi.Resource

	// hosts are the claims of the nodes, by name: to delete one is to uninstall the node.
	hosts map[string]pulumi.Resource
}

// Contained is for what lives in the cluster: where the cluster goes as a whole it goes too, and is not deleted one by one before.
func (c *Cluster) Contained() pulumi.ResourceOption { return c.containedIn(c.Nodes[0]) }

// containedIn is for what lives on one node.
func (c *Cluster) containedIn(node config.Node) pulumi.ResourceOption {
	return pulumi.DeletedWith(c.hosts[node.Name])
}

// NewCluster makes a cluster named name, which begins the names of all its parts.
func NewCluster(ctx *pulumi.Context, name string, args *ClusterArgs, opts ...pulumi.ResourceOption) (*Cluster, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	c := &Cluster{Nodes: slices.Concat(args.Servers, args.Agents), hosts: map[string]pulumi.Resource{}}
	if err := ctx.RegisterComponentResource(ClusterType, name, c, opts...); err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	b := builder{ctx: ctx, name: name, args: args, cluster: c, wasmEdge: pulumi.StringMap{}}
	for _, node := range c.Nodes {
		if err := b.claim(node); err != nil {
			return nil, fmt.Errorf("cluster %s: %w", name, err)
		}
	}
	first, err := b.install(args.Servers[0], pulumi.String("").ToStringOutput())
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	for _, node := range c.Nodes[1:] {
		if err := b.join(node, first); err != nil {
			return nil, fmt.Errorf("cluster %s: %w", name, err)
		}
	}
	c.Kubeconfig = b.kubeconfig(first, args.Servers[0])
	c.Version = field(first, "k3s")
	c.WasmEdge = b.wasmEdge.ToStringMapOutput()
	c.Ready = b.done
	if err := ctx.RegisterResourceOutputs(c, pulumi.Map{
		"kubeconfig": c.Kubeconfig, "version": c.Version, "wasmEdge": c.WasmEdge,
	}); err != nil {
		return nil, fmt.Errorf("cluster %s: outputs: %w", name, err)
	}
	return c, nil
}

// builder makes the parts of one cluster, in order.
type builder struct {
	ctx      *pulumi.Context
	name     string
	args     *ClusterArgs
	cluster  *Cluster
	wasmEdge pulumi.StringMap
	// done are the parts made so far: the next one waits for them.
	done []pulumi.Resource
}

// claim checks a node and makes it the cluster's, all nodes at once and before any of them is installed: what a host lacks is found
// while nothing has been changed. To delete it is to uninstall, which is why that does not hang on the installation itself: one that
// failed is not in Pulumi's state, but its traces are on the node.
func (b *builder) claim(node config.Node) error {
	host, err := remote.NewCommand(b.ctx, b.name+"-"+node.Name+"-host", &remote.CommandArgs{
		Connection:             Connection(node),
		Create:                 pulumi.String(commandLine("claim", string(node.Role), "--wasm")),
		Delete:                 pulumi.String(commandLine("uninstall")),
		Stdin:                  secretText(withSettings(installer(), b.args.settings(node, ""))),
		Logging:                remote.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}, pulumi.Parent(b.cluster), pulumi.DependsOn(b.args.After), pulumi.Protect(b.args.Protect && node.Name == b.args.Servers[0].Name))
	if err != nil {
		return fmt.Errorf("node %s: host: %w", node.Name, err)
	}
	b.cluster.hosts[node.Name] = host
	b.done = append(b.done, host)
	return nil
}

// join adds a node to the cluster that the first server has made.
func (b *builder) join(node config.Node, first *remote.Command) error {
	if _, err := b.install(node, secretField(first, "token")); err != nil {
		return err
	}
	// Membership is the first server's to tell and to end: on delete the node is drained before anything on it is touched.
	member, err := remote.NewCommand(b.ctx, b.name+"-"+node.Name+"-member", &remote.CommandArgs{
		Connection:             Connection(b.args.Servers[0]),
		Create:                 pulumi.String(commandLine("join", node.Name)),
		Delete:                 pulumi.String(commandLine("leave", node.Name)),
		Stdin:                  secretText(withSettings(installer(), append(b.args.settings(b.args.Servers[0], ""), b.args.drain()))),
		Logging:                remote.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}, pulumi.Parent(b.cluster), pulumi.DependsOn(b.done), b.cluster.Contained())
	if err != nil {
		return fmt.Errorf("node %s: member: %w", node.Name, err)
	}
	b.done = append(b.done, member)
	return nil
}

// install brings a node up. Its stdout is the installer's report, which is a secret on servers.
func (b *builder) install(node config.Node, token pulumi.StringOutput) (*remote.Command, error) {
	stdin := token.ApplyT(func(token string) string {
		return withSettings(installer(), b.args.settings(node, token))
	}).(pulumi.StringOutput)
	cmd, err := remote.NewCommand(b.ctx, InstallName(b.name, node.Name), &remote.CommandArgs{
		Connection: Connection(node),
		// The same command creates and updates.
		Create:                 pulumi.String(commandLine(append([]string{string(node.Role)}, b.args.flags(node)...)...)),
		Stdin:                  pulumi.ToSecret(stdin).(pulumi.StringOutput),
		Logging:                remote.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}, pulumi.Parent(b.cluster), pulumi.DependsOn(b.done), pulumi.AdditionalSecretOutputs([]string{"stdout", "stdin"}))
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", node.Name, err)
	}
	b.done = append(b.done, cmd)
	b.wasmEdge[node.Name] = field(cmd, "wasmedge")
	return cmd, nil
}

// drain is a setting of those commands alone that a node leaves by: nothing else of a node depends on it.
func (a ClusterArgs) drain() setting {
	return setting{"DRAIN_TIMEOUT", strconv.Itoa(int(cmp.Or(a.DrainTimeout, drainTimeout) / time.Second))}
}

// settings are those of the installer on a node. The token is what it joins with; empty on the server that makes the cluster.
func (a ClusterArgs) settings(node config.Node, token string) []setting {
	r, w := newRelease(a.Version, node.K3s.Mirror), node.Wasm
	return []setting{
		{"OWNER", a.Owner},
		{"NODE", node.Name},
		{"READY_TIMEOUT", strconv.Itoa(int(node.K3s.ReadyTimeout / time.Second))},
		{"K3S_VERSION", a.Version},
		{"K3S_URL", r.binary},
		{"K3S_SHA256", r.binarySHA256},
		{"SUMS_URL", r.sums},
		{"INSTALLER_URL", r.installer},
		{"INSTALLER_SHA256", r.installerSHA256},
		{"INSTALLER_SUMS_URL", r.installSum},
		{"AIRGAP_URL", r.airgap},
		{"AIRGAP_SHA256", r.airgapSHA256},
		{"ENGINE", string(w.Engine)},
		{"WASMEDGE_VERSION", w.Version},
		{"SHIM_URL", w.Shim.URL},
		{"SHIM_SHA256", w.Shim.SHA256},
		{"TOKEN", token},
	}
}
