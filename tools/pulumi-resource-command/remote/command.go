package remote

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/lifecycle"
)

// Command is the resource command:remote:Command.
type Command struct{}

// CommandInputs are the inputs of a Command.
type CommandInputs struct {
	lifecycle.Inputs
	Connection *Connection `pulumi:"connection" provider:"secret"`
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
)

// Annotate describes the resource.
func (c *Command) Annotate(a infer.Annotator) {
	a.Describe(&c, "A command that runs on a remote host at the steps of the resource's life.")
}

// Annotate describes the inputs.
func (i *CommandInputs) Annotate(a infer.Annotator) {
	a.Describe(&i.Connection, "How to reach the host.")
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
