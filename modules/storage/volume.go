// Package storage gives a pod a folder of the city's first server, which outlives the pod, its Deployment and, where the city is protected, the city.
package storage

import (
	_ "embed"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/k3s"
)

// VolumeType is the type token of [Volume].
const VolumeType = "edge-arena:storage:Volume"

// root is the folder of all volumes on a node. The installer of modules/k3s leaves it when it leaves the node.
const root = "/var/lib/edge-arena/volumes"

// size is what every claim asks for: a folder has no limit, and a claim on one cannot be made larger later.
const size = "1Gi"

//go:embed scripts/volume.sh
var script string

// VolumeArgs describe a volume.
type VolumeArgs struct {
	// Owner is the city's name, as `region/city`. Required.
	Owner string
	// Name is that of the claim, a DNS label, unique in the city. Required.
	Name string
	// Namespace is that of the claim. Required.
	Namespace pulumi.StringInput
	// User is the user and the group that the pod runs as. Required.
	User int
	// Keep leaves the folder on the node when the volume is deleted. Default is false.
	Keep bool
	// Cluster is the city's. Required.
	Cluster *k3s.Cluster
}

func (a VolumeArgs) validate() error {
	var errs []error
	if strings.Count(a.Owner, "/") != 1 {
		errs = append(errs, errors.New("owner: required, as region/city"))
	}
	if a.Name == "" {
		errs = append(errs, errors.New("name: required"))
	}
	if a.Namespace == nil {
		errs = append(errs, errors.New("namespace: required"))
	}
	if a.User < 1 {
		errs = append(errs, errors.New("user: required, and not root"))
	}
	if a.Cluster == nil {
		errs = append(errs, errors.New("cluster: required"))
	}
	return errors.Join(errs...)
}

// Volume is a folder of the city's first server, and the claim by which a pod gets it. The pod then runs on that server, wherever else there is
// room.
type Volume struct {
	pulumi.ResourceState

	// Claim is the name of the PersistentVolumeClaim.
	Claim pulumi.StringOutput
	// Ready are the resources to depend on: a pod can have the volume when they are there.
	Ready []pulumi.Resource
}

// NewVolume makes a volume.
func NewVolume(ctx *pulumi.Context, name string, args *VolumeArgs, opts ...pulumi.ResourceOption) (*Volume, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("volume %s: %w", name, err)
	}
	v := &Volume{}
	if err := ctx.RegisterComponentResource(VolumeType, name, v, opts...); err != nil {
		return nil, fmt.Errorf("volume %s: %w", name, err)
	}
	folder, err := args.makeFolder(ctx, name, v)
	if err != nil {
		return nil, fmt.Errorf("volume %s: folder: %w", name, err)
	}
	contained := pulumi.Composite(pulumi.Parent(v), args.Cluster.Contained())
	volume, err := corev1.NewPersistentVolume(ctx, name+"-volume", args.volume(), contained, pulumi.DependsOn([]pulumi.Resource{folder}))
	if err != nil {
		return nil, fmt.Errorf("volume %s: persistent volume: %w", name, err)
	}
	claim, err := corev1.NewPersistentVolumeClaim(ctx, name+"-claim", args.claim(volume.Metadata.Name().Elem()), contained)
	if err != nil {
		return nil, fmt.Errorf("volume %s: claim: %w", name, err)
	}
	v.Claim, v.Ready = claim.Metadata.Name().Elem(), []pulumi.Resource{claim}
	if err := ctx.RegisterResourceOutputs(v, pulumi.Map{"claim": v.Claim}); err != nil {
		return nil, fmt.Errorf("volume %s: outputs: %w", name, err)
	}
	return v, nil
}

// folder is where the data lies. A city that comes back to its node finds what it has left there.
func (a VolumeArgs) folder() string {
	// A name has no dot, so no two cities have the same.
	return path.Join(root, strings.ReplaceAll(a.Owner, "/", "."), a.Name)
}

// makeFolder makes the folder on the first server. It is not deleted with the node, as all else is: its own delete command is what says whether
// the data goes.
func (a VolumeArgs) makeFolder(ctx *pulumi.Context, name string, v *Volume) (pulumi.Resource, error) {
	keep := "no"
	if a.Keep {
		keep = "yes"
	}
	return remote.NewCommand(ctx, name+"-folder", &remote.CommandArgs{
		Connection:             k3s.Connection(a.Cluster.Nodes[0]),
		Create:                 k3s.ScriptLine("make", a.folder(), strconv.Itoa(a.User)),
		Delete:                 k3s.ScriptLine("remove", a.folder(), keep),
		Stdin:                  k3s.Script(script),
		Logging:                remote.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}, pulumi.Parent(v), pulumi.DependsOn(slices.Clone(a.Cluster.Ready)))
}

func (a VolumeArgs) labels() pulumi.StringMap {
	return pulumi.StringMap{
		"app.kubernetes.io/name":       pulumi.String(a.Name),
		"app.kubernetes.io/part-of":    pulumi.String("edge-arena"),
		"app.kubernetes.io/managed-by": pulumi.String("pulumi"),
	}
}

func (a VolumeArgs) volume() *corev1.PersistentVolumeArgs {
	return &corev1.PersistentVolumeArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String("edge-arena-" + a.Name), Labels: a.labels()},
		Spec: &corev1.PersistentVolumeSpecArgs{
			Capacity:                      pulumi.StringMap{"storage": pulumi.String(size)},
			AccessModes:                   pulumi.StringArray{pulumi.String("ReadWriteOnce")},
			PersistentVolumeReclaimPolicy: pulumi.String("Retain"),
			// No class: neither K3s's local-path nor any other provisioner has a part in it.
			StorageClassName: pulumi.String(""),
			Local:            &corev1.LocalVolumeSourceArgs{Path: pulumi.String(a.folder())},
			// Nobody else's claim gets it.
			ClaimRef: &corev1.ObjectReferenceArgs{
				ApiVersion: pulumi.String("v1"), Kind: pulumi.String("PersistentVolumeClaim"), Namespace: a.Namespace, Name: pulumi.String(a.Name),
			},
			NodeAffinity: &corev1.VolumeNodeAffinityArgs{Required: &corev1.NodeSelectorArgs{
				NodeSelectorTerms: corev1.NodeSelectorTermArray{&corev1.NodeSelectorTermArgs{
					MatchExpressions: corev1.NodeSelectorRequirementArray{&corev1.NodeSelectorRequirementArgs{
						Key: pulumi.String("kubernetes.io/hostname"), Operator: pulumi.String("In"),
						Values: pulumi.StringArray{pulumi.String(a.Cluster.Nodes[0].Name)},
					}},
				}},
			}},
		},
	}
}

func (a VolumeArgs) claim(volume pulumi.StringInput) *corev1.PersistentVolumeClaimArgs {
	return &corev1.PersistentVolumeClaimArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(a.Name), Namespace: a.Namespace, Labels: a.labels()},
		Spec: &corev1.PersistentVolumeClaimSpecArgs{
			AccessModes:      pulumi.StringArray{pulumi.String("ReadWriteOnce")},
			StorageClassName: pulumi.String(""),
			VolumeName:       volume,
			Resources:        &corev1.VolumeResourceRequirementsArgs{Requests: pulumi.StringMap{"storage": pulumi.String(size)}},
		},
	}
}
