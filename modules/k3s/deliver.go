package k3s

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
)

// PodImage is what a pod names, and how it gets it.
type PodImage struct {
	// Reference is the image.
	Reference pulumi.StringOutput
	// PullPolicy is the container's imagePullPolicy.
	PullPolicy string
	// After are the resources that the pod must wait for: none where a registry has the image.
	After []pulumi.Resource
}

// Deliver brings an image to the nodes of a cluster, or leaves that to a registry. The role tells the image from others of the
// component name, and its archive from others on the node: a DNS label.
func Deliver(ctx *pulumi.Context, name, role string, source config.Source, cluster *Cluster, opts ...pulumi.ResourceOption) (PodImage, error) {
	if source.Image != "" {
		return PodImage{Reference: pulumi.String(source.Image).ToStringOutput(), PullPolicy: "IfNotPresent"}, nil
	}
	archive, err := OpenArchive(source.Archive)
	if err != nil {
		return PodImage{}, err
	}
	i, err := NewImage(ctx, name+"-"+role+"-image", &ImageArgs{Name: role, Archive: archive, Cluster: cluster}, opts...)
	if err != nil {
		return PodImage{}, err
	}
	// Never: an image that a node has lost is an error that says so, not a pull from a registry that never had it.
	return PodImage{Reference: i.Reference, PullPolicy: "Never", After: i.Ready}, nil
}
