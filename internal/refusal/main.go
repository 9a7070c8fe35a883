package refusal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

// fieldManager is who tries.
const fieldManager = "edge-arena-refusal"

// requestTimeout is how long one answer of the city's API server may take.
const requestTimeout = 30 * time.Second

// Main is the proof's process: it reads a [Spec] from stdin, tries the pods, writes the [Outcome] to stdout, and returns the exit code.
// Nothing is changed in the city.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdin, os.Stdout, os.Stderr); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "error: %v\n", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	spec, err := ReadSpec(stdin)
	if err != nil {
		return err
	}
	p, err := newProver(spec, stderr)
	if err != nil {
		return fmt.Errorf("policies of %s: %w", spec.City, err)
	}
	outcome, err := p.prove(ctx)
	if err != nil {
		return fmt.Errorf("policies of %s: %w", spec.City, err)
	}
	if err := json.NewEncoder(stdout).Encode(outcome); err != nil {
		return fmt.Errorf("write outcome: %w", err)
	}
	return nil
}

func newProver(spec Spec, log io.Writer) (*prover, error) {
	// The causes may quote the kubeconfig, and that is a secret.
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(spec.Kubeconfig))
	if err != nil {
		return nil, errors.New("kubeconfig: it cannot be read, or names no cluster")
	}
	w := &warnings{}
	config.Timeout, config.UserAgent, config.WarningHandler = requestTimeout, fieldManager, w
	// A round asks for two things of each rule, one after the other: no need to hold it back.
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, errors.New("kubeconfig: its certificates or keys cannot be read")
	}
	return &prover{spec: spec, client: client, warnings: w, log: log, pause: pause}, nil
}
