package city

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/battle"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/credentials"
	"github.com/edge-arena/edge-arena/modules/k3s"
	"github.com/edge-arena/edge-arena/modules/lobby"
	"github.com/edge-arena/edge-arena/modules/messaging"
	"github.com/edge-arena/edge-arena/modules/monitoring"
	"github.com/edge-arena/edge-arena/modules/policy"
	"github.com/edge-arena/edge-arena/modules/slo"
	"github.com/edge-arena/edge-arena/modules/wasm"
)

// builder makes the parts of one city, in order.
type builder struct {
	ctx    *pulumi.Context
	name   string
	args   *Args
	city   config.City
	owner  string
	parent pulumi.ResourceOption

	cluster     *k3s.Cluster
	provider    *kubernetes.Provider
	runtime     *wasm.Runtime
	policies    *policy.Gatekeeper
	namespace   *corev1.Namespace
	credentials *credentials.City
	messaging   *messaging.NATS
	battle      *battle.Service
	lobby       *lobby.Lobby
	watched     []pulumi.Resource
	outcome     pulumi.StringOutput
	passed      []pulumi.Resource
}

func (b *builder) makeCluster() (err error) {
	args := k3s.CityArgs(b.args.Region, b.city)
	args.After = b.args.After
	if b.cluster, err = k3s.NewCluster(b.ctx, b.name, args, b.parent); err != nil {
		return err
	}
	b.provider, err = kubernetes.NewProvider(b.ctx, b.name+"-kubernetes", &kubernetes.ProviderArgs{
		Kubeconfig:            b.cluster.Kubeconfig,
		EnableServerSideApply: pulumi.Bool(true),
		// A policy or a key that changes is changed where it is: the pods that have it mounted see that, and none finds it missing meanwhile.
		EnableConfigMapMutable: pulumi.Bool(true),
		EnableSecretMutable:    pulumi.Bool(true),
		// Another first server is another cluster; another certificate or address is not.
		ClusterIdentifier: pulumi.String(b.owner + "/" + b.cluster.Nodes[0].Name),
	}, b.parent, pulumi.DependsOn(b.cluster.Ready))
	if err != nil {
		return fmt.Errorf("provider: %w", err)
	}
	return nil
}

// inCluster is for components whose objects live in the cluster.
func (b *builder) inCluster() pulumi.ResourceOption {
	return pulumi.Composite(b.parent, pulumi.Providers(b.provider))
}

func (b *builder) makeRuntime() (err error) {
	b.runtime, err = wasm.NewRuntime(b.ctx, b.name+"-wasm", &wasm.RuntimeArgs{Cluster: b.cluster}, b.inCluster())
	return err
}

func (b *builder) makePolicies() (err error) {
	b.policies, err = policy.NewGatekeeper(b.ctx, b.name+"-policy", &policy.GatekeeperArgs{
		City: b.owner, Policies: b.city.Policies, Battle: b.city.Battle, Image: config.Source(b.city.Policies.Gatekeeper), Cluster: b.cluster,
		Kubeconfig: b.cluster.Kubeconfig, Exempt: []string{monitoring.Namespace},
	}, b.inCluster())
	return err
}

// makeNamespace makes the namespace of NATS and the lobby, whose pods need nothing that `restricted` forbids.
func (b *builder) makeNamespace() (err error) {
	b.namespace, err = corev1.NewNamespace(b.ctx, b.name+"-namespace", &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(namespace),
			Labels: pulumi.StringMap{
				"app.kubernetes.io/part-of":          pulumi.String("edge-arena"),
				"app.kubernetes.io/managed-by":       pulumi.String("pulumi"),
				"pod-security.kubernetes.io/enforce": pulumi.String("restricted"),
			},
		},
	}, b.parent, pulumi.Provider(b.provider), b.cluster.Contained(), pulumi.DependsOn(b.policies.Ready))
	if err != nil {
		return fmt.Errorf("namespace: %w", err)
	}
	return nil
}

func (b *builder) makeCredentials() (err error) {
	b.credentials, err = credentials.NewCity(b.ctx, b.name+"-credentials", &credentials.CityArgs{
		City: b.owner, Generation: b.city.Credentials.Generation, Hosts: messaging.Hosts(namespace),
	}, b.parent)
	return err
}

func (b *builder) makeMessaging() (err error) {
	b.messaging, err = messaging.NewNATS(b.ctx, b.name+"-messaging", &messaging.NATSArgs{
		Owner: b.owner, Messaging: b.city.Messaging, Namespace: b.namespace.Metadata.Name().Elem(), Credentials: b.credentials, Cluster: b.cluster,
		Protect: b.city.Protect,
	}, b.inCluster())
	return err
}

func (b *builder) makeBattle() (err error) {
	b.battle, err = battle.NewService(b.ctx, b.name+"-battle", &battle.ServiceArgs{
		City: b.city.Name, Battle: b.city.Battle, Room: b.city.Fits(), Credentials: b.credentials, NATS: b.messaging.Address,
		After: slices.Concat(b.policies.Ready, b.messaging.Ready), Cluster: b.cluster, Runtime: b.runtime,
	}, b.inCluster())
	return err
}

// makeLobby comes last: when the city's keys are rolled the lobby is the one that must be understood by pods old and new.
func (b *builder) makeLobby() (err error) {
	b.lobby, err = lobby.New(b.ctx, b.name+"-lobby", &lobby.Args{
		Owner: b.owner, Lobby: b.city.Lobby, Namespace: b.namespace.Metadata.Name().Elem(),
		NATS: fmt.Sprintf("%s.%s.svc:%d", messaging.App, namespace, messaging.ClientPort), Credentials: b.credentials, Cluster: b.cluster,
		Protect: b.city.Protect, After: slices.Concat(b.messaging.Ready, b.battle.Ready),
	}, b.inCluster())
	return err
}

func (b *builder) makeGate() error {
	// What watches a city is in place when it is measured: what that costs, players feel too.
	b.outcome, b.passed = pulumi.String("").ToStringOutput(), slices.Concat(b.battle.Ready, b.lobby.Ready, b.watched)
	if !b.city.SLO.Gate.Enabled {
		return nil
	}
	subject, err := subject(b.city)
	if err != nil {
		return err
	}
	gate, err := slo.NewGate(b.ctx, b.name+"-gate", &slo.GateArgs{
		City: b.owner, Subject: subject, SLO: b.city.SLO, Battle: b.city.Battle, Image: b.battle.Image, Kubeconfig: b.cluster.Kubeconfig,
		Monitored: b.city.Monitoring.Enabled, After: b.passed,
	}, b.parent, b.cluster.Contained())
	if err != nil {
		return err
	}
	b.outcome, b.passed = gate.Outcome, []pulumi.Resource{gate.Passed}
	return nil
}
