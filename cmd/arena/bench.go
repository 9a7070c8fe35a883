package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/battle-wasm/image"
	"github.com/edge-arena/edge-arena/internal/bench"
	"github.com/edge-arena/edge-arena/internal/nodehost"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/tinygo"
	"github.com/edge-arena/edge-arena/internal/toolchain"
	"github.com/edge-arena/edge-arena/internal/workspace"
	"github.com/edge-arena/edge-arena/lobby/token"
	"github.com/edge-arena/edge-arena/tests/rig"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

func newBench() *cobra.Command {
	var quick bool
	var jsonFile, markdownFile string
	cmd := &cobra.Command{
		Use:   "bench [" + strings.Join(bench.Parts(), "|") + "]...",
		Short: "Measure what docs/benchmarks.md holds, on the running local city",
		Long: "Measure the running local city: the Wasm server beside the same server as a native container and the same module under wazero,\n" +
			"the starts of both, how many pods a node holds, the images, the memory of the idle city, joins and results at its lobby, and pulumi up without changes; all of them, or those that are named. Players are sent away\n" +
			"meanwhile: the battle pods are taken down and put back. Leave the machine alone while it runs.",
		ValidArgs: bench.Parts(),
		Args:      cobra.OnlyValidArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			w, p, err := open(cmd)
			if err != nil {
				return err
			}
			cfg, err := benchConfig(cmd.Context(), w, p)
			if err != nil {
				return err
			}
			cfg.Parts, cfg.Quick = args, quick
			cfg.Command = strings.Join(append([]string{"arena", "bench"}, args...), " ")
			report, err := bench.Run(cmd.Context(), cfg, p)
			if err != nil {
				err = fmt.Errorf("bench: %w", err)
			}
			if report == nil {
				return err
			}
			if jsonFile == "" {
				jsonFile = w.Path("bench.json")
			}
			// What was measured before a failure took minutes, and is kept; but no document is made of it.
			report.Table(cmd.OutOrStdout())
			if markdownFile != "" && err == nil {
				err = report.WriteMarkdown(markdownFile)
			}
			return errors.Join(err, writeBench(jsonFile, report))
		},
	}
	cmd.AddCommand(newBenchNetcode())
	cmd.Flags().BoolVar(&quick, "quick", false, "fewer and shorter rounds, to try it out")
	cmd.Flags().StringVar(&jsonFile, "json", "", "write the report to this file (default .arena/bench.json)")
	cmd.Flags().StringVar(&markdownFile, "markdown", "", "also write it as Markdown: to a new file, or between the marks of one that has them")
	return cmd
}

func benchConfig(ctx context.Context, w *workspace.Workspace, p *progress.Reporter) (cfg bench.Config, err error) {
	if !rig.Exists(w.Path("rig")) {
		return cfg, errors.New("the local city has no nodes: bring it up first (arena up)")
	}
	r, err := rig.Open(w.Path("rig"))
	if err != nil {
		return cfg, err
	}
	tools, err := toolchain.Ensure(ctx, p, w.Cache, w.Root)
	if err != nil {
		return cfg, err
	}
	cfg = bench.Config{
		Token: func(player string) (string, error) {
			return w.PlayerToken(token.Player{Subject: player, Role: "player"}, time.Hour)
		},
		Scratch: w.Path(),
		Root:    w.Root, SSHConfig: r.SSHConfig(), K3sOrigin: "official release",
		Stack: stackOf(w, tools, localStack),
	}
	if mirror := r.Mirror(); mirror != nil && mirror.Origin == rig.OriginStandIn {
		cfg.K3sOrigin = "stand-in built from upstream Kubernetes"
	}
	if cfg.Wasm, err = image.Build(ctx, p, w.Cache, image.Options{Source: w.Root, Toolchain: built{}}); err != nil {
		return cfg, err
	}
	if cfg.Native, err = image.BuildNative(ctx, p, w.Cache, image.Options{Source: w.Root}); err != nil {
		return cfg, err
	}
	host, err := nodehost.Open(ctx, docker.Machine{}, w.Cache, p)
	if err != nil {
		return cfg, err
	}
	cfg.Hosted, err = image.BuildHosted(ctx, p, w.Cache, image.Options{Source: w.Root, Toolchain: host})
	return cfg, err
}

// built is the toolchain of what has been built: what the city runs. If it had not been, it would not be what this checkout's sources make.
type built struct{}

var errChanged = errors.New("the battle server has changed since the city was brought up: bring it up to date first (arena up)")

func (built) Module(context.Context, tinygo.Program, string) error { return errChanged }

func (built) Native(context.Context, string, string) error { return errChanged }

func writeBench(path string, report *bench.Report) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return report.WriteJSON(f)
}
