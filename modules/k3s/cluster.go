// Package k3s makes a K3s cluster of hosts that are reached over SSH.
//
// First every node is checked and claimed. Then remote commands run our installer (scripts/) on one node after the other, servers
// before agents, each Ready before the next is touched. The installer brings a node to what is asked for and changes nothing where it
// is there already: a changed flag or version reruns it in place, and never replaces a node. What goes wrong on a node ends the
// command with the reason.
package k3s

import (
	"errors"
	"fmt"
	"net"
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
	// K3s is the release, its mirror and its flags. Required.
	K3s config.K3s
	// Wasm is what `--wasm` puts in place. Required.
	Wasm config.Wasm
}

func (a ClusterArgs) validate() error {
	var errs []error
	if a.Owner == "" {
		errs = append(errs, errors.New("owner: required"))
	}
	if len(a.Servers) == 0 {
		errs = append(errs, errors.New("servers: at least one is required"))
	}
	if a.K3s.ReadyTimeout < time.Second {
		errs = append(errs, errors.New("k3s.readyTimeout: at least 1s is required"))
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
	first, err := b.firstServer(args.Servers[0])
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
		Stdin:                  withSettings(installer(), b.settings(node, pulumi.String(""))),
		Logging:                remote.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}, pulumi.Parent(b.cluster))
	if err != nil {
		return fmt.Errorf("node %s: host: %w", node.Name, err)
	}
	b.cluster.hosts[node.Name] = host
	b.done = append(b.done, host)
	return nil
}

func (b *builder) firstServer(node config.Node) (*remote.Command, error) {
	flags := b.serverFlags(node)
	if len(b.args.Servers) > 1 {
		// Several servers need etcd; K3s moves a cluster from SQLite to it when it gets the flag later.
		flags = append(flags, "--cluster-init")
	}
	return b.install(node, pulumi.String(""), flags)
}

// join adds a node to the cluster that the first server has made.
func (b *builder) join(node config.Node, first *remote.Command) error {
	flags := b.agentFlags(node)
	if node.Role == config.RoleServer {
		flags = b.serverFlags(node)
	}
	flags = append(flags, "--server", "https://"+net.JoinHostPort(b.args.Servers[0].Endpoint.Address, strconv.Itoa(apiPort)))
	token := secretField(first, "token")
	if _, err := b.install(node, token, flags); err != nil {
		return err
	}
	// Membership is the first server's to tell and to end: on delete the node is drained before anything on it is touched.
	member, err := remote.NewCommand(b.ctx, b.name+"-"+node.Name+"-member", &remote.CommandArgs{
		Connection:             Connection(b.args.Servers[0]),
		Create:                 pulumi.String(commandLine("join", node.Name)),
		Delete:                 pulumi.String(commandLine("leave", node.Name)),
		Stdin:                  withSettings(installer(), b.settings(b.args.Servers[0], pulumi.String(""))),
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
func (b *builder) install(node config.Node, token pulumi.StringInput, flags []string) (*remote.Command, error) {
	cmd, err := remote.NewCommand(b.ctx, b.name+"-"+node.Name+"-k3s", &remote.CommandArgs{
		Connection: Connection(node),
		// The same command creates and updates.
		Create:                 pulumi.String(commandLine(append([]string{string(node.Role)}, flags...)...)),
		Stdin:                  withSettings(installer(), b.settings(node, token)),
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

func (b *builder) serverFlags(node config.Node) []string {
	var flags []string
	for _, name := range b.args.K3s.Disable {
		flags = append(flags, "--disable", name)
	}
	flags = append(flags, "--write-kubeconfig-mode", "644", "--wasm", "--node-name", node.Name, "--tls-san", node.Endpoint.Address)
	if node.ExternalAddress != "" {
		flags = append(flags, "--tls-san", node.ExternalAddress)
	}
	return append(b.nodeFlags(flags, node), b.args.K3s.ServerFlags...)
}

func (b *builder) agentFlags(node config.Node) []string {
	flags := b.nodeFlags([]string{"--wasm", "--node-name", node.Name}, node)
	return append(flags, b.args.K3s.AgentFlags...)
}

func (b *builder) nodeFlags(flags []string, node config.Node) []string {
	if node.ExternalAddress != "" {
		flags = append(flags, "--node-external-ip", node.ExternalAddress)
	}
	for _, arg := range b.args.K3s.KubeletArgs {
		flags = append(flags, "--kubelet-arg", arg)
	}
	return flags
}

func (b *builder) settings(node config.Node, token pulumi.StringInput) []setting {
	r, w := newRelease(b.args.K3s), b.args.Wasm
	plain := func(name, value string) setting { return setting{name, pulumi.String(value)} }
	return []setting{
		plain("OWNER", b.args.Owner),
		plain("NODE", node.Name),
		plain("READY_TIMEOUT", strconv.Itoa(int(b.args.K3s.ReadyTimeout/time.Second))),
		plain("K3S_VERSION", b.args.K3s.Version),
		plain("K3S_URL", r.binary),
		plain("K3S_SHA256", r.binarySHA256),
		plain("SUMS_URL", r.sums),
		plain("INSTALLER_URL", r.installer),
		plain("INSTALLER_SHA256", r.installerSHA256),
		plain("INSTALLER_SUMS_URL", r.installSum),
		plain("AIRGAP_URL", r.airgap),
		plain("AIRGAP_SHA256", r.airgapSHA256),
		plain("ENGINE", string(w.Engine)),
		plain("WASMEDGE_VERSION", w.Version),
		plain("SHIM_URL", w.Shim.URL),
		plain("SHIM_SHA256", w.Shim.SHA256),
		{"TOKEN", token},
	}
}
