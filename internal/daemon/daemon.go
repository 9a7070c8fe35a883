// Package daemon is the main function of the small programs that run in a city's pods.
package daemon

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Main reads the command line and runs the program until it ends by itself, or SIGINT or SIGTERM ends its context. It ends the process: with 2 for bad
// flags, with 1 for a failure.
func Main[C any](parse func(args []string, stderr io.Writer) (C, error), run func(ctx context.Context, cfg C, stderr io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := exitCode(ctx, os.Args[1:], os.Stderr, parse, run)
	stop()
	os.Exit(code)
}

func exitCode[C any](ctx context.Context, args []string, stderr io.Writer, parse func([]string, io.Writer) (C, error), run func(context.Context, C, io.Writer) error) int {
	cfg, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 2
	}
	if err := run(ctx, cfg, stderr); err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}
