package k3s

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
)

// ImageType is the type token of [Image].
const ImageType = "edge-arena:k3s:Image"

// ImageArgs describe an image that is brought to nodes over SSH.
type ImageArgs struct {
	// Name tells the image's archive from others on the node: a DNS label. Required.
	Name string
	// Archive is the image. Required.
	Archive *Archive
	// Cluster is where it goes: to every node. Required.
	Cluster *Cluster
}

func (a ImageArgs) validate() error {
	var errs []error
	if a.Name == "" {
		errs = append(errs, errors.New("name: required"))
	}
	if a.Archive == nil {
		errs = append(errs, errors.New("archive: required"))
	}
	if a.Cluster == nil {
		errs = append(errs, errors.New("cluster: required"))
	}
	return errors.Join(errs...)
}

// Image is an image in the stores of a cluster's nodes, and among the files that K3s loads when it starts.
//
// A changed archive is a replacement: the new image is there before the pods that name it, and the old one goes when those that named
// it are gone. When that update fails, the old one stays.
type Image struct {
	pulumi.ResourceState

	// Reference names the image by its digest.
	Reference pulumi.StringOutput
	// Ready are the resources to depend on: the image is on every node when they are. Not the component itself: which of its children
	// an SDK then waits for depends on how far their registration has come.
	Ready []pulumi.Resource
}

// NewImage brings an image to nodes.
func NewImage(ctx *pulumi.Context, name string, args *ImageArgs, opts ...pulumi.ResourceOption) (*Image, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("image %s: %w", name, err)
	}
	i := &Image{}
	if err := ctx.RegisterComponentResource(ImageType, name, i, opts...); err != nil {
		return nil, fmt.Errorf("image %s: %w", name, err)
	}
	for _, node := range args.Cluster.Nodes {
		if err := i.deliver(ctx, name+"-"+node.Name, args, node); err != nil {
			return nil, fmt.Errorf("image %s: node %s: %w", name, node.Name, err)
		}
	}
	i.Reference = pulumi.String(args.Archive.Reference).ToStringOutput()
	if err := ctx.RegisterResourceOutputs(i, pulumi.Map{"reference": i.Reference}); err != nil {
		return nil, fmt.Errorf("image %s: outputs: %w", name, err)
	}
	return i, nil
}

// deliver uploads the archive as the login user, who may not write where K3s keeps images, then has root check and load it.
func (i *Image) deliver(ctx *pulumi.Context, name string, args *ImageArgs, node config.Node) error {
	a := args.Archive
	triggers := pulumi.Array{pulumi.String(a.SHA256)}
	after := slices.Clone(args.Cluster.Ready)
	upload := ""
	if a.Path != "" {
		upload = "/tmp/edge-arena-" + args.Name + "-" + a.SHA256[:12] + ".tar"
		file, err := remote.NewCopyToRemote(ctx, name+"-upload", &remote.CopyToRemoteArgs{
			Connection: Connection(node),
			Source:     pulumi.NewFileAsset(a.Path),
			RemotePath: pulumi.String(upload),
			Triggers:   triggers,
		}, pulumi.Parent(i), pulumi.DependsOn(args.Cluster.Ready), args.Cluster.containedIn(node))
		if err != nil {
			return err
		}
		after = append(after, file)
	}
	loaded, err := remote.NewCommand(ctx, name+"-import", &remote.CommandArgs{
		Connection: Connection(node),
		Create:     pulumi.String(commandLine("import", args.Name, a.SHA256)),
		Delete:     pulumi.String(commandLine("remove", args.Name, a.SHA256)),
		Stdin: secretText(withSettings(imageScript, []setting{
			{"UPLOAD", upload},
			{"ARCHIVE", base64.StdEncoding.EncodeToString(a.Content)},
			{"REFERENCES", strings.Join(a.References, " ")},
			{"DIGEST", a.Reference[strings.LastIndex(a.Reference, "@")+1:]},
		})),
		// There is no update command: another archive is another resource.
		Triggers:               triggers,
		Logging:                remote.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}, pulumi.Parent(i), pulumi.DependsOn(after), args.Cluster.containedIn(node))
	i.Ready = append(i.Ready, loaded)
	return err
}
