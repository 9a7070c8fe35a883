package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/workspace"
	"github.com/edge-arena/edge-arena/tests/rig"
)

// localStack is the stack of the local city; its file names the node that the rig makes.
const (
	localStack = "local"
	localNode  = "local-1"
)

func newUp() *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Bring the local city up, and measure it",
		Long: "Install or build what is missing, start the local city's node, run pulumi up on stack local, play bots against the\n" +
			"result and judge it by its objectives. Run again, it finds and reuses what is there, and mends what was changed on the node.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, p, err := open(cmd)
			if err != nil {
				return err
			}
			return up(cmd.Context(), w, p, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

func up(ctx context.Context, w *workspace.Workspace, p *progress.Reporter, stdout, stderr io.Writer) error {
	parts, err := workspace.Prepare(ctx, w, p)
	if err != nil {
		return fmt.Errorf("prepare this machine: %w", err)
	}
	err = p.Step(ctx, "start the local city's node", func(ctx context.Context) error {
		_, err := rig.Start(ctx, rig.Spec{
			Name: localStack, Nodes: []string{localNode}, Dir: w.Path("rig"), Release: parts.Release, Machine: parts.Machine, Cache: w.Cache,
		}, p)
		return err
	})
	if err != nil {
		return err
	}
	local := stackOf(w, parts.Toolchain, localStack)
	if err := local.Ensure(ctx); err != nil {
		return err
	}
	mend, err := localDrift(ctx, local, p)
	if err != nil {
		return err
	}
	local.Log = &indent{w: stderr}
	if err := p.Step(ctx, "pulumi up --stack local", func(ctx context.Context) error { return local.Up(ctx, mend...) }); err != nil {
		return errors.Join(err, errors.New("mend what it names and run arena up again: it goes on from here"))
	}
	local.Log = nil
	return measure(ctx, w, local, p, stdout)
}

// indent sets a program's output off from the report of progress.
type indent struct {
	w    io.Writer
	rest string
}

func (i *indent) Write(b []byte) (int, error) {
	lines := strings.Split(i.rest+string(b), "\n")
	i.rest = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		if _, err := fmt.Fprintf(i.w, "         | %s\n", line); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}
