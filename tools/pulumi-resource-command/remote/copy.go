package remote

import (
	"context"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/lifecycle"
)

// CopyToRemote is the resource command:remote:CopyToRemote.
type CopyToRemote struct{}

// CopyToRemoteInputs are the inputs of a CopyToRemote.
type CopyToRemoteInputs struct {
	Connection *Connection          `pulumi:"connection" provider:"secret"`
	Triggers   *[]any               `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Source     types.AssetOrArchive `pulumi:"source"`
	RemotePath string               `pulumi:"remotePath"`
}

// CopyToRemoteOutputs are the outputs of a CopyToRemote.
type CopyToRemoteOutputs struct{ CopyToRemoteInputs }

var (
	_ infer.CustomResource[CopyToRemoteInputs, CopyToRemoteOutputs] = (*CopyToRemote)(nil)
	_ infer.CustomUpdate[CopyToRemoteInputs, CopyToRemoteOutputs]   = (*CopyToRemote)(nil)
	_ infer.CustomCheck[CopyToRemoteInputs]                         = (*CopyToRemote)(nil)
)

// Annotate describes the resource.
func (c *CopyToRemote) Annotate(a infer.Annotator) {
	a.Describe(&c, "A file or a folder that is copied to a remote host. It stays there when the resource is deleted.")
}

// Annotate describes the inputs.
func (i *CopyToRemoteInputs) Annotate(a infer.Annotator) {
	a.Describe(&i.Connection, "How to reach the host.")
	a.Describe(&i.Triggers, "The resource is replaced if any of these values, of any type, changes.")
	a.Describe(&i.Source, "A FileAsset or a FileArchive. It is copied as it is: an archive is not unpacked.")
	a.Describe(&i.RemotePath, "Where to. Its last element is made if it is missing. A source goes into a folder that is there "+
		"and over a file that is there; a folder cannot go over a file.")
}

// Check refuses a source that is not a path. A source that is not known yet is left for the update.
func (*CopyToRemote) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[CopyToRemoteInputs], error) {
	inputs, failures, err := infer.DefaultCheck[CopyToRemoteInputs](ctx, req.NewInputs)
	source, given := req.NewInputs.GetOk("source")
	asset, archive := inputs.Source.Asset, inputs.Source.Archive
	if err == nil && given && !source.HasComputed() {
		isPath := (asset != nil && asset.IsPath()) || (archive != nil && archive.IsPath())
		if !isPath {
			failures = append(failures, p.CheckFailure{Property: "source", Reason: "must be a FileAsset or a FileArchive with a path"})
		}
	}
	return infer.CheckResponse[CopyToRemoteInputs]{Inputs: inputs, Failures: failures}, err
}

// Create copies the source.
func (*CopyToRemote) Create(
	ctx context.Context, req infer.CreateRequest[CopyToRemoteInputs],
) (infer.CreateResponse[CopyToRemoteOutputs], error) {
	id, err := lifecycle.NewID("")
	if err == nil && !req.DryRun {
		err = req.Inputs.upload(ctx)
	}
	return infer.CreateResponse[CopyToRemoteOutputs]{ID: id, Output: CopyToRemoteOutputs{req.Inputs}}, err
}

// Update copies the source again, whatever has changed: another host needs it just as another source does.
func (*CopyToRemote) Update(
	ctx context.Context, req infer.UpdateRequest[CopyToRemoteInputs, CopyToRemoteOutputs],
) (infer.UpdateResponse[CopyToRemoteOutputs], error) {
	var err error
	if !req.DryRun {
		err = req.Inputs.upload(ctx)
	}
	return infer.UpdateResponse[CopyToRemoteOutputs]{Output: CopyToRemoteOutputs{req.Inputs}}, err
}

func (i CopyToRemoteInputs) sourcePath() string {
	if i.Source.Asset != nil {
		return i.Source.Asset.Path
	}
	return i.Source.Archive.Path
}
