package main

import (
	"fmt"

	"github.com/spf13/cobra"
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
			_, _, tools, err := openTools(cmd)
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
