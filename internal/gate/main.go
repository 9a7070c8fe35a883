package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/internal/slo/push"
	"github.com/edge-arena/edge-arena/internal/subprogram"
)

// OutcomesEnv names the environment variable with the folder where a gate that has played leaves its outcome, pass or miss, as
// `<region>.<city>.json`. Unset, none is left.
const OutcomesEnv = "EDGE_ARENA_OUTCOMES"

// Main is the gate's process: it reads a [Spec] from stdin, plays, writes the outcome to stdout, and returns the exit code. SIGINT and
// SIGTERM end it, and nothing more is changed in the city then.
func Main() int { return subprogram.Main(run) }

// run writes the outcome to stdout, as JSON on one line, only when the city holds its objectives.
func run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	spec, err := ReadSpec(stdin)
	if err != nil {
		return err
	}
	if err := hold(ctx, spec, stdout, stderr); err != nil {
		return fmt.Errorf("gate of %s: %w", spec.City, err)
	}
	return nil
}

func hold(ctx context.Context, spec Spec, stdout, stderr io.Writer) error {
	client, err := connect(spec.Kubeconfig)
	if err != nil {
		return err
	}
	lock, err := lockFile()
	if err != nil {
		return err
	}
	g := &gate{spec: spec, city: newCity(client, spec), lock: lock, log: stderr, play: slo.Run}
	outcome, err := g.pass(ctx)
	if outcome != nil {
		tell(ctx, spec, outcome, stderr)
		err = errors.Join(err, leave(os.Getenv(OutcomesEnv), spec.City, outcome))
	}
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(outcome); err != nil {
		return fmt.Errorf("write outcome: %w", err)
	}
	return nil
}

// tell has the city's Prometheus keep what was measured. That it cannot be told is no reason to have measured in vain.
func tell(ctx context.Context, spec Spec, o *slo.Outcome, log io.Writer) {
	if !spec.Monitored {
		return
	}
	connection, err := subprogram.Connection(spec.Kubeconfig, fieldManager)
	if err == nil {
		err = push.To(ctx, connection, push.Of(*o), time.Now())
	}
	if err != nil {
		_, _ = fmt.Fprintf(log, "warning: what was measured is on no dashboard: %v\n", err)
	}
}

func connect(kubeconfig string) (kubernetes.Interface, error) {
	config, err := subprogram.Connection(kubeconfig, fieldManager)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, subprogram.ErrCredentials
	}
	return client, nil
}

// leave puts the outcome into the folder, whole or not at all. No folder is none wanted.
func leave(folder, city string, o *slo.Outcome) error {
	if folder == "" {
		return nil
	}
	content, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("leave outcome: %w", err)
	}
	f, err := os.CreateTemp(folder, ".outcome-*")
	if err != nil {
		return fmt.Errorf("leave outcome: %w", err)
	}
	_, err = f.Write(append(content, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(folder, strings.ReplaceAll(city, "/", ".")+".json"))
	}
	if err != nil {
		return fmt.Errorf("leave outcome: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
