package refusal

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"k8s.io/client-go/dynamic"

	"github.com/edge-arena/edge-arena/internal/subprogram"
)

// fieldManager is who tries.
const fieldManager = "edge-arena-refusal"

// Main is the proof's process: it reads a [Spec] from stdin, tries the pods, writes the [Outcome] to stdout, and returns the exit code.
// Nothing is changed in the city.
func Main() int { return subprogram.Main(run) }

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
	config, err := subprogram.Connection(spec.Kubeconfig, fieldManager)
	if err != nil {
		return nil, err
	}
	w := &warnings{}
	config.WarningHandler = w
	// A round asks for two things of each rule, one after the other: no need to hold it back.
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, subprogram.ErrCredentials
	}
	return &prover{spec: spec, client: client, warnings: w, log: log, pause: pause}, nil
}
