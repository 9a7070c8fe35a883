// Package policy has a city refuse what is against its rules: Gatekeeper 3.15.1 on an edge node, our rules for it as ConstraintTemplates and
// Constraints, and the proof that they refuse.
//
// Gatekeeper comes from its release manifest, gatekeeper.yaml, kept here as data:
//
//	https://raw.githubusercontent.com/open-policy-agent/gatekeeper/v3.15.1/deploy/gatekeeper.yaml
//	sha256 f23d0b312f19c614d9db37b26492d3f9045d0e0bbbf3cfc15a73fbed4cac3550
//
// A test holds the file to that sum. What is left out of it and what is changed, and why, is all in manifest.go. The rules are in the folder
// rules, one folder each with samples of what it allows and denies; `make policy-test` runs gator over them.
//
// # How a city keeps itself from being locked out
//
// The general webhook fails open (failurePolicy Ignore). Gatekeeper is one pod, and when its node is lost the battle pods of that node must
// be back within 10 seconds, Gatekeeper or no Gatekeeper; what slips through meanwhile the audit finds and the metrics tell. What would give
// its node away, though, is asked for by no pod of a city's: privileged containers, folders of the node, its namespaces, its network outside
// the battle namespace. For those alone there is a second webhook that fails closed where the enforcement is deny: the API server itself
// sorts them out (matchConditions), so that a battle pod never meets it. Neither webhook is asked about the system namespaces (K3s's add-ons,
// an upgrade's pods, Gatekeeper's own), about what is being deleted, or about anything but pods and what makes pods; and Gatekeeper's label
// that exempts a namespace means nothing here, so it needs no guard that would fail closed for every namespace.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/internal/refusal"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

// GatekeeperType is the type token of [Gatekeeper].
const GatekeeperType = "edge-arena:policy:Gatekeeper"

// Namespace is where Gatekeeper runs.
const Namespace = "gatekeeper-system"

// ProofNamespace holds nothing, ever: the rules of the battle namespace are proven there, on dry runs, for they must be in force before there
// is a battle namespace.
const ProofNamespace = "policy-proof"

// provePatience is how long the rules may take to be in force once all objects are there. Its webhook is up when the node has mounted the
// certificate that Gatekeeper has made for itself, which a kubelet may take 90 s for.
const provePatience = 4 * time.Minute

// GatekeeperArgs describe the policy engine of a city.
type GatekeeperArgs struct {
	// City is the city's name, as `region/city`. Required.
	City string
	// Policies are the bounds, and what is done with what breaks them. Required.
	Policies config.Policies
	// Battle is the battle service that the rules are about. Required.
	Battle config.Battle
	// Image is Gatekeeper's. Required.
	Image config.Source
	// Cluster is where it runs. Required.
	Cluster *k3s.Cluster
	// Kubeconfig reaches the city's cluster, for the proof. Required; a secret.
	Kubeconfig pulumi.StringInput
	// Exempt are namespaces besides the system's whose pods may use their node, as a collector of its metrics must. Default is none.
	Exempt []string
}

func (a GatekeeperArgs) validate() error {
	var errs []error
	if a.City == "" {
		errs = append(errs, errors.New("city: required"))
	}
	switch a.Policies.Enforcement {
	case config.EnforceDeny, config.EnforceWarn, config.EnforceDryRun:
	default:
		errs = append(errs, fmt.Errorf("policies.enforcement: %q is none of deny, warn, dryrun", a.Policies.Enforcement))
	}
	if a.Battle.Namespace == "" {
		errs = append(errs, errors.New("battle.namespace: required"))
	}
	if a.Image == (config.Source{}) {
		errs = append(errs, errors.New("image: an archive or an image is required"))
	}
	if a.Cluster == nil {
		errs = append(errs, errors.New("cluster: required"))
	}
	if a.Kubeconfig == nil {
		errs = append(errs, errors.New("kubeconfig: required"))
	}
	for _, namespace := range a.Exempt {
		if namespace == a.Battle.Namespace || namespace == CityNamespace || namespace == ProofNamespace {
			errs = append(errs, fmt.Errorf("exempt: the rules are about namespace %s", namespace))
		}
	}
	return errors.Join(errs...)
}

// Gatekeeper is the policy engine of a city.
type Gatekeeper struct {
	pulumi.ResourceState

	// Image is what Gatekeeper runs.
	Image pulumi.StringOutput
	// Outcome is what was proven, a JSON document of [refusal.Outcome].
	Outcome pulumi.StringOutput
	// Ready are the resources to depend on: the policies are in force, seen to refuse, when they are there.
	Ready []pulumi.Resource
}

// NewGatekeeper makes the policy engine. It is done when every rule has been seen to answer as the enforcement says.
func NewGatekeeper(ctx *pulumi.Context, name string, args *GatekeeperArgs, opts ...pulumi.ResourceOption) (*Gatekeeper, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("gatekeeper %s: %w", name, err)
	}
	g := &Gatekeeper{}
	if err := ctx.RegisterComponentResource(GatekeeperType, name, g, opts...); err != nil {
		return nil, fmt.Errorf("gatekeeper %s: %w", name, err)
	}
	b := builder{ctx: ctx, name: name, args: args, parent: pulumi.Composite(pulumi.Parent(g), args.Cluster.Contained())}
	for _, step := range []func() error{b.deliver, b.makeEngine, b.makeMetrics, b.makeProofNamespace, b.makeRules, b.prove} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("gatekeeper %s: %w", name, err)
		}
	}
	g.Image, g.Outcome, g.Ready = b.image.Reference, b.outcome, []pulumi.Resource{b.proof}
	if err := ctx.RegisterResourceOutputs(g, pulumi.Map{"image": g.Image, "outcome": g.Outcome}); err != nil {
		return nil, fmt.Errorf("gatekeeper %s: outputs: %w", name, err)
	}
	return g, nil
}

// builder makes the parts of one policy engine, in order.
type builder struct {
	ctx    *pulumi.Context
	name   string
	args   *GatekeeperArgs
	parent pulumi.ResourceOption

	image k3s.PodImage
	// engine is what of Gatekeeper the rules wait for: its pod runs, and the API server asks it.
	engine []pulumi.Resource
	// rules are all that the proof is of.
	rules   []pulumi.Resource
	subject []string
	proof   pulumi.Resource
	outcome pulumi.StringOutput
}

func (b *builder) deliver() (err error) {
	b.image, err = k3s.Deliver(b.ctx, b.name, "gatekeeper", b.args.Image, b.args.Cluster, b.parent)
	return err
}

// makeEngine makes what is left of the release manifest, in its order: each object after the namespace and the definitions, the pod last.
func (b *builder) makeEngine() error {
	objects, err := adapted(b.args)
	if err != nil {
		return err
	}
	var first []pulumi.Resource
	for _, o := range objects {
		if err := b.hold(o); err != nil {
			return err
		}
		opts := []pulumi.ResourceOption{b.parent, pulumi.DependsOn(first)}
		switch o.kind() {
		case "Deployment":
			b.setImage(o)
			// It waits for its webhook's configuration to put its CA into, so that comes before; and nobody waits for its Service, which is
			// ready when the pod is.
			opts = []pulumi.ResourceOption{b.parent, pulumi.DependsOn(slices.Concat(first, b.engine, b.image.After)),
				pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "5m", Update: "5m", Delete: "3m"})}
		case "CustomResourceDefinition":
			o.annotate("pulumi.com/waitFor", "condition=Established")
			opts = []pulumi.ResourceOption{b.parent}
		}
		made, err := b.make(b.name+"-"+o.role(), o, opts...)
		if err != nil {
			return fmt.Errorf("%s %s: %w", o.kind(), o.name(), err)
		}
		switch o.kind() {
		case "Namespace", "CustomResourceDefinition":
			first = append(first, made)
		case "Service":
			b.rules = append(b.rules, made)
		case "Deployment":
			// It stands for all before it.
			b.engine = []pulumi.Resource{made}
		default:
			b.engine = append(b.engine, made)
		}
	}
	return nil
}

// makeMetrics gives Gatekeeper's metrics a name: among them gatekeeper_violations, what the last audit found by enforcement.
func (b *builder) makeMetrics() error {
	_, err := corev1.NewService(b.ctx, b.name+"-metrics", &corev1.ServiceArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String("gatekeeper-metrics"), Namespace: pulumi.String(Namespace),
			Labels: pulumi.StringMap{
				"app.kubernetes.io/name":       pulumi.String("gatekeeper"),
				"app.kubernetes.io/component":  pulumi.String("policy"),
				"app.kubernetes.io/part-of":    pulumi.String("edge-arena"),
				"app.kubernetes.io/managed-by": pulumi.String("pulumi"),
			},
		},
		Spec: &corev1.ServiceSpecArgs{
			ClusterIP: pulumi.String("None"),
			Selector:  pulumi.ToStringMap(podLabels()),
			Ports:     corev1.ServicePortArray{&corev1.ServicePortArgs{Name: pulumi.String("metrics"), Port: pulumi.Int(8888), TargetPort: pulumi.String("metrics"), Protocol: pulumi.String("TCP")}},
		},
	}, b.parent, pulumi.DependsOn(b.engine))
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

func (b *builder) makeProofNamespace() error {
	ns, err := corev1.NewNamespace(b.ctx, b.name+"-proof-namespace", &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(ProofNamespace),
			Labels: pulumi.StringMap{
				"app.kubernetes.io/part-of":    pulumi.String("edge-arena"),
				"app.kubernetes.io/managed-by": pulumi.String("pulumi"),
				// As the battle namespace, or Kubernetes itself would refuse what the rules are to be seen to refuse.
				"pod-security.kubernetes.io/enforce": pulumi.String("privileged"),
			},
		},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("proof namespace: %w", err)
	}
	b.rules = append(b.rules, ns)
	return nil
}

// makeRules makes the templates, of which Gatekeeper makes the kinds of the constraints, and then those.
func (b *builder) makeRules() error {
	for _, r := range rules() {
		template, err := r.template()
		if err != nil {
			return err
		}
		// Gatekeeper says when it has compiled the template and made the kind; a constraint before that would be of no known kind.
		template.annotate("pulumi.com/waitFor", "jsonpath={.status.created}=true")
		made, err := b.make(b.name+"-template-"+r.name, template, b.parent, pulumi.DependsOn(b.engine),
			pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "5m", Update: "3m"}))
		if err != nil {
			return fmt.Errorf("template %s: %w", r.name, err)
		}
		constraint := r.constraint(b.args)
		in, err := b.make(b.name+"-constraint-"+r.name, constraint, b.parent, pulumi.DependsOn([]pulumi.Resource{made}))
		if err != nil {
			return fmt.Errorf("constraint %s: %w", r.name, err)
		}
		b.rules = append(b.rules, in)
		if err := b.hold(template, constraint); err != nil {
			return err
		}
	}
	return nil
}

// hold makes objects a subject of the proof: it is made again when one of them changes.
func (b *builder) hold(objects ...object) error {
	for _, o := range objects {
		content, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("%s %s: %w", o.kind(), o.name(), err)
		}
		b.subject = append(b.subject, string(content))
	}
	return nil
}

// prove waits until every rule is seen to answer.
func (b *builder) prove() error {
	sum := sha256.Sum256([]byte(strings.Join(b.subject, "\n")))
	spec := pulumi.All(b.args.Kubeconfig, b.image.Reference).ApplyT(func(known []any) (string, error) {
		s, err := b.args.proof(known[0].(string))
		if err != nil {
			return "", err
		}
		s.Subject = hex.EncodeToString(sum[:8]) + " " + known[1].(string)
		content, err := json.Marshal(s)
		return string(content), err
	}).(pulumi.StringOutput)
	proof, err := local.NewCommand(b.ctx, b.name+"-refusal", &local.CommandArgs{
		Create: pulumi.String(refusal.CommandLine),
		Update: pulumi.String(refusal.CommandLine),
		// The kubeconfig is a secret, so all of it travels on stdin.
		Stdin:                  pulumi.ToSecret(spec).(pulumi.StringOutput),
		Logging:                local.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}, b.parent, pulumi.DependsOn(slices.Concat(b.engine, b.rules)))
	if err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	b.proof, b.outcome = proof, pulumi.Unsecret(proof.Stdout).(pulumi.StringOutput)
	return nil
}

// make registers an object of any kind, under the type that the typed SDK would give it: the provider waits for it as for that.
func (b *builder) make(name string, o object, opts ...pulumi.ResourceOption) (pulumi.Resource, error) {
	args := kubernetes.UntypedArgs{"metadata": o.meta()}
	for key, value := range o {
		if key != "metadata" && value != nil {
			args[key] = input(value)
		}
	}
	version := text(o["apiVersion"])
	if !strings.Contains(version, "/") {
		version = "core/" + version
	}
	var made apiextensions.CustomResource
	if err := b.ctx.RegisterResource("kubernetes:"+version+":"+o.kind(), name, args, &made, opts...); err != nil {
		return nil, err
	}
	return &made, nil
}
