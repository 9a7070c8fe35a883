package battle

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/credentials"
	"github.com/edge-arena/edge-arena/modules/internal/workload"
	"github.com/edge-arena/edge-arena/modules/wasm"
)

const component = "battle-server"

// surge is how much of the pods is exchanged, or may be taken away, at a time.
const surge = "25%"

// makeScrapeService gives the pods a name under which metrics are collected from each. Players do not use it.
func (b *builder) makeScrapeService() error {
	_, err := corev1.NewService(b.ctx, b.name+"-metrics", &corev1.ServiceArgs{
		Metadata: b.meta(App, component),
		Spec: &corev1.ServiceSpecArgs{
			ClusterIP: pulumi.String("None"),
			Selector:  pulumi.StringMap{"app": pulumi.String(App)},
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				// By name, for each pod has another number.
				Name: pulumi.String("http"), Port: pulumi.Int(80), TargetPort: pulumi.String("http"), Protocol: pulumi.String("TCP"),
			}},
		},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("service: %w", err)
	}
	return nil
}

// makeBudget limits how many pods a drain takes at a time. In a city of one node there is nowhere for them to go: whatever the budget
// keeps back would keep that node from ever being drained, so there it allows all. An unready pod is of use to nobody and may always go.
func (b *builder) makeBudget() error {
	unavailable := surge
	if len(b.args.Cluster.Nodes) == 1 {
		unavailable = "100%"
	}
	_, err := policyv1.NewPodDisruptionBudget(b.ctx, b.name+"-budget", &policyv1.PodDisruptionBudgetArgs{
		Metadata: b.meta(App, component),
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			MaxUnavailable:             pulumi.String(unavailable),
			Selector:                   workload.Selector(App),
			UnhealthyPodEvictionPolicy: pulumi.String("AlwaysAllow"),
		},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("disruption budget: %w", err)
	}
	return nil
}

// makeCredentials makes the Secret with what the pods show the lobby and NATS.
func (b *builder) makeCredentials() error {
	c := b.args.Credentials
	secret, err := corev1.NewSecret(b.ctx, b.name+"-credentials", &corev1.SecretArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String("battle-credentials"), Namespace: b.namespace, Labels: workload.Labels(App, component)},
		StringData: pulumi.StringMap{
			"TICKET_KEYS": c.PodTicketKeys, "NATS_USER": c.Battle.User, "NATS_PASSWORD": c.Battle.Password,
		},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	b.credentials = secret
	return nil
}

// drain is how long a pod that has to go may wait for its battles, in whole seconds.
func (a *ServiceArgs) drain() int { return int(math.Ceil(a.Battle.DrainTimeout.Seconds())) }

// drainSlack is what a pod has besides for sending its last results.
const drainSlack = 15

// rollTimeout is how long a roll-out of all pods may take, in seconds. Pods on their way out keep what they have requested until their battles have
// ended. Where nodes have no room for them beside those that follow, the roll-out stands still for the longest battle each time the room is used up.
func (a *ServiceArgs) rollTimeout() int {
	replicas := a.Battle.Replicas
	// As many as are exchanged at a time have room in any city: what is kept free for K3s is not requested by anything.
	room := max(a.Room-replicas, (replicas+3)/4)
	stops := (replicas+room-1)/room - 1
	return 120 + 2*replicas + stops*(a.drain()+drainSlack)
}

func (b *builder) makeDeployment() error {
	// Pulumi goes on waiting when the deadline below has passed, so a failed update lasts this long.
	patience := fmt.Sprintf("%ds", b.args.rollTimeout())
	after := slices.Concat([]pulumi.Resource{b.allocator, b.credentials}, b.args.After, b.image.After, b.args.Runtime.Proof)
	meta, c := b.meta(App, component), b.args.Credentials
	// A gate may have put the pods back to the image before: the next update takes the field from it.
	meta.Annotations = pulumi.StringMap{"pulumi.com/patchForce": pulumi.String("true")}
	deployment, err := appsv1.NewDeployment(b.ctx, b.name+"-deployment", &appsv1.DeploymentArgs{
		Metadata: meta,
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(b.args.Battle.Replicas),
			Selector: workload.Selector(App),
			// No pod goes before another is ready in its place: an update costs no capacity, and one that fails costs nothing. A pod on its way
			// out does not count any more, so those that follow need not wait for its battles, but where the nodes have no room for both.
			Strategy: &appsv1.DeploymentStrategyArgs{
				Type:          pulumi.String("RollingUpdate"),
				RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{MaxSurge: pulumi.String(surge), MaxUnavailable: pulumi.Int(0)},
			},
			// A pod is ready within seconds of having room, and there is room when the battles of those before have ended. When none has become
			// so for this long the update has failed; the old pods serve on.
			ProgressDeadlineSeconds: pulumi.Int(60 + b.args.drain() + drainSlack),
			RevisionHistoryLimit:    pulumi.Int(3),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels: workload.Labels(App, component),
					Annotations: pulumi.StringMap{
						wasm.HandlerAnnotation: pulumi.String("wasm"),
						wasm.ShimAnnotation:    pulumi.String(App),
						// What is in the environment is read at the start alone.
						"edge-arena/credentials": credentials.Fingerprint(c.PodTicketKeys, c.Battle.User, c.Battle.Password),
					},
				},
				Spec: b.podSpec(),
			},
		},
	}, b.parent, pulumi.DependsOn(after),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: patience, Update: patience, Delete: fmt.Sprintf("%ds", 180+b.args.drain())}))
	if err != nil {
		return fmt.Errorf("deployment: %w", err)
	}
	b.deployment = deployment
	return nil
}

func (b *builder) podSpec() *corev1.PodSpecArgs {
	return &corev1.PodSpecArgs{
		RuntimeClassName: b.args.Runtime.Class,
		// Players reach the pod at its node's address: the pod network would put address translation in between.
		HostNetwork:                   pulumi.Bool(true),
		AutomountServiceAccountToken:  pulumi.Bool(false),
		EnableServiceLinks:            pulumi.Bool(false),
		TerminationGracePeriodSeconds: pulumi.Int(b.args.drain() + drainSlack),
		TopologySpreadConstraints: corev1.TopologySpreadConstraintArray{&corev1.TopologySpreadConstraintArgs{
			MaxSkew:           pulumi.Int(1),
			TopologyKey:       pulumi.String("kubernetes.io/hostname"),
			WhenUnsatisfiable: pulumi.String("ScheduleAnyway"),
			LabelSelector:     workload.Selector(App),
			// Each version is spread by itself, or the pods that are about to go would push the new ones aside.
			MatchLabelKeys: pulumi.StringArray{pulumi.String("pod-template-hash")},
		}},
		Containers: corev1.ContainerArray{b.container()},
	}
}

// command is the image's own, native code, unless a node has a shim: that takes a module and nothing else, and pods do not know where they will run.
func (b *builder) command() pulumi.StringArray {
	if slices.ContainsFunc(b.args.Cluster.Nodes, func(n config.Node) bool { return n.Wasm.Engine == config.EngineShim }) {
		return pulumi.StringArray{pulumi.String("/app.wasm")}
	}
	return nil
}

func (b *builder) container() *corev1.ContainerArgs {
	battle := b.args.Battle
	// A placeholder: at admission each pod is given a number of its own for both ports, and for BATTLE_PORT.
	port := pulumi.Int(battle.Ports.First)
	http := pulumi.String("http")
	return &corev1.ContainerArgs{
		Name:                     pulumi.String(App),
		Image:                    b.image.Reference,
		Command:                  b.command(),
		ImagePullPolicy:          pulumi.String(b.image.PullPolicy),
		TerminationMessagePolicy: pulumi.String("FallbackToLogsOnError"),
		Ports: corev1.ContainerPortArray{
			&corev1.ContainerPortArgs{Name: pulumi.String("game"), ContainerPort: port, Protocol: pulumi.String("UDP")},
			&corev1.ContainerPortArgs{Name: http, ContainerPort: port, Protocol: pulumi.String("TCP")},
		},
		Env: corev1.EnvVarArray{
			env("CITY", b.args.City),
			env("MAX_PLAYERS", strconv.Itoa(battle.MaxPlayers)),
			env("TICK_RATE", strconv.Itoa(battle.TickRate)),
			env("BATTLE_SECONDS", strconv.Itoa(int(battle.Duration/time.Second))),
			env("DRAIN_SECONDS", strconv.Itoa(b.args.drain())),
			&corev1.EnvVarArgs{Name: pulumi.String("NATS_ADDRESS"), Value: b.args.NATS},
			workload.EnvSecret("TICKET_KEYS", b.credentials.Metadata.Name()), workload.EnvSecret("NATS_USER", b.credentials.Metadata.Name()), workload.EnvSecret("NATS_PASSWORD", b.credentials.Metadata.Name()),
			envOf("NODE_IP", "status.hostIP"),
			envOf("POD_NAME", "metadata.name"),
		},
		Resources: &corev1.ResourceRequirementsArgs{
			Requests: quantities(battle.Resources.Requests),
			Limits:   quantities(battle.Resources.Limits),
		},
		// The pod takes no new battles from then on, and answers when the last of its own has ended. It is asked by the port's name, for its number is
		// another in each pod, and at the address that it has in every network.
		Lifecycle: &corev1.LifecycleArgs{PreStop: &corev1.LifecycleHandlerArgs{
			HttpGet: &corev1.HTTPGetActionArgs{Host: pulumi.String("127.0.0.1"), Path: pulumi.String("/drain"), Port: http},
		}},
		// Wasm pods know no exec: all probes are HTTP. Ten seconds to start are a thousand times what it takes.
		StartupProbe:    workload.HTTPProbe("/readyz", http, 1, 30),
		ReadinessProbe:  workload.HTTPProbe("/readyz", http, 5, 2),
		LivenessProbe:   workload.HTTPProbe("/healthz", http, 5, 3),
		SecurityContext: workload.Confined(),
	}
}

func env(name, value string) *corev1.EnvVarArgs {
	return &corev1.EnvVarArgs{Name: pulumi.String(name), Value: pulumi.String(value)}
}

func envOf(name, field string) *corev1.EnvVarArgs {
	return &corev1.EnvVarArgs{Name: pulumi.String(name), ValueFrom: &corev1.EnvVarSourceArgs{
		FieldRef: &corev1.ObjectFieldSelectorArgs{FieldPath: pulumi.String(field)},
	}}
}

func quantities(q config.Quantities) pulumi.StringMap {
	return pulumi.StringMap{"cpu": pulumi.String(q.CPU), "memory": pulumi.String(q.Memory)}
}
