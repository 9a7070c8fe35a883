package policy

import (
	_ "embed" // The release manifest.
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
)

// manifest is deploy/gatekeeper.yaml of Gatekeeper's release v3.15.1, as it is. See the package's comment.
//
//go:embed gatekeeper.yaml
var manifest []byte

// ManifestSHA256 is the sum of the release manifest.
const ManifestSHA256 = "f23d0b312f19c614d9db37b26492d3f9045d0e0bbbf3cfc15a73fbed4cac3550"

// What Gatekeeper may use of a 4 core / 8 GiB node. Measured with our rules and 600 pods to audit it holds 88 MiB, 38 of them its own data
// and the rest its program; the goal leaves room for a burst of reviews, and has Go collect long before the limit ends the pod.
const (
	memoryRequest = "96Mi"
	memoryGoal    = "160MiB"
	memoryLimit   = "256Mi"
	cpuRequest    = "50m"
	// processors keeps an audit from running on all cores at once: battle pods tick on them.
	processors = 2
)

// auditInterval is the time between two audits. They only find what slipped through while the webhook was away, or was there before a rule
// was: a list of all pods each minute, as is the default, would be for nothing most of the time.
const auditInterval = 300

// systemNamespaces are those that no rule is about: Kubernetes' own, where K3s runs its add-ons, and Gatekeeper's.
func systemNamespaces() []string {
	return []string{"kube-system", "kube-node-lease", "kube-public", Namespace}
}

// podLabels are those of Gatekeeper's pod.
func podLabels() map[string]string {
	return map[string]string{"control-plane": "controller-manager", "gatekeeper.sh/operation": "webhook", "gatekeeper.sh/system": "yes"}
}

// adapted is what a city runs of the release manifest. This is the one place where it is changed.
func adapted(args *GatekeeperArgs) ([]object, error) {
	all, err := decode(manifest)
	if err != nil {
		return nil, fmt.Errorf("release manifest: %w", err)
	}
	var kept []object
	for _, o := range all {
		if dropped(o) {
			continue
		}
		switch o.kind() {
		case "ClusterRole":
			narrowRights(o)
		case "Deployment":
			if err := adaptDeployment(o); err != nil {
				return nil, fmt.Errorf("release manifest: deployment: %w", err)
			}
		case "ValidatingWebhookConfiguration":
			o["webhooks"] = webhooks(args)
		}
		kept = append(kept, o)
	}
	// The definitions and the webhooks before the pod, in the manifest's order otherwise.
	slices.SortStableFunc(kept, func(a, b object) int { return rank(a) - rank(b) })
	return kept, nil
}

func rank(o object) int {
	switch o.kind() {
	case "Namespace":
		return 0
	case "CustomResourceDefinition":
		return 1
	case "Deployment":
		return 3
	}
	return 2
}

// dropped tells what a city does without.
func dropped(o object) bool {
	switch o.kind() {
	case "CustomResourceDefinition":
		// Mutation, expansion and external data are off: see the flags. Their definitions would be watched by nobody, and cost the API server
		// memory for their schemas.
		for _, part := range []string{".mutations.", "mutatorpodstatuses.", "expansiontemplate", ".externaldata."} {
			if strings.Contains(o.name(), part) {
				return true
			}
		}
	case "MutatingWebhookConfiguration":
		return true
	case "PodDisruptionBudget":
		// It keeps one pod of at least one: with a single replica no node could be drained, for an upgrade of K3s above all.
		return true
	case "Deployment":
		// The audit runs in the other Deployment's pod.
		return o.name() == "gatekeeper-audit"
	}
	return false
}

// narrowRights leaves Gatekeeper what our rules and its own objects need. The manifest lets it read everything in the cluster, Secrets too.
func narrowRights(o object) {
	rule := func(group string, resources []string, names []string, verbs ...string) object {
		r := object{"apiGroups": list(group), "resources": list(resources...), "verbs": list(verbs...)}
		if len(names) > 0 {
			r["resourceNames"] = list(names...)
		}
		return r
	}
	read := []string{"get", "list", "watch"}
	write := []string{"create", "delete", "get", "list", "patch", "update", "watch"}
	o["rules"] = list(
		rule("", []string{"namespaces", "pods"}, nil, read...),
		rule("apps", []string{"daemonsets", "deployments", "statefulsets"}, nil, read...),
		rule("batch", []string{"cronjobs", "jobs"}, nil, read...),
		rule("", []string{"events"}, nil, "create", "patch"),
		rule("apiextensions.k8s.io", []string{"customresourcedefinitions"}, nil, write...),
		rule("config.gatekeeper.sh", []string{"configs", "configs/status"}, nil, write...),
		rule("constraints.gatekeeper.sh", []string{"*"}, nil, write...),
		rule("status.gatekeeper.sh", []string{"*"}, nil, write...),
		rule("syncset.gatekeeper.sh", []string{"syncsets"}, nil, read...),
		rule("templates.gatekeeper.sh", []string{"constrainttemplates", "constrainttemplates/finalizers", "constrainttemplates/status"}, nil, write...),
		// The rotation of certificates watches all configurations for its own, and writes that alone.
		rule("admissionregistration.k8s.io", []string{"validatingwebhookconfigurations"}, nil, read...),
		rule("admissionregistration.k8s.io", []string{"validatingwebhookconfigurations"}, []string{webhookConfiguration}, "patch", "update"),
	)
}

// webhookConfiguration is the name by which Gatekeeper knows the configuration to put its CA into.
const webhookConfiguration = "gatekeeper-validating-webhook-configuration"

// adaptDeployment makes one pod of the manifest's four: webhook, audit and status in one process.
//
// All operations in one process is what Gatekeeper does when it is told of none; the manifest has the audit apart so that the webhook can be
// run three times, which the audit must not be. One replica each would be two processes that hold the same templates compiled, the same
// caches and the same client machinery, 88 MiB twice over, to guard one small node. The price is that an audit and a review share their
// processors, and that an audit that runs out of memory takes the webhook with it: reviews fail open (see the package's comment), and the
// audit reads its objects in small chunks. A second replica is no help against the loss of a city's only node, and on several nodes
// fail-open covers the seconds until the pod is on another.
func adaptDeployment(o object) error {
	spec := o.at("spec")
	spec["replicas"] = 1
	spec["revisionHistoryLimit"] = 3
	// The new one is ready before the old one goes.
	spec["strategy"] = object{"type": "RollingUpdate", "rollingUpdate": object{"maxSurge": 1, "maxUnavailable": 0}}
	pod := spec.at("template", "spec")
	// With one pod there is no other to keep away from.
	delete(pod, "affinity")
	// Out of a lost node sooner than after the usual five minutes.
	pod["tolerations"] = list(lost("node.kubernetes.io/not-ready"), lost("node.kubernetes.io/unreachable"))
	pod["terminationGracePeriodSeconds"] = 15
	containers, ok := pod["containers"].([]any)
	if !ok || len(containers) != 1 {
		return fmt.Errorf("%d containers instead of one", len(containers))
	}
	container := containers[0].(object)
	container["args"] = list(
		"--port=8443",
		"--logtostderr",
		"--operation=webhook",
		"--operation=audit",
		"--operation=status",
		// Rules are judged by what they are given, not by what they fetch. The manifest's "{http.send}" names no built-in.
		"--disable-opa-builtin=http.send",
		"--enable-external-data=false",
		"--enable-generator-resource-expansion=false",
		"--log-denies",
		"--audit-interval="+strconv.Itoa(auditInterval),
		// Objects of the constraints' kinds are listed from the API server, a hundred at a time. A cache for the audit would hold every pod of
		// the city twice for good.
		"--audit-from-cache=false",
		"--audit-match-kind-only=true",
		"--audit-chunk-size=100",
		"--constraint-violations-limit=20",
	)
	env, _ := container["env"].([]any)
	container["env"] = append(env, variable("GOMEMLIMIT", memoryGoal), variable("GOMAXPROCS", strconv.Itoa(processors)))
	container["resources"] = object{
		"requests": object{"cpu": cpuRequest, "memory": memoryRequest},
		"limits":   object{"memory": memoryLimit},
	}
	container["terminationMessagePolicy"] = "FallbackToLogsOnError"
	for _, probe := range []string{"livenessProbe", "readinessProbe"} {
		// The default of one second ends a healthy pod on a node that is short of CPU for a moment.
		container.at(probe)["timeoutSeconds"] = 5
	}
	// The audit keeps what it lists here.
	mounts, _ := container["volumeMounts"].([]any)
	container["volumeMounts"] = append(mounts, object{"name": "audit", "mountPath": "/tmp/audit"})
	volumes, _ := pod["volumes"].([]any)
	pod["volumes"] = append(volumes, object{"name": "audit", "emptyDir": object{"sizeLimit": "64Mi"}})
	return nil
}

func lost(taint string) object {
	return object{"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
}

func variable(name, value string) object { return object{"name": name, "value": value} }

// setImage has the pod run the image that was delivered.
func (b *builder) setImage(o object) {
	container := o.at("spec", "template", "spec")["containers"].([]any)[0].(object)
	container["image"] = b.image.Reference
	container["imagePullPolicy"] = pulumi.String(b.image.PullPolicy)
}

// webhooks are what the API server asks Gatekeeper about. See the package's comment for what happens when it does not answer.
func webhooks(args *GatekeeperArgs) []any {
	pods := object{
		"apiGroups": list(""), "apiVersions": list("*"), "operations": list("CREATE"), "resources": list("pods"), "scope": "Namespaced",
	}
	debugging := object{
		"apiGroups": list(""), "apiVersions": list("*"), "operations": list("UPDATE"), "resources": list("pods/ephemeralcontainers"), "scope": "Namespaced",
	}
	all := list(
		webhook("validation.gatekeeper.sh", "Ignore", args, list(
			// A pod that is there cannot be made to break a rule, but for a container to debug it: its labels and finalizers are none of ours. So
			// it is with jobs.
			pods, debugging,
			object{"apiGroups": list("batch"), "apiVersions": list("*"), "operations": list("CREATE"), "resources": list("jobs"), "scope": "Namespaced"},
			object{
				"apiGroups": list("apps", "batch"), "apiVersions": list("*"), "operations": list("CREATE", "UPDATE"),
				// Not ReplicaSets: a Deployment that was mended must be able to scale the old one down.
				"resources": list("deployments", "statefulsets", "daemonsets", "cronjobs"), "scope": "Namespaced",
			},
			// Gatekeeper compiles templates and checks constraints before they are kept.
			object{
				"apiGroups": list("templates.gatekeeper.sh", "constraints.gatekeeper.sh"), "apiVersions": list("*"),
				"operations": list("CREATE", "UPDATE"), "resources": list("*"), "scope": "*",
			},
		), object{
			// Or what breaks a rule could not even be deleted: its finalizers go by an update.
			"name": "not-being-deleted", "expression": "!has(object.metadata.deletionTimestamp)",
		}),
	)
	if args.Policies.Enforcement == config.EnforceDeny {
		all = append(all, webhook("node.validation.gatekeeper.sh", "Fail", args, list(pods, debugging), object{
			"name": "asks-for-its-node", "expression": asksForItsNode(args.Battle.Namespace),
		}))
	}
	return all
}

func webhook(name, failurePolicy string, args *GatekeeperArgs, rules []any, condition object) object {
	return object{
		"name":                    name,
		"admissionReviewVersions": list("v1"),
		// Gatekeeper adds its caBundle, and mends it: that field is not ours.
		"clientConfig":  object{"service": object{"name": "gatekeeper-webhook-service", "namespace": Namespace, "path": "/v1/admit", "port": 443}},
		"failurePolicy": failurePolicy,
		"matchPolicy":   "Equivalent",
		"sideEffects":   "None",
		// A review takes milliseconds. When the node of Gatekeeper's pod is lost the API server knows before pods are made anew; for one that
		// hangs this is what each pod waits before it is let through.
		"timeoutSeconds": 2,
		"namespaceSelector": object{"matchExpressions": list(object{
			"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(exempt(args)...),
		})},
		"rules":           rules,
		"matchConditions": list(condition),
	}
}

// exempt are the namespaces that the webhooks are not asked about.
func exempt(args *GatekeeperArgs) []string { return slices.Concat(systemNamespaces(), args.Exempt) }

// asksForItsNode is true, in CEL, of a pod that would own its node, or use its network outside the battle namespace. It must not fail: with
// failurePolicy Fail an error is a refusal.
func asksForItsNode(battle string) string {
	has := func(field string) string { return "(has(object.spec." + field + ") && object.spec." + field + ")" }
	privileged := func(field string) string {
		return "(has(object.spec." + field + ") && object.spec." + field +
			".exists(c, has(c.securityContext) && has(c.securityContext.privileged) && c.securityContext.privileged))"
	}
	return strings.Join([]string{
		"(has(object.spec.volumes) && object.spec.volumes.exists(v, has(v.hostPath)))",
		privileged("containers"), privileged("initContainers"), privileged("ephemeralContainers"),
		has("hostPID"), has("hostIPC"),
		"(request.namespace != '" + battle + "' && " + has("hostNetwork") + ")",
	}, " || ")
}
