// Package messaging runs a city's NATS: battle pods say over it that they are there, and their results wait in its JetStream, on the disk, until the
// lobby has written them into the ledger.
package messaging

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/credentials"
	"github.com/edge-arena/edge-arena/modules/internal/workload"
	"github.com/edge-arena/edge-arena/modules/k3s"
	"github.com/edge-arena/edge-arena/modules/storage"
)

// NATSType is the type token of [NATS].
const NATSType = "edge-arena:messaging:NATS"

const (
	// App is the name of NATS's StatefulSet and Service, and its pod's label `app`.
	App = "nats"
	// ClientPort is the port of its clients.
	ClientPort = 4222
	// MonitorPort is the port at which it tells of itself.
	MonitorPort = 8222

	configDir = "/etc/nats"
	dataDir   = "/data"
)

// Hosts are the names at which NATS is reached in a namespace, for its certificate.
func Hosts(namespace string) []string {
	return []string{App, App + "." + namespace, App + "." + namespace + ".svc", App + "." + namespace + ".svc.cluster.local", "localhost"}
}

// NATSArgs describe a city's NATS.
type NATSArgs struct {
	// Owner is the city's name, as `region/city`. Required.
	Owner string
	// Messaging are its settings. Required.
	Messaging config.Messaging
	// Namespace is where it runs. Required.
	Namespace pulumi.StringInput
	// Credentials are the city's. Required.
	Credentials *credentials.City
	// Cluster is the city's. Required.
	Cluster *k3s.Cluster
	// Protect keeps its data on the node when the city goes. Default is false.
	Protect bool
	// After are resources to wait for. Default is none.
	After []pulumi.Resource
}

func (a NATSArgs) validate() error {
	var errs []error
	if strings.Count(a.Owner, "/") != 1 {
		errs = append(errs, errors.New("owner: required, as region/city"))
	}
	if a.Namespace == nil {
		errs = append(errs, errors.New("namespace: required"))
	}
	if a.Credentials == nil {
		errs = append(errs, errors.New("credentials: required"))
	}
	if a.Cluster == nil {
		errs = append(errs, errors.New("cluster: required"))
	}
	if a.Messaging.Storage == "" {
		errs = append(errs, errors.New("messaging.storage: required"))
	}
	return errors.Join(errs...)
}

// NATS is a city's NATS.
type NATS struct {
	pulumi.ResourceState

	// Address is where clients reach it that know no names, `ip:port`.
	Address pulumi.StringOutput
	// Ready are the resources to depend on: it takes clients when they are there.
	Ready []pulumi.Resource
}

// NewNATS makes a city's NATS.
func NewNATS(ctx *pulumi.Context, name string, args *NATSArgs, opts ...pulumi.ResourceOption) (*NATS, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("NATS %s: %w", name, err)
	}
	n := &NATS{}
	if err := ctx.RegisterComponentResource(NATSType, name, n, opts...); err != nil {
		return nil, fmt.Errorf("NATS %s: %w", name, err)
	}
	b := builder{ctx: ctx, name: name, args: args, parent: pulumi.Composite(pulumi.Parent(n), args.Cluster.Contained())}
	var err error
	if b.image, err = k3s.Deliver(ctx, name, App, config.Source(args.Messaging.Upstream), args.Cluster, b.parent); err != nil {
		return nil, fmt.Errorf("NATS %s: %w", name, err)
	}
	b.volume, err = storage.NewVolume(ctx, name, &storage.VolumeArgs{
		Owner: args.Owner, Name: App, Namespace: args.Namespace, User: workload.User, Keep: args.Protect, Cluster: args.Cluster,
	}, pulumi.Parent(n))
	if err != nil {
		return nil, fmt.Errorf("NATS %s: %w", name, err)
	}
	for _, step := range []func() error{b.makeConfig, b.makeStatefulSet, b.makeService} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("NATS %s: %w", name, err)
		}
	}
	n.Address, n.Ready = b.address, []pulumi.Resource{b.statefulSet, b.service}
	if err := ctx.RegisterResourceOutputs(n, pulumi.Map{"address": n.Address}); err != nil {
		return nil, fmt.Errorf("NATS %s: outputs: %w", name, err)
	}
	return n, nil
}

// builder makes the parts of one NATS, in order.
type builder struct {
	ctx    *pulumi.Context
	name   string
	args   *NATSArgs
	parent pulumi.ResourceOption

	image       k3s.PodImage
	volume      *storage.Volume
	secret      *corev1.Secret
	fingerprint pulumi.StringOutput
	address     pulumi.StringOutput
	statefulSet pulumi.Resource
	service     pulumi.Resource
}

func (b *builder) meta() *metav1.ObjectMetaArgs {
	return &metav1.ObjectMetaArgs{Name: pulumi.String(App), Namespace: b.args.Namespace, Labels: workload.Labels(App, "messaging")}
}

// makeConfig makes the Secret with the server's configuration, certificate and, where it has a hub, what it shows there.
func (b *builder) makeConfig() error {
	c, m := b.args.Credentials, b.args.Messaging
	_, city, _ := strings.Cut(b.args.Owner, "/")
	text := pulumi.All(
		c.Battle.User, c.Battle.Hash, c.Battle.PreviousUser, c.Battle.PreviousHash,
		c.Lobby.User, c.Lobby.Hash, c.Lobby.PreviousUser, c.Lobby.PreviousHash,
	).ApplyT(func(known []any) (string, error) {
		s := make([]string, len(known))
		for i, v := range known {
			s[i] = v.(string)
		}
		return serverConfig(settings{
			city: city, storage: m.Storage, leaf: m.Leaf.URL, battle: users{s[0], s[1], s[2], s[3]}, lobby: users{s[4], s[5], s[6], s[7]},
		})
	}).(pulumi.StringOutput)
	files := pulumi.StringMap{"nats.conf": pulumi.ToSecret(text).(pulumi.StringOutput), "tls.crt": c.Certificate, "tls.key": c.Key}
	hashed := []pulumi.StringOutput{text, c.Certificate, c.Key}
	if m.Leaf.URL != "" {
		hub := pulumi.ToSecret(pulumi.String(m.Leaf.Credentials)).(pulumi.StringOutput)
		files["hub.creds"] = hub
		hashed = append(hashed, hub)
	}
	secret, err := corev1.NewSecret(b.ctx, b.name+"-config", &corev1.SecretArgs{Metadata: b.meta(), StringData: files}, b.parent)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	b.secret, b.fingerprint = secret, credentials.Fingerprint(hashed...)
	return nil
}

// makeService gives the server an address that stays. It comes after the pod: Pulumi waits for the pod of a service, but not for long.
func (b *builder) makeService() error {
	service, err := corev1.NewService(b.ctx, b.name+"-service", &corev1.ServiceArgs{
		Metadata: b.meta(),
		Spec: &corev1.ServiceSpecArgs{
			Selector: pulumi.StringMap{"app": pulumi.String(App)},
			Ports: corev1.ServicePortArray{
				&corev1.ServicePortArgs{Name: pulumi.String("client"), Port: pulumi.Int(ClientPort), TargetPort: pulumi.String("client")},
				&corev1.ServicePortArgs{Name: pulumi.String("monitor"), Port: pulumi.Int(MonitorPort), TargetPort: pulumi.String("monitor")},
			},
		},
	}, b.parent, pulumi.DependsOn([]pulumi.Resource{b.statefulSet}))
	if err != nil {
		return fmt.Errorf("service: %w", err)
	}
	b.service = service
	b.address = service.Spec.ClusterIP().Elem().ApplyT(func(ip string) string { return ip + ":" + strconv.Itoa(ClientPort) }).(pulumi.StringOutput)
	return nil
}

func (b *builder) makeStatefulSet() error {
	after := slices.Concat(b.args.After, b.image.After, b.volume.Ready, []pulumi.Resource{b.secret})
	set, err := appsv1.NewStatefulSet(b.ctx, b.name+"-statefulset", &appsv1.StatefulSetArgs{
		Metadata: b.meta(),
		Spec: &appsv1.StatefulSetSpecArgs{
			ServiceName: pulumi.String(App),
			Replicas:    pulumi.Int(1),
			Selector:    workload.Selector(App),
			// Of one pod there is no order; but with OrderedReady an update would wait for ever for a pod that a broken one before it has left.
			PodManagementPolicy: pulumi.String("Parallel"),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels: workload.Labels(App, "messaging"),
					// Another configuration is another pod.
					Annotations: pulumi.StringMap{"edge-arena/config": b.fingerprint},
				},
				Spec: b.podSpec(),
			},
		},
	}, b.parent, pulumi.DependsOn(after), pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "3m", Update: "3m"}))
	if err != nil {
		return fmt.Errorf("stateful set: %w", err)
	}
	b.statefulSet = set
	return nil
}

// podSpec is the pod's, which its volume keeps on the city's first server.
func (b *builder) podSpec() *corev1.PodSpecArgs {
	return &corev1.PodSpecArgs{
		AutomountServiceAccountToken: pulumi.Bool(false),
		EnableServiceLinks:           pulumi.Bool(false),
		// On SIGTERM it syncs and closes its streams. A lame duck would only be slower: clients have no other server to move to.
		TerminationGracePeriodSeconds: pulumi.Int(30),
		SecurityContext:               workload.Unprivileged(),
		Volumes: corev1.VolumeArray{
			&corev1.VolumeArgs{Name: pulumi.String("config"), Secret: &corev1.SecretVolumeSourceArgs{
				SecretName: b.secret.Metadata.Name(), DefaultMode: pulumi.Int(0o444),
			}},
			&corev1.VolumeArgs{Name: pulumi.String("data"), PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSourceArgs{ClaimName: b.volume.Claim}},
		},
		Containers: corev1.ContainerArray{b.container()},
	}
}

func (b *builder) container() *corev1.ContainerArgs {
	probe := func(period, failures int) *corev1.ProbeArgs {
		return &corev1.ProbeArgs{
			HttpGet:       &corev1.HTTPGetActionArgs{Path: pulumi.String("/healthz?js-enabled-only=true"), Port: pulumi.String("monitor")},
			PeriodSeconds: pulumi.Int(period), TimeoutSeconds: pulumi.Int(3), FailureThreshold: pulumi.Int(failures),
		}
	}
	return &corev1.ContainerArgs{
		Name:                     pulumi.String(App),
		Image:                    b.image.Reference,
		ImagePullPolicy:          pulumi.String(b.image.PullPolicy),
		TerminationMessagePolicy: pulumi.String("FallbackToLogsOnError"),
		// The image's entrypoint takes flags for those of the server.
		Args: pulumi.StringArray{pulumi.String("--config"), pulumi.String(configDir + "/nats.conf")},
		// It knows nothing of its limit: short of it the collector works harder instead of the kernel ending the server.
		Env: corev1.EnvVarArray{&corev1.EnvVarArgs{Name: pulumi.String("GOMEMLIMIT"), Value: pulumi.String("100MiB")}},
		Ports: corev1.ContainerPortArray{
			&corev1.ContainerPortArgs{Name: pulumi.String("client"), ContainerPort: pulumi.Int(ClientPort), Protocol: pulumi.String("TCP")},
			&corev1.ContainerPortArgs{Name: pulumi.String("monitor"), ContainerPort: pulumi.Int(MonitorPort), Protocol: pulumi.String("TCP")},
		},
		VolumeMounts: corev1.VolumeMountArray{
			&corev1.VolumeMountArgs{Name: pulumi.String("config"), MountPath: pulumi.String(configDir), ReadOnly: pulumi.Bool(true)},
			&corev1.VolumeMountArgs{Name: pulumi.String("data"), MountPath: pulumi.String(dataDir)},
		},
		Resources: &corev1.ResourceRequirementsArgs{
			Requests: pulumi.StringMap{"cpu": pulumi.String("50m"), "memory": pulumi.String("64Mi")},
			Limits:   pulumi.StringMap{"memory": pulumi.String("128Mi")},
		},
		// Its streams are read at the start.
		StartupProbe:    probe(1, 60),
		ReadinessProbe:  probe(5, 2),
		LivenessProbe:   probe(10, 6),
		SecurityContext: workload.Bounded(),
	}
}
