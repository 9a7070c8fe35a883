package rig

import (
	"context"
	"fmt"
	"time"

	"github.com/edge-arena/edge-arena/internal/command"
)

// waitReady waits until a login over SSH with the pinned host key works. systemd starts sshd about a second after the container;
// whoever connects sooner is refused. When the wait ends in vain, the error shows what the node printed last.
func (r *Rig) waitReady(ctx context.Context, n Node) error {
	began := time.Now()
	deadline := began.Add(r.spec.ReadyTimeout)
	for {
		err := sshAnswers(ctx, n, r.key)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for node %s: %w", n.Name, context.Cause(ctx))
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("node %s (%s) doesn't answer over SSH after %s: %w\n%s", n.Name, n.Address,
				time.Since(began).Round(time.Second), err, r.lastWords(ctx, n))
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// lastWords gives what may explain a node that doesn't answer: the container's state and output, and the end of the journal.
func (r *Rig) lastWords(ctx context.Context, n Node) string {
	ask := func(args ...string) string {
		out, err := r.docker.Run(ctx, args...)
		if err != nil {
			return err.Error()
		}
		return command.Tail(out, 20)
	}
	return fmt.Sprintf("container: %s\noutput:\n%s\njournal:\n%s",
		ask("inspect", "--format", "{{.State.Status}}, exit code {{.State.ExitCode}} {{.State.Error}}", n.Container),
		ask("logs", "--tail", "20", n.Container),
		ask("exec", n.Container, "journalctl", "--no-pager", "--lines", "20"))
}
