package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/drift"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/stack"
)

// exitDrift is the exit code of a run that found drift and nothing worse.
const exitDrift = 2

// driftError is drift that was found and not mended.
type driftError struct{ nodes []string }

func (e *driftError) Error() string {
	return fmt.Sprintf("drift on %s: arena drift --mend mends it", strings.Join(e.nodes, ", "))
}

// exitCode is the exit code of a run that ended with err.
func exitCode(err error) int {
	if drifted := (*driftError)(nil); errors.As(err, &drifted) {
		return exitDrift
	}
	return 1
}

func newDrift() *cobra.Command {
	var names []string
	var jsonFile string
	var mend bool
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Read what is really on the nodes, and tell how it differs from what the config asks for",
		Long: "Read over SSH, of every node of a stack's cities: K3s, its service and flags, WasmEdge and its containerd handler, checksums, and\n" +
			"the kernel's settings that K3s sets. Nothing is changed. pulumi refresh cannot tell any of that: to Pulumi the installation of a\n" +
			"node is a command, which has nothing to read.\n\n" +
			"With --mend, pulumi up runs the installers of those nodes again, in place and one after the other, and the nodes are read once more.\n" +
			"Whatever else differs from the stack's file is brought to it too, as by any pulumi up. K3s restarts on a node that is mended; its\n" +
			"pods run on.\n\n" +
			"Exit code 0: nothing differs, or nothing does any more. Exit code 1: something went wrong, or a node could not be read. Exit code 2:\n" +
			"something differs.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := map[string][]drift.NodeReport{}
			var errs []error
			for _, name := range names {
				reports, err := driftOf(cmd, name, mend)
				if reports != nil {
					all[name] = reports
				}
				errs = append(errs, err)
			}
			if jsonFile != "" {
				errs = append(errs, writeDrift(jsonFile, all))
			}
			return worst(errs)
		},
	}
	cmd.Flags().StringSliceVarP(&names, "stack", "s", []string{localStack}, "the stack; may be given several times")
	cmd.Flags().StringVar(&jsonFile, "json", "", "also write the reports to this file, by stack")
	cmd.Flags().BoolVar(&mend, "mend", false, "have pulumi up mend what differs")
	return cmd
}

// driftOf reads a stack's nodes, mends them if asked to, and prints how they are in the end.
func driftOf(cmd *cobra.Command, name string, mend bool) ([]drift.NodeReport, error) {
	ctx := cmd.Context()
	w, p, err := open(cmd)
	if err != nil {
		return nil, err
	}
	s := stack.Stack{Name: name, Root: w.Root}
	reports, err := readDrift(ctx, s, p)
	if err != nil {
		return nil, err
	}
	if mend && len(drift.Drifted(reports)) > 0 {
		// What there was is gone afterwards.
		drift.Table(cmd.OutOrStdout(), reports)
		_, _, tools, err := openTools(cmd)
		if err != nil {
			return reports, err
		}
		if err := tools.Compile(ctx, p); err != nil {
			return reports, err
		}
		s.Pulumi, s.Env, s.Log = tools.Pulumi(), tools.Env(), &indent{w: cmd.ErrOrStderr()}
		if err := mendDrift(ctx, s, reports, p); err != nil {
			return reports, err
		}
		if reports, err = readDrift(ctx, s, p); err != nil {
			return nil, err
		}
	}
	drift.Table(cmd.OutOrStdout(), reports)
	if err := drift.Unread(reports); err != nil {
		return reports, err
	}
	var nodes []string
	for _, r := range drift.Drifted(reports) {
		nodes = append(nodes, r.City+"/"+r.Node)
	}
	if len(nodes) > 0 {
		return reports, &driftError{nodes}
	}
	return reports, nil
}

func readDrift(ctx context.Context, s stack.Stack, p *progress.Reporter) (reports []drift.NodeReport, err error) {
	region, err := s.Region()
	if err != nil {
		return nil, err
	}
	err = p.Step(ctx, "read the nodes of stack "+s.Name, func(ctx context.Context) error {
		reports = drift.Read(ctx, region, 0)
		return context.Cause(ctx)
	})
	return reports, err
}

// mendDrift has Pulumi run the installers of the drifted nodes again.
func mendDrift(ctx context.Context, s stack.Stack, reports []drift.NodeReport, p *progress.Reporter) error {
	if err := s.Ensure(ctx); err != nil {
		return err
	}
	state, err := s.State(ctx)
	if err != nil {
		return err
	}
	return p.Step(ctx, "pulumi up --stack "+s.Name, func(ctx context.Context) error {
		return s.Up(ctx, drift.Replacements(state, reports)...)
	})
}

// localDrift returns the flags of `pulumi up` that have it mend what differs on the nodes of a stack that has been brought up before. What
// cannot be read now is for the update itself to complain of.
func localDrift(ctx context.Context, s stack.Stack, p *progress.Reporter) ([]string, error) {
	state, err := s.State(ctx)
	if err != nil || len(state.Resources) == 0 {
		return nil, err
	}
	reports, err := readDrift(ctx, s, p)
	if err != nil {
		return nil, err
	}
	for _, r := range drift.Drifted(reports) {
		for _, d := range r.Differences {
			p.Note("%s: %s: %s instead of %s", r.Node, d.Item, d.Found, d.Wanted)
		}
	}
	return drift.Replacements(state, reports), nil
}

// worst leaves drift out where something went wrong as well.
func worst(errs []error) error {
	var wrong, drifted []error
	for _, err := range errs {
		if err != nil && exitCode(err) == exitDrift {
			drifted = append(drifted, err)
		} else {
			wrong = append(wrong, err)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	return errors.Join(drifted...)
}

func writeDrift(path string, all map[string][]drift.NodeReport) error {
	var content bytes.Buffer
	if err := drift.WriteJSON(&content, all); err != nil {
		return err
	}
	if err := os.WriteFile(path, content.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write drift: %w", err)
	}
	return nil
}
