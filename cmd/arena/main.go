// Arena is the operator's command around Pulumi: it brings the local city up and down, plays bots against a city and says what is
// installed.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/internal/toolchain"
	"github.com/edge-arena/edge-arena/internal/workspace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the process's exit code. Results go to stdout, progress and errors to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot() //nolint:contextcheck // Commands get their context when they run.
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintf(stderr, "error: %v\n", err)
		return exitCode(err)
	}
	return 0
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "arena",
		Short: "Edge cities for real-time Wasm battles, by Pulumi",
		// Errors are printed once, by run; a failed deployment is no reason to print how flags are written.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(newUp(), newDown(), newEnv(), newPlan(), newDrift(), newSLO(), newOpen(), newDashboards(), newToken(), newChaos(), newBench(), newBenchFleet(), newRig(), newFleet(), newDoctor(), newPrepare(), newCleanCache())
	return root
}

// open finds the checkout from the working directory and begins the report of progress.
func open(cmd *cobra.Command) (*workspace.Workspace, *progress.Reporter, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, nil, fmt.Errorf("find the working directory: %w", err)
	}
	w, err := workspace.Open(dir)
	return w, progress.New(cmd.ErrOrStderr()), err
}

// openTools also finds or makes the checkout's Pulumi.
func openTools(cmd *cobra.Command) (*workspace.Workspace, *progress.Reporter, *toolchain.Toolchain, error) {
	w, p, err := open(cmd)
	if err != nil {
		return nil, nil, nil, err
	}
	tools, err := toolchain.Ensure(cmd.Context(), p, w.Cache, w.Root)
	return w, p, tools, err
}

// stackOf is a stack of the checkout.
func stackOf(w *workspace.Workspace, tools *toolchain.Toolchain, name string) stack.Stack {
	return stack.Stack{Name: name, Root: w.Root, Pulumi: tools.Pulumi(), Env: tools.Env()}
}
