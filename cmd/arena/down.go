package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/workspace"
	"github.com/edge-arena/edge-arena/tests/rig"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
	"github.com/edge-arena/edge-arena/tests/rig/nodeimage"
)

func newDown() *cobra.Command {
	var purge bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Take the local city and all that came with it down",
		Long: "Remove the local city's nodes, network, keys and Pulumi state, and stop the Docker daemon if arena started it.\n" +
			"The nodes go as a whole, so nothing is uninstalled from them first (pulumi destroy -s local does that).\n" +
			"Debian packages that arena installed stay for the next time, and are named; --purge removes them too.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, p, err := open(cmd)
			if err != nil {
				return err
			}
			return down(cmd.Context(), w, p, purge)
		},
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "also remove the Debian packages that arena installed")
	return cmd
}

func down(ctx context.Context, w *workspace.Workspace, p *progress.Reporter, purge bool) error {
	var m docker.Machine
	if rig.Exists(w.Path("rig")) {
		err := p.Step(ctx, "remove the local city's nodes", func(ctx context.Context) error {
			r, err := rig.Open(w.Path("rig"))
			if err != nil {
				return err
			}
			return r.Remove(ctx)
		})
		if err != nil {
			return err
		}
	}
	if err := os.RemoveAll(w.Path()); err != nil {
		return fmt.Errorf("remove the checkout's state: %w", err)
	}
	if err := removeNodeImage(ctx, m); err != nil {
		return err
	}
	if err := m.Stop(ctx, p); err != nil {
		return err
	}
	state, err := m.State()
	if err != nil {
		return err
	}
	switch {
	case len(state.Packages) == 0:
	case purge:
		if err := p.Step(ctx, "remove the packages that arena installed", m.Purge); err != nil {
			return err
		}
	default:
		p.Note("%d Debian packages that arena installed stay; arena down --purge removes them", len(state.Packages))
	}
	return nil
}

// removeNodeImage takes the node image from the Docker daemon, if there is one: another run gets it from the cache.
func removeNodeImage(ctx context.Context, m docker.Machine) error {
	d, err := m.Find(ctx)
	if err != nil || d == nil {
		return err
	}
	return nodeimage.Remove(ctx, d)
}
