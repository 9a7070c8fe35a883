// Package lifecycle holds what a local and a remote command have in common: their commands for each step of a resource's life and
// what they leave behind.
package lifecycle

import (
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/output"
)

// Inputs are the inputs of every command.
type Inputs struct {
	Triggers *[]any `pulumi:"triggers,optional" provider:"replaceOnChanges"`

	Create *string `pulumi:"create,optional"`
	Update *string `pulumi:"update,optional"`
	Delete *string `pulumi:"delete,optional"`

	Stdin                  *string           `pulumi:"stdin,optional"`
	Environment            map[string]string `pulumi:"environment,optional"`
	AddPreviousOutputInEnv *bool             `pulumi:"addPreviousOutputInEnv,optional"`
	Logging                *output.Logging   `pulumi:"logging,optional"`
}

// Annotate describes the inputs and sets their defaults.
func (i *Inputs) Annotate(a infer.Annotator) {
	a.Describe(&i.Triggers, "The resource is replaced if any of these values, of any type, changes.")
	a.Describe(&i.Create, "The command to run when the resource is created, and when it is updated and `update` is not set.")
	a.Describe(&i.Update, "The command to run when the resource is updated. Default is `create`.")
	a.Describe(&i.Delete, "The command to run when the resource is deleted. Default is none.")
	a.Describe(&i.Stdin, "What the command reads from its standard input. Default is nothing.")
	a.Describe(&i.Environment, "Environment variables of the command. A remote host must accept them (AcceptEnv).")
	a.Describe(&i.AddPreviousOutputInEnv, "Whether a command finds the output of the one before it in "+
		EnvStdout+" and "+EnvStderr+". Default is true.")
	a.SetDefault(&i.AddPreviousOutputInEnv, true)
	a.Describe(&i.Logging, "Which of the command's streams is logged while it runs. Default is both.")
}

// Outputs are the outputs of every command.
type Outputs struct {
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

// Annotate describes the outputs.
func (o *Outputs) Annotate(a infer.Annotator) {
	a.Describe(&o.Stdout, "What the command wrote to its standard output, without the last newline.")
	a.Describe(&o.Stderr, "What the command wrote to its standard error, without the last newline.")
}

// The environment variables that carry the outputs of the command before.
const (
	EnvStdout = "PULUMI_COMMAND_STDOUT"
	EnvStderr = "PULUMI_COMMAND_STDERR"
)

// OnUpdate is the command of an update, nil for none.
func (i Inputs) OnUpdate() *string {
	if i.Update != nil {
		return i.Update
	}
	return i.Create
}

// PreviousOutput is what the command before leaves in the environment of the next.
func (i Inputs) PreviousOutput(before Outputs) map[string]string {
	env := map[string]string{}
	if i.AddPreviousOutputInEnv != nil && !*i.AddPreviousOutputInEnv {
		return env
	}
	if before.Stdout != "" {
		env[EnvStdout] = before.Stdout
	}
	if before.Stderr != "" {
		env[EnvStderr] = before.Stderr
	}
	return env
}

// NewID returns an ID for a new resource of that name.
func NewID(name string) (string, error) { return resource.NewUniqueHex(name, 8, 0) }
