// Package local runs commands on the machine that Pulumi runs on.
package local

import (
	"context"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/lifecycle"
)

// Command is the resource command:local:Command.
type Command struct{}

// CommandInputs are the inputs of a Command.
type CommandInputs struct {
	lifecycle.Inputs
	Interpreter  *[]string `pulumi:"interpreter,optional"`
	Dir          *string   `pulumi:"dir,optional"`
	AssetPaths   *[]string `pulumi:"assetPaths,optional"`
	ArchivePaths *[]string `pulumi:"archivePaths,optional"`
}

// CommandOutputs are the outputs of a Command.
type CommandOutputs struct {
	CommandInputs
	lifecycle.Outputs
}

var (
	_ infer.CustomResource[CommandInputs, CommandOutputs] = (*Command)(nil)
	_ infer.CustomUpdate[CommandInputs, CommandOutputs]   = (*Command)(nil)
	_ infer.CustomDelete[CommandOutputs]                  = (*Command)(nil)
	_ infer.CustomCheck[CommandInputs]                    = (*Command)(nil)
)

// Annotate describes the resource.
func (c *Command) Annotate(a infer.Annotator) {
	a.Describe(&c, "A command that runs on this machine at the steps of the resource's life.")
}

// Annotate describes the inputs.
func (i *CommandInputs) Annotate(a infer.Annotator) {
	a.Describe(&i.Interpreter, `The program, and its first arguments, that is given the command. Default is ["/bin/sh", "-c"].`)
	a.Describe(&i.Dir, "The directory to run in. Default is that of the Pulumi project.")
	a.Describe(&i.AssetPaths, "Not available in this stand-in.")
	a.Describe(&i.ArchivePaths, "Not available in this stand-in.")
}

// Check refuses what only the official plugin can do.
func (*Command) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[CommandInputs], error) {
	inputs, failures, err := infer.DefaultCheck[CommandInputs](ctx, req.NewInputs)
	for _, property := range []string{"assetPaths", "archivePaths"} {
		if _, ok := req.NewInputs.GetOk(property); ok {
			failures = append(failures, p.CheckFailure{
				Property: property,
				Reason:   "this stand-in for the official command plugin returns no assets: install the official plugin",
			})
		}
	}
	return infer.CheckResponse[CommandInputs]{Inputs: inputs, Failures: failures}, err
}

// Create runs the create command.
func (*Command) Create(
	ctx context.Context, req infer.CreateRequest[CommandInputs],
) (infer.CreateResponse[CommandOutputs], error) {
	state := CommandOutputs{CommandInputs: req.Inputs}
	id, err := lifecycle.NewID(req.Name)
	if err == nil && !req.DryRun && req.Inputs.Create != nil {
		state.Outputs, err = req.Inputs.run(ctx, *req.Inputs.Create, state.Outputs)
	}
	return infer.CreateResponse[CommandOutputs]{ID: id, Output: state}, err
}

// Update runs the update command, or the create command where there is none.
func (*Command) Update(
	ctx context.Context, req infer.UpdateRequest[CommandInputs, CommandOutputs],
) (infer.UpdateResponse[CommandOutputs], error) {
	state := CommandOutputs{CommandInputs: req.Inputs, Outputs: req.State.Outputs}
	var err error
	if command := req.Inputs.OnUpdate(); command != nil && !req.DryRun {
		state.Outputs, err = req.Inputs.run(ctx, *command, state.Outputs)
	}
	return infer.UpdateResponse[CommandOutputs]{Output: state}, err
}

// Delete runs the delete command.
func (*Command) Delete(ctx context.Context, req infer.DeleteRequest[CommandOutputs]) (infer.DeleteResponse, error) {
	if req.State.Delete == nil {
		return infer.DeleteResponse{}, nil
	}
	_, err := req.State.run(ctx, *req.State.Delete, req.State.Outputs)
	return infer.DeleteResponse{}, err
}
