// Package wasm makes Wasm pods possible in a cluster: the RuntimeClass `wasmedge`, and the proof that each node runs it.
package wasm

import (
	"errors"
	"fmt"
	"slices"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	nodev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/node/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

// RuntimeType is the type token of [Runtime].
const RuntimeType = "edge-arena:wasm:Runtime"

// RuntimeClass is the name of the class that Wasm pods ask for, and of the containerd handler behind it.
const RuntimeClass = "wasmedge"

// HandlerAnnotation makes crun take a container's program for a Wasm module.
const HandlerAnnotation = "run.oci.handler"

// ShimAnnotation has all pods of a node that carry it with the same value share one containerd shim, in place of one for each: a shim takes more memory than a battle server.
// If it should die, containerd ends what it had in its care, and the kubelet starts it anew.
const ShimAnnotation = "io.containerd.runc.v2.group"

// probeNamespace is one that every cluster has. The probe is part of the cluster's own machinery.
const probeNamespace = "kube-system"

// RuntimeArgs describe the runtime.
type RuntimeArgs struct {
	// Cluster is where it must work, on every node. Required.
	Cluster *k3s.Cluster
}

func (a RuntimeArgs) validate() error {
	if a.Cluster == nil {
		return errors.New("cluster: required")
	}
	return nil
}

// Runtime is the RuntimeClass of a cluster, proven on each of its nodes.
type Runtime struct {
	pulumi.ResourceState

	// Class is the name of the RuntimeClass.
	Class pulumi.StringOutput
	// Proof are the resources to depend on: the class works on every node when they are there.
	Proof []pulumi.Resource
}

// NewRuntime makes the RuntimeClass and waits until every node has run a Wasm module under it.
func NewRuntime(ctx *pulumi.Context, name string, args *RuntimeArgs, opts ...pulumi.ResourceOption) (*Runtime, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("wasm runtime %s: %w", name, err)
	}
	r := &Runtime{}
	if err := ctx.RegisterComponentResource(RuntimeType, name, r, opts...); err != nil {
		return nil, fmt.Errorf("wasm runtime %s: %w", name, err)
	}
	class, err := r.class(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("wasm runtime %s: class: %w", name, err)
	}
	archive, err := probeArchive()
	if err != nil {
		return nil, fmt.Errorf("wasm runtime %s: %w", name, err)
	}
	image, err := k3s.NewImage(ctx, name+"-probe", &k3s.ImageArgs{Name: "wasm-probe", Archive: archive, Cluster: args.Cluster}, pulumi.Parent(r))
	if err != nil {
		return nil, fmt.Errorf("wasm runtime %s: %w", name, err)
	}
	for _, node := range args.Cluster.Nodes {
		if err := r.probe(ctx, name+"-probe-"+node.Name, node, image, args, class); err != nil {
			return nil, fmt.Errorf("wasm runtime %s: probe of %s: %w", name, node.Name, err)
		}
	}
	r.Class = class.Metadata.Name().Elem()
	if err := ctx.RegisterResourceOutputs(r, pulumi.Map{"class": r.Class}); err != nil {
		return nil, fmt.Errorf("wasm runtime %s: outputs: %w", name, err)
	}
	return r, nil
}

// class adopts the RuntimeClass that K3s ships under the same name, or makes it where K3s has been told to leave it out. It goes with
// the cluster: deleting it before would take from K3s what is its own.
func (r *Runtime) class(ctx *pulumi.Context, name string) (*nodev1.RuntimeClass, error) {
	return nodev1.NewRuntimeClass(ctx, name+"-class", &nodev1.RuntimeClassArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name:        pulumi.String(RuntimeClass),
			Annotations: pulumi.StringMap{"pulumi.com/patchForce": pulumi.String("true")},
		},
		Handler: pulumi.String(RuntimeClass),
	}, pulumi.Parent(r), pulumi.RetainOnDelete(true))
}

// probe runs a Wasm module on one node, as a pod like any other.
func (r *Runtime) probe(ctx *pulumi.Context, name string, node config.Node, image *k3s.Image, args *RuntimeArgs, class pulumi.Resource) error {
	labels := pulumi.StringMap{
		"app.kubernetes.io/name":       pulumi.String("wasm-probe"),
		"app.kubernetes.io/part-of":    pulumi.String("edge-arena"),
		"app.kubernetes.io/managed-by": pulumi.String("pulumi"),
	}
	version := args.Cluster.WasmEdge.MapIndex(pulumi.String(node.Name))
	job, err := batchv1.NewJob(ctx, name, &batchv1.JobArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Namespace: pulumi.String(probeNamespace),
			Labels:    labels,
			// It is done: nothing waits for its pod to go.
			Annotations: pulumi.StringMap{"pulumi.com/deletionPropagationPolicy": pulumi.String("background")},
		},
		Spec: &batchv1.JobSpecArgs{
			BackoffLimit:          pulumi.Int(2),
			ActiveDeadlineSeconds: pulumi.Int(120),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels: labels,
					Annotations: pulumi.StringMap{
						HandlerAnnotation: pulumi.String("wasm"),
						// A job cannot be changed: another version is another job, so another proof.
						"edge-arena/wasmedge": version,
					},
				},
				Spec: &corev1.PodSpecArgs{
					RuntimeClassName:             pulumi.String(RuntimeClass),
					NodeName:                     pulumi.String(node.Name),
					RestartPolicy:                pulumi.String("Never"),
					AutomountServiceAccountToken: pulumi.Bool(false),
					Containers: corev1.ContainerArray{&corev1.ContainerArgs{
						Name:                     pulumi.String("probe"),
						Image:                    image.Reference,
						ImagePullPolicy:          pulumi.String("Never"),
						TerminationMessagePolicy: pulumi.String("FallbackToLogsOnError"),
						Resources: &corev1.ResourceRequirementsArgs{
							Limits: pulumi.StringMap{"memory": pulumi.String("64Mi")},
						},
						SecurityContext: &corev1.SecurityContextArgs{
							AllowPrivilegeEscalation: pulumi.Bool(false),
							ReadOnlyRootFilesystem:   pulumi.Bool(true),
							RunAsNonRoot:             pulumi.Bool(true),
							Capabilities:             &corev1.CapabilitiesArgs{Drop: pulumi.StringArray{pulumi.String("ALL")}},
							SeccompProfile:           &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
						},
					}},
				},
			},
		},
	}, pulumi.Parent(r), pulumi.DependsOn(append(slices.Clone(image.Ready), class)), args.Cluster.Contained(),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "3m"}))
	r.Proof = append(r.Proof, job)
	return err
}
