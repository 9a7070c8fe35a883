package battle

import (
	"fmt"
	"slices"
	"strconv"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/wasm"
)

const component = "battle-server"

// surge is how much of the pods is exchanged, or may be taken away, at a time.
const surge = "25%"

func selector() *metav1.LabelSelectorArgs {
	return &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"app": pulumi.String(App)}}
}

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
			Selector:                   selector(),
			UnhealthyPodEvictionPolicy: pulumi.String("AlwaysAllow"),
		},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("disruption budget: %w", err)
	}
	return nil
}

func (b *builder) makeDeployment() error {
	// Pulumi goes on waiting when the deadline below has passed, so a failed update lasts this long.
	patience := fmt.Sprintf("%ds", 120+2*b.args.Battle.Replicas)
	after := slices.Concat([]pulumi.Resource{b.allocator}, b.image.after, b.args.Runtime.Proof)
	meta := b.meta(App, component)
	// A gate may have put the pods back to the image before: the next update takes the field from it.
	meta.Annotations = pulumi.StringMap{"pulumi.com/patchForce": pulumi.String("true")}
	deployment, err := appsv1.NewDeployment(b.ctx, b.name+"-deployment", &appsv1.DeploymentArgs{
		Metadata: meta,
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(b.args.Battle.Replicas),
			Selector: selector(),
			// No pod goes before another is ready in its place: an update costs no capacity, and one that fails costs nothing.
			Strategy: &appsv1.DeploymentStrategyArgs{
				Type:          pulumi.String("RollingUpdate"),
				RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{MaxSurge: pulumi.String(surge), MaxUnavailable: pulumi.Int(0)},
			},
			// A pod is ready within seconds. When none has become so for this long the update has failed; the old pods serve on.
			ProgressDeadlineSeconds: pulumi.Int(60),
			RevisionHistoryLimit:    pulumi.Int(3),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels:      labels(App, component),
					Annotations: pulumi.StringMap{wasm.HandlerAnnotation: pulumi.String("wasm")},
				},
				Spec: b.podSpec(),
			},
		},
	}, b.parent, pulumi.DependsOn(after),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: patience, Update: patience, Delete: "3m"}))
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
		HostNetwork:                  pulumi.Bool(true),
		AutomountServiceAccountToken: pulumi.Bool(false),
		EnableServiceLinks:           pulumi.Bool(false),
		// The server holds nothing that has to be saved.
		TerminationGracePeriodSeconds: pulumi.Int(5),
		TopologySpreadConstraints: corev1.TopologySpreadConstraintArray{&corev1.TopologySpreadConstraintArgs{
			MaxSkew:           pulumi.Int(1),
			TopologyKey:       pulumi.String("kubernetes.io/hostname"),
			WhenUnsatisfiable: pulumi.String("ScheduleAnyway"),
			LabelSelector:     selector(),
			// Each version is spread by itself, or the pods that are about to go would push the new ones aside.
			MatchLabelKeys: pulumi.StringArray{pulumi.String("pod-template-hash")},
		}},
		Containers: corev1.ContainerArray{b.container()},
	}
}

func (b *builder) container() *corev1.ContainerArgs {
	battle := b.args.Battle
	// A placeholder: at admission each pod is given a number of its own for both ports, and for BATTLE_PORT.
	port := pulumi.Int(battle.Ports.First)
	http := pulumi.String("http")
	return &corev1.ContainerArgs{
		Name:                     pulumi.String(App),
		Image:                    b.image.reference,
		ImagePullPolicy:          pulumi.String(b.image.pullPolicy),
		TerminationMessagePolicy: pulumi.String("FallbackToLogsOnError"),
		Ports: corev1.ContainerPortArray{
			&corev1.ContainerPortArgs{Name: pulumi.String("game"), ContainerPort: port, Protocol: pulumi.String("UDP")},
			&corev1.ContainerPortArgs{Name: http, ContainerPort: port, Protocol: pulumi.String("TCP")},
		},
		Env: corev1.EnvVarArray{
			env("MAX_PLAYERS", strconv.Itoa(battle.MaxPlayers)),
			env("TICK_RATE", strconv.Itoa(battle.TickRate)),
			envOf("NODE_IP", "status.hostIP"),
			envOf("POD_NAME", "metadata.name"),
		},
		Resources: &corev1.ResourceRequirementsArgs{
			Requests: quantities(battle.Resources.Requests),
			Limits:   quantities(battle.Resources.Limits),
		},
		// Wasm pods know no exec: all probes are HTTP. Ten seconds to start are a thousand times what it takes.
		StartupProbe:    httpProbe("/readyz", http, 1, 30),
		ReadinessProbe:  httpProbe("/readyz", http, 5, 2),
		LivenessProbe:   httpProbe("/healthz", http, 5, 3),
		SecurityContext: confined(),
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
