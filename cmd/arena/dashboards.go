package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/dashboard"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/internal/subprogram"
	"github.com/edge-arena/edge-arena/modules/monitoring"
	data "github.com/edge-arena/edge-arena/monitoring"
)

func newDashboards() *cobra.Command {
	var name, city, dir string
	var span time.Duration
	cmd := &cobra.Command{
		Use:   "dashboards",
		Short: "Draw the dashboards of a stack as pages of their own, without Grafana",
		Long: "Ask all queries of the dashboards of the region's hub, and write a page for each into a folder: what Grafana shows, where there is none.\n" +
			"With --city they are about that city alone.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, p, tools, err := openTools(cmd)
			if err != nil {
				return err
			}
			if dir == "" {
				dir = w.Path("dashboards")
			}
			s := stackOf(w, tools, name)
			return drawDashboards(cmd.Context(), s, p, city, dir, span)
		},
	}
	cmd.Flags().StringVarP(&name, "stack", "s", localStack, "the stack")
	cmd.Flags().StringVarP(&city, "city", "c", "", "the city; default is all of them")
	cmd.Flags().StringVarP(&dir, "output", "o", "", "the folder; default is .arena/dashboards")
	cmd.Flags().DurationVar(&span, "last", 30*time.Minute, "how much of the past is shown")
	return cmd
}

func drawDashboards(ctx context.Context, s stack.Stack, p *progress.Reporter, city, dir string, last time.Duration) error {
	cities, kubeconfigs, err := s.CitiesAndKubeconfigs(ctx)
	if err != nil {
		return err
	}
	if _, ok := cities[city]; city != "" && !ok {
		return fmt.Errorf("draw dashboards: there is no city %s: there are %s", city, strings.Join(slices.Sorted(maps.Keys(cities)), ", "))
	}
	hub := ""
	for name := range cities {
		if m := cities[name].Monitoring; m.LongTerm && m.Loki {
			hub = name
		}
	}
	if hub == "" {
		return errors.New("draw dashboards: no city of the stack is a hub with a Prometheus and a Loki of its own")
	}
	connection, err := subprogram.Connection(kubeconfigs[hub], "edge-arena-dashboards")
	if err != nil {
		return err
	}
	sources, err := monitoring.Sources(connection)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("draw dashboards: %w", err)
	}
	now := time.Now()
	shown := dashboard.Span{From: now.Add(-last), To: now, Step: max(last/120, 15*time.Second)}
	boards := data.Dashboards()
	for _, name := range slices.Sorted(maps.Keys(boards)) {
		file := filepath.Join(dir, strings.TrimSuffix(name, ".json")+".html")
		if err := p.Step(ctx, "draw "+file, func(ctx context.Context) error {
			return drawDashboard(ctx, boards[name], sources, monitoring.Variables(city), shown, file)
		}); err != nil {
			return err
		}
	}
	return nil
}

func drawDashboard(ctx context.Context, text string, sources dashboard.Sources, variables map[string]string, span dashboard.Span, file string) (err error) {
	board, err := dashboard.Parse(text)
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return dashboard.Draw(ctx, f, board, sources, variables, span)
}
