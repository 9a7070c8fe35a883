// Package stack runs the Pulumi CLI on one stack, as an operator would by hand.
package stack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/command"
)

// Stack is one region's stack.
type Stack struct {
	// Name is the stack's name. Required.
	Name string
	// Root is the folder that holds Pulumi.yaml. Required.
	Root string
	// Pulumi is the CLI. Default is the one on PATH.
	Pulumi string
	// Env adds to the caller's environment what `arena env` describes. Required.
	Env []string
	// ConfigFile is the stack's config. Default is stacks/Pulumi.<name>.yaml.
	ConfigFile string
	// Grace is how long an operation may take to end by itself when its context is canceled: Pulumi then ends what is under way and
	// frees the stack. Default is to kill it at once.
	Grace time.Duration
	// Log receives what the CLI prints. Default is nowhere; an error carries the last lines in any case.
	Log io.Writer
}

// Ensure makes the stack where it doesn't exist, and frees it where the run that held it is dead.
func (s Stack) Ensure(ctx context.Context) error {
	// What the CLI answers here is for the program; an error carries it.
	s.Log = nil
	exists, err := s.Exists(ctx)
	if err != nil {
		return err
	}
	if exists {
		return s.breakStaleLock(ctx)
	}
	usual := filepath.Join(s.Root, "stacks", "Pulumi."+s.Name+".yaml")
	_, statErr := os.Stat(usual)
	if _, err := s.run(ctx, "stack", "init", s.Name, "--no-select"); err != nil {
		return fmt.Errorf("make stack %s: %w", s.Name, err)
	}
	if s.ConfigFile != "" && errors.Is(statErr, fs.ErrNotExist) {
		// The CLI has begun a config file in the usual place, which nobody will use.
		if err := os.Remove(usual); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make stack %s: %w", s.Name, err)
		}
	}
	return nil
}

// Exists tells whether the backend has the stack.
func (s Stack) Exists(ctx context.Context) (bool, error) {
	out, err := s.run(ctx, "stack", "ls", "--json")
	if err != nil {
		return false, fmt.Errorf("list stacks: %w", err)
	}
	var stacks []struct{ Name string }
	if err := json.Unmarshal([]byte(out), &stacks); err != nil {
		return false, fmt.Errorf("list stacks: read the CLI's answer: %w", err)
	}
	for _, st := range stacks {
		// A backend with several projects answers organization/project/stack.
		if st.Name[strings.LastIndex(st.Name, "/")+1:] == s.Name {
			return true, nil
		}
	}
	return false, nil
}

// Up runs `pulumi up`. extra are more flags, such as --expect-no-changes.
func (s Stack) Up(ctx context.Context, extra ...string) error {
	return s.operate(ctx, "up", append([]string{"--yes", "--skip-preview"}, extra...))
}

// Preview runs `pulumi preview`.
func (s Stack) Preview(ctx context.Context, extra ...string) error {
	return s.operate(ctx, "preview", extra)
}

// Refresh runs `pulumi refresh`.
func (s Stack) Refresh(ctx context.Context, extra ...string) error {
	return s.operate(ctx, "refresh", append([]string{"--yes", "--skip-preview"}, extra...))
}

// Destroy runs `pulumi destroy`.
func (s Stack) Destroy(ctx context.Context, extra ...string) error {
	return s.operate(ctx, "destroy", append([]string{"--yes", "--skip-preview"}, extra...))
}

// Remove forgets the stack, whose resources must be gone. Its config file stays.
func (s Stack) Remove(ctx context.Context) error {
	if _, err := s.run(ctx, "stack", "rm", s.Name, "--yes", "--preserve-config"); err != nil {
		return fmt.Errorf("remove stack %s: %w", s.Name, err)
	}
	return nil
}

func (s Stack) operate(ctx context.Context, verb string, flags []string) error {
	args := append([]string{verb, "--stack", s.Name, "--non-interactive", "--color", "never", "--suppress-permalink"}, flags...)
	if s.ConfigFile != "" {
		args = append(args, "--config-file", s.ConfigFile)
	}
	_, err := s.run(ctx, args...)
	if err == nil {
		return nil
	}
	var failed *command.Error
	if errors.As(err, &failed) && s.Log != nil {
		// The reader has seen what the CLI printed.
		err = failed.Err
	}
	return fmt.Errorf("pulumi %s of stack %s: %w", verb, s.Name, err)
}

func (s Stack) run(ctx context.Context, args ...string) (string, error) {
	return command.Cmd{Dir: s.Root, Env: append(os.Environ(), s.Env...), Log: s.Log, Grace: s.Grace}.Run(ctx, cmp.Or(s.Pulumi, "pulumi"), args...)
}
