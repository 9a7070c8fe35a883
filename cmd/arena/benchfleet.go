package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/bench/fleet"
	"github.com/edge-arena/edge-arena/internal/workspace"
)

func newBenchFleet() *cobra.Command {
	var cfg fleet.Config
	var jsonFile, markdownFile string
	cmd := &cobra.Command{
		Use:   "bench-fleet [" + strings.Join(fleet.Parts(), "|") + "]...",
		Short: "Measure the whole fleet on this machine, region after region, and what the orchestration costs",
		Long: "Roll out the regions of stacks/, one after the other, onto nodes that are containers of this machine, and take each away before the\n" +
			"next; and compare a roll-out with the same commands by plain ssh. It takes about an hour, and nearly all of a machine with 2 cores and\n" +
			"24 GiB: leave it alone meanwhile. What is measured is kept, so that a run that was cut off goes on where it stopped.",
		ValidArgs: fleet.Parts(),
		Args:      cobra.OnlyValidArgs,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			w, p, err := open(cmd)
			if err != nil {
				return err
			}
			cfg.Workspace, cfg.Parts, cfg.Log = w, args, cmd.ErrOrStderr()
			cfg.Command = strings.Join(append([]string{"arena", "bench-fleet"}, args...), " ")
			if cfg.Machine, err = workspace.Prepare(cmd.Context(), w, p); err != nil {
				return err
			}
			if len(cfg.Regions) == 0 {
				if cfg.Regions, err = fleet.RegionNames(w.Root); err != nil {
					return err
				}
			}
			report, err := fleet.Run(cmd.Context(), cfg, p)
			if report == nil {
				return fmt.Errorf("bench-fleet: %w", err)
			}
			report.Table(cmd.OutOrStdout())
			if jsonFile == "" {
				jsonFile = w.Path("bench-fleet", "report.json")
			}
			err = errors.Join(err, writeFleetBench(jsonFile, report))
			if markdownFile != "" {
				err = errors.Join(err, report.WriteMarkdown(markdownFile))
			}
			return err
		},
	}
	cmd.Flags().StringSliceVar(&cfg.Regions, "regions", nil, "roll out these regions (default: all of stacks/ but the local one)")
	cmd.Flags().IntSliceVar(&cfg.Sizes, "sizes", []int{1, 4, 16}, "measure the overhead with so many cities")
	cmd.Flags().BoolVar(&cfg.Fresh, "fresh", false, "measure also what was measured before")
	cmd.Flags().StringVar(&jsonFile, "json", "", "write the report to this file (default .arena/bench-fleet/report.json)")
	cmd.Flags().StringVar(&markdownFile, "markdown", "", "also write it as Markdown: to a new file, or between the marks of one that has them")
	return cmd
}

func writeFleetBench(path string, report *fleet.Report) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return report.WriteJSON(f)
}
