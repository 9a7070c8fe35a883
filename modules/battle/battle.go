// Package battle runs a city's battle service: the Wasm pods on which players meet, each at a UDP port of its node that players
// reach directly, and the service that hands out those ports.
package battle

import (
	"errors"
	"fmt"
	"time"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/credentials"
	"github.com/edge-arena/edge-arena/modules/internal/workload"
	"github.com/edge-arena/edge-arena/modules/k3s"
	"github.com/edge-arena/edge-arena/modules/wasm"
)

// ServiceType is the type token of [Service].
const ServiceType = "edge-arena:battle:Service"

// App is the name of the battle pods' Deployment, and their label `app`.
const App = "real-time-battle"

// ServiceArgs describe the battle service.
type ServiceArgs struct {
	// City is the city's name, which the pods' logs have. Default is none.
	City string
	// Battle is its size, images and ports. Required.
	Battle config.Battle
	// Room is how many battle pods the cluster's nodes have room for, as far as it is planned. Default is unknown.
	Room int
	// Credentials are the city's. Required.
	Credentials *credentials.City
	// NATS is the address of the city's NATS, `ip:port`: a Wasm guest looks up no names. Required.
	NATS pulumi.StringInput
	// After are resources to wait for before a battle pod starts. Default is none.
	After []pulumi.Resource
	// Cluster is where it runs. Required.
	Cluster *k3s.Cluster
	// Runtime is that of its Wasm pods. Required.
	Runtime *wasm.Runtime
}

func (a ServiceArgs) validate() error {
	var errs []error
	if a.Cluster == nil {
		errs = append(errs, errors.New("cluster: required"))
	}
	if a.Runtime == nil {
		errs = append(errs, errors.New("runtime: required"))
	}
	if a.Credentials == nil {
		errs = append(errs, errors.New("credentials: required"))
	}
	if a.NATS == nil {
		errs = append(errs, errors.New("NATS: required"))
	}
	if a.Battle.Duration < time.Second {
		errs = append(errs, errors.New("battle.duration: at least 1s is required"))
	}
	if a.Battle.DrainTimeout < time.Second {
		errs = append(errs, errors.New("battle.drainTimeout: at least 1s is required"))
	}
	if a.Battle.Replicas < 1 {
		errs = append(errs, errors.New("battle.replicas: at least 1 is required"))
	}
	return errors.Join(errs...)
}

// Service is the battle service of a cluster.
type Service struct {
	pulumi.ResourceState

	// Namespace holds the battle pods.
	Namespace pulumi.StringOutput
	// Image is what they run, by digest.
	Image pulumi.StringOutput
	// Ready are the resources to depend on: players can join when they are there.
	Ready []pulumi.Resource
}

// NewService makes the battle service. It is done when all the pods are ready to play.
func NewService(ctx *pulumi.Context, name string, args *ServiceArgs, opts ...pulumi.ResourceOption) (*Service, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("battle service %s: %w", name, err)
	}
	s := &Service{}
	if err := ctx.RegisterComponentResource(ServiceType, name, s, opts...); err != nil {
		return nil, fmt.Errorf("battle service %s: %w", name, err)
	}
	b := builder{ctx: ctx, name: name, args: args, parent: pulumi.Composite(pulumi.Parent(s), args.Cluster.Contained())}
	for _, step := range []func() error{b.makeNamespace, b.makeAllocator, b.makeImage, b.makeScrapeService, b.makeBudget, b.makeCredentials, b.makeDeployment} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("battle service %s: %w", name, err)
		}
	}
	s.Namespace, s.Image, s.Ready = b.namespace, b.image.Reference, []pulumi.Resource{b.deployment}
	if err := ctx.RegisterResourceOutputs(s, pulumi.Map{"namespace": s.Namespace, "image": s.Image}); err != nil {
		return nil, fmt.Errorf("battle service %s: outputs: %w", name, err)
	}
	return s, nil
}

// builder makes the parts of one battle service, in order.
type builder struct {
	ctx    *pulumi.Context
	name   string
	args   *ServiceArgs
	parent pulumi.ResourceOption

	namespace   pulumi.StringOutput
	allocator   pulumi.Resource
	image       k3s.PodImage
	credentials *corev1.Secret
	deployment  pulumi.Resource
}

func (b *builder) makeNamespace() error {
	ns, err := corev1.NewNamespace(b.ctx, b.name+"-namespace", &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(b.args.Battle.Namespace),
			Labels: pulumi.StringMap{
				"app.kubernetes.io/part-of":    pulumi.String("edge-arena"),
				"app.kubernetes.io/managed-by": pulumi.String("pulumi"),
				// The battle pods use their node's network, which any stricter profile forbids: players reach them with no
				// translation of addresses in between. In everything else the pods keep to `restricted`.
				"pod-security.kubernetes.io/enforce": pulumi.String("privileged"),
			},
		},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("namespace: %w", err)
	}
	b.namespace = ns.Metadata.Name().Elem()
	return nil
}

func (b *builder) makeImage() (err error) {
	b.image, err = k3s.Deliver(b.ctx, b.name, "battle", b.args.Battle.Source, b.args.Cluster, b.parent)
	return err
}

func (b *builder) meta(app, component string) *metav1.ObjectMetaArgs {
	return &metav1.ObjectMetaArgs{Name: pulumi.String(app), Namespace: b.namespace, Labels: workload.Labels(app, component)}
}
