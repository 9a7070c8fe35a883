package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/bench/netcode"
	"github.com/edge-arena/edge-arena/internal/nodehost"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

func newBenchNetcode() *cobra.Command {
	var cfg netcode.Config
	var jsonFile, markdownFile string
	cmd := &cobra.Command{
		Use:   "netcode",
		Short: "Measure what the battle server sends and computes; no city is needed",
		Long: "Measure the sizes of snapshots, what a lossy network costs, what a room costs in a tick, natively and in Wasm, and how many battles\n" +
			"one core bears, natively, in WasmEdge and in wazero. The servers run in the root of a node (a container), so WasmEdge need not be\n" +
			"installed. Leave the machine alone while it runs, and take the local city down before: it has a core to itself.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			w, p, err := open(cmd)
			if err != nil {
				return err
			}
			host, err := nodehost.Open(cmd.Context(), docker.Machine{}, w.Cache, p)
			if err != nil {
				return fmt.Errorf("bench netcode: %w", err)
			}
			cfg.Host, cfg.Cache, cfg.Progress = netcode.OnNode(host), w.Cache, p
			cfg.Root, cfg.Log, cfg.Command = w.Root, cmd.ErrOrStderr(), "arena bench netcode"
			report, err := netcode.Run(cmd.Context(), cfg)
			if err != nil {
				return fmt.Errorf("bench netcode: %w", err)
			}
			report.Table(cmd.OutOrStdout())
			if markdownFile != "" {
				err = report.WriteMarkdown(markdownFile)
			}
			if jsonFile == "" {
				jsonFile = w.Path("bench-netcode.json")
			}
			// This part needs no city, so there may be nothing of one yet.
			if dirErr := os.MkdirAll(filepath.Dir(jsonFile), 0o700); dirErr != nil {
				return errors.Join(err, fmt.Errorf("write report: %w", dirErr))
			}
			f, createErr := os.Create(jsonFile)
			if createErr != nil {
				return errors.Join(err, fmt.Errorf("write report: %w", createErr))
			}
			return errors.Join(err, report.WriteJSON(f), f.Close())
		},
	}
	cmd.Flags().BoolVar(&cfg.Quick, "quick", false, "fewer and shorter rounds, to try it out")
	cmd.Flags().StringVar(&jsonFile, "json", "", "write the report to this file (default .arena/bench-netcode.json)")
	cmd.Flags().StringVar(&markdownFile, "markdown", "", "also write it as Markdown: to a new file, or between the marks of one that has them")
	return cmd
}
