package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/tests/rig"
)

func newRig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rig",
		Short: "Look at the local city's nodes, and stop, start, pause or cut off one",
	}
	cmd.AddCommand(newRigList(), newRigSSH(),
		rigAction("stop", "Shut a node down", (*rig.Rig).Stop),
		rigAction("start", "Start a node that was stopped or killed", (*rig.Rig).Start),
		rigAction("restart", "Reboot a node", (*rig.Rig).Restart),
		rigAction("kill", "Take a node's power away", (*rig.Rig).Kill),
		rigAction("pause", "Freeze all processes of a node", (*rig.Rig).Pause),
		rigAction("unpause", "Let a paused node go on", (*rig.Rig).Unpause),
		rigAction("cut", "Cut a node off the network", (*rig.Rig).CutOff),
		rigAction("join", "Give a node that was cut off its network back", (*rig.Rig).Reconnect),
	)
	return cmd
}

// openRig opens the local city's rig.
func openRig(cmd *cobra.Command) (*rig.Rig, error) {
	w, _, err := open(cmd)
	if err != nil {
		return nil, err
	}
	if !rig.Exists(w.Path("rig")) {
		return nil, fmt.Errorf("the local city has no nodes: bring it up first (arena up)")
	}
	return rig.Open(w.Path("rig"))
}

func newRigList() *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the nodes with address and state",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := openRig(cmd)
			if err != nil {
				return err
			}
			states, err := r.States(cmd.Context())
			if err != nil {
				return err
			}
			t := table.NewWriter()
			t.SetOutputMirror(cmd.OutOrStdout())
			t.AppendHeader(table.Row{"node", "address", "state"})
			for _, n := range r.Nodes() {
				t.AppendRow(table.Row{n.Name, n.Address, states[n.Name]})
			}
			t.Render()
			return nil
		},
	}
}

func newRigSSH() *cobra.Command {
	return &cobra.Command{
		Use:   "ssh node [command...]",
		Short: "Log in to a node, or run a command on it",
		Args:  cobra.MinimumNArgs(1),
		// Flags behind the node belong to the command that runs there.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := openRig(cmd)
			if err != nil {
				return err
			}
			if _, err := r.Node(args[0]); err != nil {
				return err
			}
			ssh := exec.CommandContext(cmd.Context(), "ssh", append([]string{"-F", r.SSHConfig()}, args...)...)
			ssh.Stdin, ssh.Stdout, ssh.Stderr = os.Stdin, cmd.OutOrStdout(), cmd.ErrOrStderr()
			if err := ssh.Run(); err != nil {
				return fmt.Errorf("ssh to %s: %w", args[0], err)
			}
			return nil
		},
	}
}

func rigAction(use, short string, act func(*rig.Rig, context.Context, string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use + " node",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := openRig(cmd)
			if err != nil {
				return err
			}
			return act(r, cmd.Context(), args[0])
		},
	}
}
