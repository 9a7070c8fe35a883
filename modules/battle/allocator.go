package battle

import (
	"fmt"
	"strconv"

	admissionv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/admissionregistration/v1"
	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/internal/workload"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

// The port allocator, cmd/port-allocator, and the webhook that has it asked.
const (
	allocatorApp       = "port-allocator"
	allocatorComponent = "port-allocator"
	webhookName        = "real-time-battle-ports"
)

// makeAllocator runs the service that gives each battle pod its port when it is created.
func (b *builder) makeAllocator() error {
	img, err := k3s.Deliver(b.ctx, b.name, "port-allocator", b.args.Battle.PortAllocator, b.args.Cluster, b.parent)
	if err != nil {
		return fmt.Errorf("port allocator: %w", err)
	}
	account, err := b.allocatorRights()
	if err != nil {
		return fmt.Errorf("port allocator: %w", err)
	}
	webhook, err := b.webhook()
	if err != nil {
		return fmt.Errorf("port allocator: webhook: %w", err)
	}
	service, err := corev1.NewService(b.ctx, b.name+"-allocator-service", &corev1.ServiceArgs{
		Metadata: b.meta(allocatorApp, allocatorComponent),
		Spec: &corev1.ServiceSpecArgs{
			Selector: pulumi.StringMap{"app": pulumi.String(allocatorApp)},
			Ports:    corev1.ServicePortArray{&corev1.ServicePortArgs{Name: pulumi.String("webhook"), Port: pulumi.Int(443), TargetPort: pulumi.String("webhook")}},
		},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("port allocator: service: %w", err)
	}
	// It is ready once it has written its CA into the webhook's configuration, so that comes before.
	after := append([]pulumi.Resource{webhook, account}, img.After...)
	b.allocator, err = appsv1.NewDeployment(b.ctx, b.name+"-allocator", b.allocatorDeployment(img, account),
		b.parent, pulumi.DependsOn(after), pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "3m", Update: "3m"}))
	if err != nil {
		return fmt.Errorf("port allocator: deployment: %w", err)
	}
	_ = service // its endpoints follow the pod; nothing waits for it
	return nil
}

// webhook has battle pods, and nothing else in the cluster, wait for the allocator. So failurePolicy Fail locks nobody out: while the
// allocator is away no battle pod is created, for one without a port of its own would take another's; everything else, the
// allocator's own pod first, goes on.
func (b *builder) webhook() (pulumi.Resource, error) {
	return admissionv1.NewMutatingWebhookConfiguration(b.ctx, b.name+"-webhook", &admissionv1.MutatingWebhookConfigurationArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(webhookName), Labels: workload.Labels(allocatorApp, allocatorComponent)},
		Webhooks: admissionv1.MutatingWebhookArray{&admissionv1.MutatingWebhookArgs{
			Name:                    pulumi.String("ports.edge-arena.example.com"),
			AdmissionReviewVersions: pulumi.StringArray{pulumi.String("v1")},
			// The allocator adds its caBundle, and mends it: that field is not ours.
			ClientConfig: &admissionv1.WebhookClientConfigArgs{
				Service: &admissionv1.ServiceReferenceArgs{
					Name: pulumi.String(allocatorApp), Namespace: b.namespace, Path: pulumi.String("/mutate"), Port: pulumi.Int(443),
				},
			},
			FailurePolicy:     pulumi.String("Fail"),
			SideEffects:       pulumi.String("NoneOnDryRun"),
			TimeoutSeconds:    pulumi.Int(5),
			NamespaceSelector: &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"kubernetes.io/metadata.name": b.namespace}},
			ObjectSelector:    workload.Selector(App),
			Rules: admissionv1.RuleWithOperationsArray{&admissionv1.RuleWithOperationsArgs{
				ApiGroups: pulumi.StringArray{pulumi.String("")}, ApiVersions: pulumi.StringArray{pulumi.String("v1")},
				Operations: pulumi.StringArray{pulumi.String("CREATE")}, Resources: pulumi.StringArray{pulumi.String("pods")},
				Scope: pulumi.String("Namespaced"),
			}},
		}},
	}, b.parent)
}

// allocatorRights lets the allocator see the battle pods and complete its own webhook's configuration, and no more.
func (b *builder) allocatorRights() (pulumi.Resource, error) {
	meta := func() *metav1.ObjectMetaArgs { return b.meta(allocatorApp, allocatorComponent) }
	account, err := corev1.NewServiceAccount(b.ctx, b.name+"-allocator-account", &corev1.ServiceAccountArgs{Metadata: meta()}, b.parent)
	if err != nil {
		return nil, fmt.Errorf("service account: %w", err)
	}
	subjects := rbacv1.SubjectArray{&rbacv1.SubjectArgs{Kind: pulumi.String("ServiceAccount"), Name: pulumi.String(allocatorApp), Namespace: b.namespace}}
	role, err := rbacv1.NewRole(b.ctx, b.name+"-allocator-role", &rbacv1.RoleArgs{
		Metadata: meta(),
		Rules:    rbacv1.PolicyRuleArray{rule("", "pods", "", "list", "watch")},
	}, b.parent)
	if err != nil {
		return nil, fmt.Errorf("role: %w", err)
	}
	if _, err := rbacv1.NewRoleBinding(b.ctx, b.name+"-allocator-role-binding", &rbacv1.RoleBindingArgs{
		Metadata: meta(),
		Subjects: subjects,
		RoleRef:  &rbacv1.RoleRefArgs{ApiGroup: pulumi.String(rbacGroup), Kind: pulumi.String("Role"), Name: role.Metadata.Name().Elem()},
	}, b.parent); err != nil {
		return nil, fmt.Errorf("role binding: %w", err)
	}
	clusterMeta := &metav1.ObjectMetaArgs{Name: pulumi.String(webhookName), Labels: workload.Labels(allocatorApp, allocatorComponent)}
	clusterRole, err := rbacv1.NewClusterRole(b.ctx, b.name+"-allocator-cluster-role", &rbacv1.ClusterRoleArgs{
		Metadata: clusterMeta,
		Rules:    rbacv1.PolicyRuleArray{rule("admissionregistration.k8s.io", "mutatingwebhookconfigurations", webhookName, "get", "patch")},
	}, b.parent)
	if err != nil {
		return nil, fmt.Errorf("cluster role: %w", err)
	}
	if _, err := rbacv1.NewClusterRoleBinding(b.ctx, b.name+"-allocator-cluster-role-binding", &rbacv1.ClusterRoleBindingArgs{
		Metadata: clusterMeta,
		Subjects: subjects,
		RoleRef:  &rbacv1.RoleRefArgs{ApiGroup: pulumi.String(rbacGroup), Kind: pulumi.String("ClusterRole"), Name: clusterRole.Metadata.Name().Elem()},
	}, b.parent); err != nil {
		return nil, fmt.Errorf("cluster role binding: %w", err)
	}
	return account, nil
}

const rbacGroup = "rbac.authorization.k8s.io"

func rule(group, resource, name string, verbs ...string) *rbacv1.PolicyRuleArgs {
	r := &rbacv1.PolicyRuleArgs{
		ApiGroups: pulumi.StringArray{pulumi.String(group)},
		Resources: pulumi.StringArray{pulumi.String(resource)},
		Verbs:     pulumi.ToStringArray(verbs),
	}
	if name != "" {
		r.ResourceNames = pulumi.StringArray{pulumi.String(name)}
	}
	return r
}

func (b *builder) allocatorDeployment(img k3s.PodImage, account pulumi.Resource) *appsv1.DeploymentArgs {
	ports := b.args.Battle.Ports
	health := pulumi.String("health")
	return &appsv1.DeploymentArgs{
		Metadata: b.meta(allocatorApp, allocatorComponent),
		Spec: &appsv1.DeploymentSpecArgs{
			// One: two would not know of each other's reservations.
			Replicas:                pulumi.Int(1),
			Strategy:                &appsv1.DeploymentStrategyArgs{Type: pulumi.String("Recreate")},
			ProgressDeadlineSeconds: pulumi.Int(90),
			RevisionHistoryLimit:    pulumi.Int(3),
			Selector:                &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"app": pulumi.String(allocatorApp)}},
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: workload.Labels(allocatorApp, allocatorComponent)},
				Spec: &corev1.PodSpecArgs{
					ServiceAccountName:            account.(*corev1.ServiceAccount).Metadata.Name().Elem(),
					EnableServiceLinks:            pulumi.Bool(false),
					TerminationGracePeriodSeconds: pulumi.Int(5),
					Containers: corev1.ContainerArray{&corev1.ContainerArgs{
						Name:                     pulumi.String(allocatorApp),
						Image:                    img.Reference,
						ImagePullPolicy:          pulumi.String(img.PullPolicy),
						TerminationMessagePolicy: pulumi.String("FallbackToLogsOnError"),
						Args: pulumi.StringArray{
							pulumi.String("-first=" + strconv.Itoa(ports.First)),
							pulumi.String("-last=" + strconv.Itoa(ports.Last)),
							pulumi.String("-namespace=" + b.args.Battle.Namespace),
							pulumi.String("-webhook=" + webhookName),
							pulumi.String("-service=" + allocatorApp),
						},
						Ports: corev1.ContainerPortArray{
							&corev1.ContainerPortArgs{Name: pulumi.String("webhook"), ContainerPort: pulumi.Int(8443), Protocol: pulumi.String("TCP")},
							&corev1.ContainerPortArgs{Name: health, ContainerPort: pulumi.Int(8080), Protocol: pulumi.String("TCP")},
						},
						Resources: &corev1.ResourceRequirementsArgs{
							Requests: pulumi.StringMap{"cpu": pulumi.String("10m"), "memory": pulumi.String("32Mi")},
							Limits:   pulumi.StringMap{"memory": pulumi.String("96Mi")},
						},
						StartupProbe:    workload.HTTPProbe("/readyz", health, 1, 60),
						ReadinessProbe:  workload.HTTPProbe("/readyz", health, 5, 2),
						LivenessProbe:   workload.HTTPProbe("/healthz", health, 10, 3),
						SecurityContext: workload.Confined(),
					}},
				},
			},
		},
	}
}
