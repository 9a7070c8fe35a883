package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/plan"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/internal/toolchain"
	"github.com/edge-arena/edge-arena/internal/workspace"
	"github.com/edge-arena/edge-arena/modules/config"
)

func newPlan() *cobra.Command {
	var names []string
	var jsonFile string
	var noPreview bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what regions come to before anything runs: what fits, what it costs, what a change touches",
		Long: "Show of each region its cities, nodes and battle pods; how many fit when K3s and monitoring have their share; what they cost a\n" +
			"month beside containers of 2 cores and 2 GiB; and what an update would change of what is deployed. No node is touched.\n" +
			"A config that is wrong, or wants more than fits, is refused with the numbers and what would mend it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, p, err := open(cmd)
			if err != nil {
				return err
			}
			if len(names) == 0 {
				if names, err = planStacks(w.Root); err != nil {
					return err
				}
			}
			plans, err := readPlans(w.Root, names)
			if err != nil {
				return err
			}
			if !noPreview {
				if err := previewAll(cmd.Context(), w, p, plans); err != nil {
					return err
				}
			}
			return printPlans(cmd.OutOrStdout(), plans, jsonFile)
		},
	}
	cmd.Flags().StringSliceVarP(&names, "stack", "s", nil, "the region's stack; may be given several times (default all but local)")
	cmd.Flags().StringVar(&jsonFile, "json", "", "also write the plans to this file")
	cmd.Flags().BoolVar(&noPreview, "no-preview", false, "leave out what an update would change")
	return cmd
}

// regionPlan is the plan of one stack.
type regionPlan struct {
	plan.Region
	// Blast is what an update would change; nil where that was not asked for or cannot be told.
	Blast *plan.Blast `json:"blast,omitempty"`
	// Unknown is why it cannot be told.
	Unknown string `json:"unknown,omitempty"`

	stack  stack.Stack
	cities []string
	raw    []byte
	failed bool
}

// planStacks are the stacks that have a file, but for the local one.
func planStacks(root string) ([]string, error) {
	names, err := stack.Names(root)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == localStack })
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no stack but %s: describe a region in Pulumi.<region>.yaml there, or name a stack with -s", filepath.Join(root, "stacks"), localStack)
	}
	return names, nil
}

// readPlans plans the stacks. The error tells of every stack whose config is wrong.
func readPlans(root string, names []string) ([]*regionPlan, error) {
	var plans []*regionPlan
	var errs []error
	for _, name := range names {
		s := stack.Stack{Name: name, Root: root}
		raw, err := s.RegionJSON()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r, err := config.ParseWithoutFiles(raw)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.File(), err))
			continue
		}
		p := &regionPlan{Region: plan.Of(r), stack: s, raw: raw}
		for _, c := range r.Cities {
			p.cities = append(p.cities, c.Name)
		}
		plans = append(plans, p)
	}
	return plans, errors.Join(errs...)
}

// previewAll finds out what updates would change. Tools are made and the program is compiled only where they are needed.
func previewAll(ctx context.Context, w *workspace.Workspace, p *progress.Reporter, plans []*regionPlan) error {
	var ready []*regionPlan
	for _, r := range plans {
		if _, err := config.Parse(r.raw, w.Root); err != nil {
			r.Unknown = "not all files that the config names are on this machine:\n" + firstProblems(err.Error(), 4)
		} else {
			ready = append(ready, r)
		}
	}
	if len(ready) == 0 {
		return nil
	}
	tools, err := toolchain.Ensure(ctx, p, w.Cache, w.Root)
	if err != nil {
		return err
	}
	compiled := false
	for _, r := range ready {
		r.stack.Pulumi, r.stack.Env = tools.Pulumi(), tools.Env()
		exists, err := r.stack.Exists(ctx)
		switch {
		case err != nil:
			return err
		case !exists:
			r.Unknown = "the stack was never deployed from here, so all of it would be new"
			continue
		case !compiled:
			if err := tools.Compile(ctx, p); err != nil {
				return err
			}
			compiled = true
		}
		if err := p.Step(ctx, "preview stack "+r.stack.Name, r.preview); err != nil {
			if ctx.Err() != nil {
				return err
			}
			// One region's trouble, such as a passphrase that is not given, is no reason to leave the others out.
			r.Unknown, r.failed = err.Error(), true
		}
	}
	return nil
}

func (r *regionPlan) preview(ctx context.Context) error {
	digest, err := r.stack.PreviewJSON(ctx)
	if err != nil {
		return err
	}
	blast := plan.Fold(digest, r.cities)
	r.Blast, r.failed = &blast, len(blast.Errors) > 0
	return nil
}

func printPlans(out io.Writer, plans []*regionPlan, jsonFile string) error {
	var regions []plan.Region
	var failed []string
	for i, r := range plans {
		if i > 0 {
			if _, err := fmt.Fprintln(out); err != nil {
				return err
			}
		}
		regions = append(regions, r.Region)
		if r.failed {
			failed = append(failed, r.Name)
		}
		r.Table(out)
		if r.Blast != nil {
			r.Blast.Table(out, r.Name)
		} else if r.Unknown != "" {
			if _, err := fmt.Fprintln(out, "changes: not known:", r.Unknown); err != nil {
				return err
			}
		}
	}
	if len(regions) > 1 {
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
		plan.Fleet(out, regions)
	}
	if jsonFile != "" {
		content, err := json.MarshalIndent(plans, "", "  ")
		if err != nil {
			return fmt.Errorf("write plans: %w", err)
		}
		if err := os.WriteFile(jsonFile, append(content, '\n'), 0o644); err != nil {
			return fmt.Errorf("write plans: %w", err)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("the preview of %s failed", strings.Join(failed, ", "))
	}
	return nil
}

// firstProblems leaves out the headline of a list, shows the next few lines and counts the rest.
func firstProblems(text string, show int) string {
	lines := strings.Split(text, "\n")
	lines = lines[min(1, len(lines)):]
	if rest := len(lines) - show; rest > 0 {
		lines = append(lines[:show:show], fmt.Sprintf("  and %d more", rest))
	}
	return strings.Join(lines, "\n")
}
