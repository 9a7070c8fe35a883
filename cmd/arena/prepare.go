package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/workspace"
)

func newPrepare() *cobra.Command {
	var compiler bool
	cmd := &cobra.Command{
		Use:   "prepare",
		Short: "Install or build everything that cities on this machine are made from, and stop there",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, p, err := open(cmd)
			if err != nil {
				return err
			}
			if compiler {
				return workspace.InstallCompiler(cmd.Context(), p)
			}
			if _, err := workspace.Prepare(cmd.Context(), w, p); err != nil {
				return fmt.Errorf("prepare this machine: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&compiler, "compiler", false, "only the C compiler, without which some tests do not link")
	return cmd
}
