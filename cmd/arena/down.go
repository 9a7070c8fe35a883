package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
	regions, err := removeState(w)
	if err != nil {
		return err
	}
	if len(regions) > 0 {
		p.Note("the state of %s stays in %s: those are taken down by arena fleet down", strings.Join(regions, ", "), w.Path("pulumi", "state"))
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

// removeState removes the checkout's own state, but for that of regions that are not on this machine: whoever keeps it here has nothing else
// that knows of their hosts. It returns their names.
func removeState(w *workspace.Workspace) (regions []string, err error) {
	stacks, err := filepath.Glob(w.Path("pulumi", "state", ".pulumi", "stacks", "*", "*.json"))
	if err != nil {
		return nil, fmt.Errorf("look for the state of regions: %w", err)
	}
	for _, file := range stacks {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); name != localStack {
			regions = append(regions, name)
		}
	}
	if len(regions) == 0 {
		if err := os.RemoveAll(w.Path()); err != nil {
			return nil, fmt.Errorf("remove the checkout's state: %w", err)
		}
		return nil, nil
	}
	keep := map[string]bool{w.Path("pulumi"): true, w.Path("pulumi", "state"): true, w.Path("fleet"): true}
	var errs []error
	for _, dir := range []string{w.Path(), w.Path("pulumi")} {
		entries, err := os.ReadDir(dir)
		errs = append(errs, err)
		for _, e := range entries {
			if path := filepath.Join(dir, e.Name()); !keep[path] {
				errs = append(errs, os.RemoveAll(path))
			}
		}
	}
	for _, name := range []string{localStack, localStack + ".*"} {
		local, err := filepath.Glob(w.Path("pulumi", "state", ".pulumi", "*", "*", name))
		errs = append(errs, err)
		for _, path := range local {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("remove the checkout's state: %w", err)
	}
	return regions, nil
}

// removeNodeImage takes the node image from the Docker daemon, if there is one: another run gets it from the cache.
func removeNodeImage(ctx context.Context, m docker.Machine) error {
	d, err := m.Find(ctx)
	if err != nil || d == nil {
		return err
	}
	return nodeimage.Remove(ctx, d)
}
