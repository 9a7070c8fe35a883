package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/toolchain"
)

func newEnv() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print the environment for typing pulumi by hand",
		Long: "Print shell commands that set the environment in which pulumi works on this checkout:\n\n" +
			"  eval \"$(arena env)\"\n  pulumi preview -s local\n\n" +
			"What is missing is installed or built first. Nothing of your own Pulumi home is touched.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, p, err := open(cmd)
			if err != nil {
				return err
			}
			tools, err := toolchain.Ensure(cmd.Context(), p, w.Cache, w.Root)
			if err != nil {
				return err
			}
			for _, line := range tools.Exports() {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), line); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
