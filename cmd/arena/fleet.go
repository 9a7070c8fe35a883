package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/edge-arena/edge-arena/internal/fleet"
	"github.com/edge-arena/edge-arena/internal/fleet/report"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/internal/toolchain"
	"github.com/edge-arena/edge-arena/internal/workspace"
)

func newFleet() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "Roll all regions out, wave after wave; see how they are; take them down",
		Long: "Work on every region stack, stacks/Pulumi.<region>.yaml, but the local one; or on those that --region names.\n\n" +
			"Exit code 0: everything is as the files say, but for cities that are offline and may be skipped: those are owed, and settled by a\n" +
			"later run. Exit code 1: something failed; the same command goes on from where it stopped.",
	}
	var f fleetFlags
	cmd.PersistentFlags().StringSliceVarP(&f.regions, "region", "r", nil, "only these regions")
	cmd.PersistentFlags().IntVar(&f.parallel, "parallel", 0, "regions at once at the most (default: as many as memory allows)")
	cmd.PersistentFlags().StringVar(&f.json, "json", "", "also write what became of every region and city to this file")
	up := f.command("up", "Bring all regions to what their files say",
		"Canary regions come first, and in each region its waves in order: a wave begins when the gates of the one before have passed. When a\n"+
			"region fails, the others stop after the wave that they are at.", fleet.Up)
	down := f.command("down", "Take the cities of all regions down", "Uninstall every city. One that is protected needs consent.", fleet.Down)
	for _, c := range []*cobra.Command{up, down} {
		c.Flags().StringSliceVar(&f.removeCities, "yes-remove-city", nil, "consent to remove this protected city, as region/city; down takes region/* for all of a region")
	}
	cmd.AddCommand(up, down,
		f.command("preview", "Show what up would change", "Have the engine say what an update would change. No host is contacted.", fleet.Preview),
		f.report(),
		f.command("status", "Show how the regions are, and what is owed", "Read files, state and the last run. No host is contacted.", fleet.Status),
	)
	return cmd
}

type fleetFlags struct {
	regions, removeCities []string
	parallel              int
	json                  string
}

func (f *fleetFlags) command(use, short, long string, operate func(context.Context, fleet.Options) (fleet.Snapshot, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, _, tools, err := openTools(cmd)
			if err != nil {
				return err
			}
			o, err := f.options(w, tools)
			if err != nil {
				return err
			}
			stderr, isFile := cmd.ErrOrStderr().(*os.File)
			o.Observe = fleet.NewLive(cmd.ErrOrStderr(), isFile && term.IsTerminal(int(stderr.Fd()))).Observe
			snapshot, err := operate(cmd.Context(), o)
			if len(snapshot.Regions) > 0 {
				snapshot.Table(cmd.OutOrStdout())
			}
			return errors.Join(err, f.write(snapshot))
		},
	}
}

// report writes what status knows as a page.
func (f *fleetFlags) report() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "report", Short: "Write how the regions are as one HTML file",
		Long: "Write a page of its own: a map of the cities by result, all their numbers, latency distributions, plan and cost. No host is contacted.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, p, tools, err := openTools(cmd)
			if err != nil {
				return err
			}
			o, err := f.options(w, tools)
			if err != nil {
				return err
			}
			snapshot, err := fleet.Status(cmd.Context(), o)
			if err != nil {
				return err
			}
			var page bytes.Buffer
			if err := report.Write(&page, snapshot, report.Options{GeneratedBy: "arena fleet report"}); err != nil {
				return fmt.Errorf("write the report: %w", err)
			}
			if err := os.WriteFile(file, page.Bytes(), 0o600); err != nil {
				return fmt.Errorf("write the report: %w", err)
			}
			p.Note("%d regions are in %s", len(snapshot.Regions), file)
			return f.write(snapshot)
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "fleet.html", "the file to write")
	return cmd
}

func (f *fleetFlags) options(w *workspace.Workspace, tools *toolchain.Toolchain) (fleet.Options, error) {
	stacks, err := regionStacks(w, tools, f.regions)
	return fleet.Options{Stacks: stacks, Parallel: f.parallel, Dir: w.Path("fleet"), RemoveCities: f.removeCities}, err
}

// regionStacks are the stacks of all regions but the local one, or those that are named.
func regionStacks(w *workspace.Workspace, tools *toolchain.Toolchain, names []string) ([]stack.Stack, error) {
	all, err := stack.Names(w.Root)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		names = slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == localStack })
	}
	var stacks []stack.Stack
	var errs []error
	for _, name := range names {
		if !slices.Contains(all, name) {
			errs = append(errs, fmt.Errorf("there is no region %q: stacks/ has %s", name, strings.Join(all, ", ")))
			continue
		}
		stacks = append(stacks, stackOf(w, tools, name))
	}
	return stacks, errors.Join(errs...)
}

func (f *fleetFlags) write(s fleet.Snapshot) error {
	if f.json == "" {
		return nil
	}
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write what became of the fleet: %w", err)
	}
	if err := os.WriteFile(f.json, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("write what became of the fleet: %w", err)
	}
	return nil
}
