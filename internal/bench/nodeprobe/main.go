// Nodeprobe is the part of `arena bench` and `arena slo --cold-starts` that runs on a node. It is copied there for the run and removed afterwards.
//
//	nodeprobe processes [-memory]   prints all processes of the node, less its own SSH session
//	nodeprobe coldstart             does the job that it reads from stdin
//	nodeprobe live                  starts the node's battle server once more, again and again, as the job on stdin says
//
// All answer with JSON on stdout.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/edge-arena/edge-arena/internal/bench/coldstart"
	"github.com/edge-arena/edge-arena/internal/bench/proc"
)

func main() {
	// A caller that is interrupted leaves it to end by itself, and to clean up: its SSH session sends no signal.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 0 {
		return errors.New("usage: nodeprobe processes [-memory] | coldstart | live")
	}
	switch args[0] {
	case "processes":
		f := flag.NewFlagSet("processes", flag.ContinueOnError)
		memory := f.Bool("memory", false, "also read each process's memory")
		if err := f.Parse(args[1:]); err != nil {
			return err
		}
		s, err := proc.Read("/proc", *memory)
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(s.Without(os.Getpid()))
	case "coldstart":
		var job coldstart.Job
		if err := json.NewDecoder(stdin).Decode(&job); err != nil {
			return fmt.Errorf("read job: %w", err)
		}
		result, err := coldstart.Run(ctx, job)
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(result)
	case "live":
		var job coldstart.LiveJob
		if err := json.NewDecoder(stdin).Decode(&job); err != nil {
			return fmt.Errorf("read job: %w", err)
		}
		result, err := coldstart.Live(ctx, job)
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(result)
	}
	return fmt.Errorf("unknown command %q", args[0])
}
