package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/internal/slo/push"
	"github.com/edge-arena/edge-arena/internal/slo/starts"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/internal/subprogram"
	"github.com/edge-arena/edge-arena/internal/workspace"
)

func newSLO() *cobra.Command {
	var name, jsonFile string
	var coldStarts int
	cmd := &cobra.Command{
		Use:   "slo",
		Short: "Play bots against the cities of a stack and judge them by their objectives",
		Long: "Play bots against every battle pod of a stack's cities. Each sends inputs at the tick rate on a schedule that is fixed beforehand\n" +
			"and measures the time to the snapshot that acknowledges them. Ends with an error where an objective is missed.\n\n" +
			"With --cold-starts, each node that has battle pods starts their server that often over SSH too, at a port of its own and without NATS, so\n" +
			"that no player gets there, and the time from the start of the OCI runtime to the first answer is judged. Each start takes a core of the\n" +
			"node for as long as that: leave it out where players would feel it.\n\n" +
			"What was measured is on the dashboards of a city that is monitored.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, p, tools, err := openTools(cmd)
			if err != nil {
				return err
			}
			s := stackOf(w, tools, name)
			return measureTo(cmd.Context(), s, p, cmd.OutOrStdout(), jsonFile, coldStarts)
		},
	}
	cmd.Flags().StringVarP(&name, "stack", "s", localStack, "the stack")
	cmd.Flags().IntVar(&coldStarts, "cold-starts", 0, "also start the battle server this often on each node with battle pods; below 100 P99 is the slowest")
	cmd.Flags().StringVar(&jsonFile, "json", "", "also write the reports to this file, by city")
	return cmd
}

// measure measures a stack and keeps the reports in the checkout's state.
func measure(ctx context.Context, w *workspace.Workspace, s stack.Stack, p *progress.Reporter, stdout io.Writer) error {
	return measureTo(ctx, s, p, stdout, w.Path("slo-"+s.Name+".json"), 0)
}

func measureTo(ctx context.Context, s stack.Stack, p *progress.Reporter, stdout io.Writer, jsonFile string, coldStarts int) error {
	cities, kubeconfigs, err := s.CitiesAndKubeconfigs(ctx)
	if err != nil {
		return err
	}
	if len(cities) == 0 {
		return fmt.Errorf("stack %s has no city that was brought up to its end: run `pulumi up -s %s` first; where its gate refused a city, that says what was measured", s.Name, s.Name)
	}
	reports := map[string]slo.Report{}
	var missed []string
	for _, name := range slices.Sorted(maps.Keys(cities)) {
		report, err := play(ctx, name, cities[name], kubeconfigs[name], p)
		if err != nil {
			return fmt.Errorf("measure city %s: %w", name, err)
		}
		if coldStarts > 0 {
			if report, err = start(ctx, s, name, cities[name], coldStarts, report, p); err != nil {
				return fmt.Errorf("measure city %s: %w", name, err)
			}
		}
		reports[name] = report
		tell(ctx, name, cities[name], kubeconfigs[name], report)
		if _, err := fmt.Fprintln(stdout); err != nil {
			return err
		}
		cityTable(stdout, name, cities[name], report)
		report.Table(stdout)
		if !report.Pass {
			missed = append(missed, name)
		}
	}
	if jsonFile != "" {
		if err := writeReports(jsonFile, reports); err != nil {
			return err
		}
	}
	if len(missed) > 0 {
		return fmt.Errorf("objectives missed in %s", strings.Join(missed, ", "))
	}
	return nil
}

func play(ctx context.Context, name string, city stack.City, kubeconfig string, p *progress.Reporter) (report slo.Report, err error) {
	targets, err := slo.Discover(ctx, []byte(kubeconfig), city.Battle.Namespace)
	if err != nil {
		return report, err
	}
	promise := city.SLO
	cfg := slo.Config{
		Objectives: slo.Objectives{
			RTTP50: milliseconds(promise.RTTP50Ms), RTTP99: milliseconds(promise.RTTP99Ms), RTTP999: milliseconds(promise.RTTP999Ms),
			TickRate: promise.TickRate,
		},
		Bots: promise.BotsPerPod, TickRate: city.Battle.TickRate, Duration: milliseconds(promise.DurationSec * 1000),
	}
	title := fmt.Sprintf("play %d bots on each of %d pods in %s for %s", cfg.Bots, len(targets), name, cfg.Duration)
	err = p.Step(ctx, title, func(ctx context.Context) (err error) {
		report, err = slo.Run(ctx, cfg, targets)
		return err
	})
	return report, err
}

// start starts the city's battle server on its nodes, and adds what that took to the report.
func start(ctx context.Context, s stack.Stack, name string, city stack.City, n int, report slo.Report, p *progress.Reporter) (slo.Report, error) {
	region, err := s.Region()
	if err != nil {
		return report, err
	}
	var targets []slo.Target
	for _, pod := range report.Pods {
		targets = append(targets, pod.Target)
	}
	nodes, err := starts.Hosts(region, name, targets)
	if err != nil {
		return report, err
	}
	var took []slo.NodeStarts
	err = p.Step(ctx, fmt.Sprintf("start a battle server %d times on each of %d nodes of %s", n, len(nodes), name), func(ctx context.Context) (err error) {
		took, err = starts.Measure(ctx, starts.Config{Root: s.Root, Image: city.Battle.Image, Starts: n}, nodes)
		return err
	})
	if err != nil {
		return report, err
	}
	return report.WithColdStarts(took), nil
}

// tell has the city's Prometheus keep what was measured, where it has one. That it cannot be told is no reason to have measured in vain.
func tell(ctx context.Context, name string, city stack.City, kubeconfig string, report slo.Report) {
	if !city.Monitoring.Enabled {
		return
	}
	connection, err := subprogram.Connection(kubeconfig, "edge-arena-slo")
	if err == nil {
		err = push.To(ctx, connection, push.Of(slo.NewOutcome("", "", 1, report)), time.Now())
	}
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "warning: what was measured in %s is on no dashboard: %v\n", name, err)
	}
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// cityTable says what the city is made of.
func cityTable(w io.Writer, name string, city stack.City, report slo.Report) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"city", "node", "address", "K3s", "WasmEdge", "battle pods ready"})
	for _, n := range city.Nodes {
		ready := 0
		for _, pod := range report.Pods {
			if pod.Node == n.Name {
				ready++
			}
		}
		t.AppendRow(table.Row{name, n.Name, n.Address, city.K3s, n.WasmEdge, fmt.Sprintf("%d of %d", ready, city.Battle.Replicas)})
	}
	t.Render()
}

func writeReports(path string, reports map[string]slo.Report) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write reports: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	e := json.NewEncoder(f)
	e.SetIndent("", "  ")
	if err := e.Encode(reports); err != nil {
		return fmt.Errorf("write reports: %w", err)
	}
	return nil
}
