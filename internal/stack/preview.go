package stack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/command"
)

// Digest is what `pulumi preview --json` prints: what an update would do.
type Digest struct {
	// Steps are what the engine would do, in its order. Resources that stay as they are have none.
	Steps []Step `json:"steps"`
	// Diagnostics are what the engine, the program and the providers have to say.
	Diagnostics []Diagnostic `json:"diagnostics"`
}

// Step is what the engine would do with one resource.
type Step struct {
	// Op is create, update, replace, delete, same and so on.
	Op string `json:"op"`
	// URN is the resource.
	URN string `json:"urn"`
	// DiffReasons are the properties that differ. An update without any is one that nobody can foresee: its provider is not known yet.
	DiffReasons []string `json:"diffReasons"`
	// OldState is what is deployed, NewState what is wanted; nil where there is none.
	OldState *StepState `json:"oldState"`
	NewState *StepState `json:"newState"`
}

// StepState is a resource before or after a step.
type StepState struct {
	// Custom is false for a component, which is nothing but its children.
	Custom bool `json:"custom"`
	// Parent is the URN of its parent.
	Parent string `json:"parent"`
	// Protect keeps the resource from being deleted.
	Protect bool `json:"protect"`
	// Inputs are its inputs. Secrets among them are masked, and what is not known yet is [Unknown].
	Inputs map[string]any `json:"inputs"`
}

// Unknown stands in a digest for a string that is known only when the update runs.
const Unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

// Diagnostic is a message.
type Diagnostic struct {
	// URN is the resource that it is about; empty where it is about none.
	URN string `json:"urn"`
	// Severity is info, warning or error.
	Severity string `json:"severity"`
	Message  string `json:"message"`
}

// Name is the resource's logical name.
func (s Step) Name() string { return urnName(s.URN) }

// ParentName is the logical name of its parent; empty where it has none.
func (s Step) ParentName() string {
	for _, state := range []*StepState{s.NewState, s.OldState} {
		if state != nil && state.Parent != "" {
			return urnName(state.Parent)
		}
	}
	return ""
}

// Type is the resource's type after those of its parents, joined by $, as in the URN.
func (s Step) Type() string {
	if parts := strings.SplitN(s.URN, "::", 4); len(parts) == 4 {
		return parts[2]
	}
	return ""
}

func urnName(urn string) string {
	if parts := strings.SplitN(urn, "::", 4); len(parts) == 4 {
		return parts[3]
	}
	return ""
}

// Errors are the digest's errors, with the resource that each is about.
func (d Digest) Errors() []Diagnostic {
	var list []Diagnostic
	for _, diagnostic := range d.Diagnostics {
		if diagnostic.Severity == "error" {
			list = append(list, diagnostic)
		}
	}
	return list
}

// ParseDigest reads what `pulumi preview --json` has printed.
func ParseDigest(raw []byte) (Digest, error) {
	var d Digest
	if err := json.Unmarshal(raw, &d); err != nil {
		return Digest{}, fmt.Errorf("read the preview: %w", err)
	}
	return d, nil
}

// PreviewJSON runs `pulumi preview --json` and returns what it would do. No node is reached; the API servers of cities whose Kubernetes
// objects change are. A preview that finds errors is no error here as long as it tells of them: see [Digest.Errors].
func (s Stack) PreviewJSON(ctx context.Context) (Digest, error) {
	args := []string{"preview", "--stack", s.Name, "--non-interactive", "--color", "never", "--json"}
	if s.ConfigFile != "" {
		args = append(args, "--config-file", s.ConfigFile)
	}
	cmd := exec.CommandContext(ctx, cmp.Or(s.Pulumi, "pulumi"), args...)
	cmd.Dir, cmd.Env = s.Root, append(os.Environ(), s.Env...)
	// The digest is wanted of a preview that fails, too.
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return Digest{}, fmt.Errorf("preview stack %s: %w", s.Name, context.Cause(ctx))
	}
	digest, parseErr := ParseDigest(stdout.Bytes())
	switch {
	case err == nil && parseErr == nil:
		return digest, nil
	case err == nil:
		return Digest{}, fmt.Errorf("preview stack %s: %w", s.Name, parseErr)
	case parseErr == nil && len(digest.Errors()) > 0:
		return digest, nil
	}
	output := strings.TrimSpace(stderr.String())
	if output == "" {
		output = strings.TrimSpace(stdout.String())
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || output == "" {
		return Digest{}, fmt.Errorf("preview stack %s: %w", s.Name, err)
	}
	return Digest{}, fmt.Errorf("preview stack %s: %w: %s", s.Name, err, command.Tail(output, 10))
}
