// Package lobby runs a city's lobby: it lets players in by the join policy, gives them a place on a battle pod, and keeps the results of battles in
// its ledger.
package lobby

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

	"github.com/edge-arena/edge-arena/lobby/joinpolicy/policy"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/credentials"
	"github.com/edge-arena/edge-arena/modules/internal/workload"
	"github.com/edge-arena/edge-arena/modules/k3s"
	"github.com/edge-arena/edge-arena/modules/storage"
)

// Type is the type token of [Lobby].
const Type = "edge-arena:lobby:Lobby"

const (
	// App is the name of the lobby's Deployment and Service, and its pod's label `app`.
	App = "lobby"

	port = 8080
)

// The folders in the pod.
const (
	ledgerDir = "/var/lib/lobby"
	policyDir = "/etc/lobby/policy"
	keysDir   = "/etc/lobby/keys"
	natsDir   = "/etc/lobby/nats"
)

// Args describe a city's lobby.
type Args struct {
	// Owner is the city's name, as `region/city`. Required.
	Owner string
	// Lobby are its settings. Required.
	Lobby config.Lobby
	// Namespace is where it runs. Required.
	Namespace pulumi.StringInput
	// NATS is the name at which it reaches NATS, one that NATS's certificate has. Required.
	NATS string
	// Credentials are the city's. Required.
	Credentials *credentials.City
	// Cluster is the city's. Required.
	Cluster *k3s.Cluster
	// Protect keeps the ledger and its backups on the node when the city goes. Default is false.
	Protect bool
	// After are resources to wait for: NATS, and the battle pods. Default is none.
	After []pulumi.Resource
}

func (a Args) validate() error {
	var errs []error
	if strings.Count(a.Owner, "/") != 1 {
		errs = append(errs, errors.New("owner: required, as region/city"))
	}
	if a.Namespace == nil {
		errs = append(errs, errors.New("namespace: required"))
	}
	if a.NATS == "" {
		errs = append(errs, errors.New("NATS: required"))
	}
	if a.Credentials == nil {
		errs = append(errs, errors.New("credentials: required"))
	}
	if a.Cluster == nil {
		errs = append(errs, errors.New("cluster: required"))
	}
	return errors.Join(errs...)
}

// Lobby is a city's lobby.
type Lobby struct {
	pulumi.ResourceState

	// Address is where players reach it, as `http://…`.
	Address pulumi.StringOutput
	// Image is what it runs, by digest.
	Image pulumi.StringOutput
	// Ready are the resources to depend on: players can come when they are there.
	Ready []pulumi.Resource
}

// New makes a city's lobby.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Lobby, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("lobby %s: %w", name, err)
	}
	l := &Lobby{}
	if err := ctx.RegisterComponentResource(Type, name, l, opts...); err != nil {
		return nil, fmt.Errorf("lobby %s: %w", name, err)
	}
	b := builder{ctx: ctx, name: name, args: args, parent: pulumi.Composite(pulumi.Parent(l), args.Cluster.Contained())}
	var err error
	if b.image, err = k3s.Deliver(ctx, name, App, args.Lobby.Source, args.Cluster, b.parent); err != nil {
		return nil, fmt.Errorf("lobby %s: %w", name, err)
	}
	b.volume, err = storage.NewVolume(ctx, name, &storage.VolumeArgs{
		Owner: args.Owner, Name: App, Namespace: args.Namespace, User: workload.User, Keep: args.Protect, Cluster: args.Cluster,
	}, pulumi.Parent(l))
	if err != nil {
		return nil, fmt.Errorf("lobby %s: %w", name, err)
	}
	for _, step := range []func() error{b.makeFiles, b.makeAccount, b.makeDeployment, b.makeService} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("lobby %s: %w", name, err)
		}
	}
	l.Address = pulumi.String(Address(args.Cluster.Nodes[0], args.Lobby)).ToStringOutput()
	l.Image, l.Ready = b.image.Reference, []pulumi.Resource{b.deployment, b.service}
	if err := ctx.RegisterResourceOutputs(l, pulumi.Map{"address": l.Address, "image": l.Image}); err != nil {
		return nil, fmt.Errorf("lobby %s: outputs: %w", name, err)
	}
	return l, nil
}

// builder makes the parts of one lobby, in order.
type builder struct {
	ctx    *pulumi.Context
	name   string
	args   *Args
	parent pulumi.ResourceOption

	image      k3s.PodImage
	volume     *storage.Volume
	policy     *corev1.ConfigMap
	keys, nats *corev1.Secret
	env        *corev1.Secret
	account    *corev1.ServiceAccount
	service    pulumi.Resource
	deployment pulumi.Resource
}

func (b *builder) meta(name string) *metav1.ObjectMetaArgs {
	return &metav1.ObjectMetaArgs{Name: pulumi.String(name), Namespace: b.args.Namespace, Labels: workload.Labels(App, "lobby")}
}

// makeFiles makes what the pod mounts, and its environment. The lobby sees a changed policy or changed keys by itself; the kubelet brings them within
// two minutes.
func (b *builder) makeFiles() (err error) {
	c := b.args.Credentials
	b.policy, err = corev1.NewConfigMap(b.ctx, b.name+"-policy", &corev1.ConfigMapArgs{
		Metadata: b.meta("lobby-policy"), Data: pulumi.StringMap{"join.rego": pulumi.String(policy.Join)},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	b.keys, err = corev1.NewSecret(b.ctx, b.name+"-player-keys", &corev1.SecretArgs{
		Metadata: b.meta("lobby-player-keys"), StringData: pulumi.StringMap{"jwks.json": pulumi.String(b.args.Lobby.PlayerKeys)},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("player keys: %w", err)
	}
	b.nats, err = corev1.NewSecret(b.ctx, b.name+"-nats-ca", &corev1.SecretArgs{
		Metadata: b.meta("lobby-nats-ca"), StringData: pulumi.StringMap{"ca.crt": c.CA},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("CA of NATS: %w", err)
	}
	b.env, err = corev1.NewSecret(b.ctx, b.name+"-env", &corev1.SecretArgs{
		Metadata: b.meta("lobby-credentials"),
		StringData: pulumi.StringMap{
			"TICKET_KEYS": c.TicketKeys, "NATS_USER": c.Lobby.User, "NATS_PASSWORD": c.Lobby.Password, "PSEUDONYM_KEY": c.PseudonymKey,
		},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	return nil
}

// makeAccount makes an account with no rights and no token, so that the pod is nobody to the API server.
func (b *builder) makeAccount() (err error) {
	b.account, err = corev1.NewServiceAccount(b.ctx, b.name+"-account", &corev1.ServiceAccountArgs{
		Metadata: b.meta(App), AutomountServiceAccountToken: pulumi.Bool(false),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("service account: %w", err)
	}
	return nil
}

// makeService gives the lobby a port of its node. The lobby sees the players' own addresses, for it lets each ask so often and no oftener.
// It comes after the pod: Pulumi waits for the pod of a service, but not for as long as a city may take.
func (b *builder) makeService() (err error) {
	b.service, err = corev1.NewService(b.ctx, b.name+"-service", &corev1.ServiceArgs{
		Metadata: b.meta(App),
		Spec: &corev1.ServiceSpecArgs{
			Type:                  pulumi.String("NodePort"),
			ExternalTrafficPolicy: pulumi.String("Local"),
			Selector:              pulumi.StringMap{"app": pulumi.String(App)},
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String("http"), Port: pulumi.Int(port), TargetPort: pulumi.String("http"), NodePort: pulumi.Int(b.args.Lobby.NodePort),
			}},
		},
	}, b.parent, pulumi.DependsOn([]pulumi.Resource{b.deployment}))
	if err != nil {
		return fmt.Errorf("service: %w", err)
	}
	return nil
}

func (b *builder) makeDeployment() error {
	c := b.args.Credentials
	after := slices.Concat(b.args.After, b.image.After, b.volume.Ready, []pulumi.Resource{b.policy, b.keys, b.nats, b.env})
	deployment, err := appsv1.NewDeployment(b.ctx, b.name+"-deployment", &appsv1.DeploymentArgs{
		Metadata: b.meta(App),
		Spec: &appsv1.DeploymentSpecArgs{
			// One at a time: two would give the same place twice, and SQLite has one writer.
			Replicas:                pulumi.Int(1),
			Strategy:                &appsv1.DeploymentStrategyArgs{Type: pulumi.String("Recreate")},
			ProgressDeadlineSeconds: pulumi.Int(120),
			RevisionHistoryLimit:    pulumi.Int(3),
			Selector:                workload.Selector(App),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels: workload.Labels(App, "lobby"),
					// What is in the environment is read at the start alone.
					Annotations: pulumi.StringMap{
						"edge-arena/credentials": credentials.Fingerprint(c.TicketKeys, c.Lobby.User, c.Lobby.Password, c.PseudonymKey),
					},
				},
				Spec: b.podSpec(),
			},
		},
	}, b.parent, pulumi.DependsOn(after), pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "3m", Update: "3m"}))
	if err != nil {
		return fmt.Errorf("deployment: %w", err)
	}
	b.deployment = deployment
	return nil
}

// podSpec is the pod's, which its volume keeps on the city's first server.
func (b *builder) podSpec() *corev1.PodSpecArgs {
	secret := func(name string, s *corev1.Secret) *corev1.VolumeArgs {
		return &corev1.VolumeArgs{Name: pulumi.String(name), Secret: &corev1.SecretVolumeSourceArgs{
			SecretName: s.Metadata.Name(), DefaultMode: pulumi.Int(0o444),
		}}
	}
	return &corev1.PodSpecArgs{
		ServiceAccountName:           b.account.Metadata.Name().Elem(),
		AutomountServiceAccountToken: pulumi.Bool(false),
		EnableServiceLinks:           pulumi.Bool(false),
		// Requests end, the ledger is closed.
		TerminationGracePeriodSeconds: pulumi.Int(30),
		SecurityContext:               workload.Unprivileged(),
		Volumes: corev1.VolumeArray{
			&corev1.VolumeArgs{Name: pulumi.String("ledger"), PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSourceArgs{ClaimName: b.volume.Claim}},
			&corev1.VolumeArgs{Name: pulumi.String("policy"), ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: b.policy.Metadata.Name()}},
			secret("keys", b.keys), secret("nats", b.nats),
			// SQLite sorts there.
			&corev1.VolumeArgs{Name: pulumi.String("tmp"), EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String("256Mi")}},
		},
		Containers: corev1.ContainerArray{b.container()},
	}
}

func (b *builder) container() *corev1.ContainerArgs {
	http := pulumi.String("http")
	mount := func(name, path string, readOnly bool) *corev1.VolumeMountArgs {
		return &corev1.VolumeMountArgs{Name: pulumi.String(name), MountPath: pulumi.String(path), ReadOnly: pulumi.Bool(readOnly)}
	}
	env := corev1.EnvVarArray{
		// Short of its limit the collector works harder instead of the kernel ending the lobby.
		&corev1.EnvVarArgs{Name: pulumi.String("GOMEMLIMIT"), Value: pulumi.String("128MiB")},
	}
	for _, key := range []string{"TICKET_KEYS", "NATS_USER", "NATS_PASSWORD", "PSEUDONYM_KEY"} {
		env = append(env, workload.EnvSecret(key, b.env.Metadata.Name()))
	}
	return &corev1.ContainerArgs{
		Name:                     pulumi.String(App),
		Image:                    b.image.Reference,
		ImagePullPolicy:          pulumi.String(b.image.PullPolicy),
		TerminationMessagePolicy: pulumi.String("FallbackToLogsOnError"),
		Args:                     pulumi.ToStringArray(b.args.flags()),
		Env:                      env,
		Ports: corev1.ContainerPortArray{
			&corev1.ContainerPortArgs{Name: http, ContainerPort: pulumi.Int(port), Protocol: pulumi.String("TCP")},
		},
		VolumeMounts: corev1.VolumeMountArray{
			mount("ledger", ledgerDir, false), mount("policy", policyDir, true), mount("keys", keysDir, true), mount("nats", natsDir, true), mount("tmp", "/tmp", false),
		},
		Resources: &corev1.ResourceRequirementsArgs{
			Requests: pulumi.StringMap{"cpu": pulumi.String("50m"), "memory": pulumi.String("64Mi")},
			Limits:   pulumi.StringMap{"memory": pulumi.String("160Mi")},
		},
		// A ledger that was not closed is put in order at the start.
		StartupProbe:    workload.HTTPProbe("/healthz", http, 1, 60),
		ReadinessProbe:  workload.HTTPProbe("/readyz", http, 5, 2),
		LivenessProbe:   workload.HTTPProbe("/healthz", http, 10, 3),
		SecurityContext: workload.Bounded(),
	}
}

// flags are the lobby's, see cmd/lobby.
func (a Args) flags() []string {
	l := a.Lobby
	_, city, _ := strings.Cut(a.Owner, "/")
	return []string{
		"-listen=:" + strconv.Itoa(port),
		"-ledger=" + ledgerDir + "/ledger.db",
		"-backups=" + ledgerDir + "/backups",
		"-backup-every=" + l.Backups.Every.String(),
		"-backup-keep=" + strconv.Itoa(l.Backups.Keep),
		"-policy=" + policyDir + "/join.rego",
		"-player-keys=" + keysDir + "/jwks.json",
		"-audience=edge-arena",
		"-issuer=" + l.Issuer,
		"-ticket-lifetime=" + l.TicketLifetime.String(),
		"-nats=tls://" + a.NATS,
		"-nats-ca=" + natsDir + "/ca.crt",
		"-city=" + city,
		"-join-rate=" + l.JoinRate,
		"-address-rate=" + l.AddressRate,
	}
}
