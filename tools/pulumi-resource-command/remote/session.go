package remote

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/lifecycle"
	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/output"
)

// grace is how long a canceled command has to end by itself.
const grace = 5 * time.Second

// run runs command on the host to its end and returns what it wrote.
func (i CommandInputs) run(ctx context.Context, command string, before lifecycle.Outputs) (_ lifecycle.Outputs, err error) {
	client, err := i.Connection.dial(ctx)
	if err != nil {
		return before, err
	}
	defer client.Close() //nolint:errcheck // The command's end has been seen; nothing is left to lose.
	session, err := client.NewSession()
	if err != nil {
		return before, fmt.Errorf("open session: %w", err)
	}
	defer session.Close() //nolint:errcheck // The server closes it as well when the command ends.

	if err := i.setEnvironment(ctx, session, before); err != nil {
		return before, err
	}
	if i.Stdin != nil && *i.Stdin != "" {
		session.Stdin = strings.NewReader(*i.Stdin)
	}
	capture := output.NewCapture(ctx, i.Logging)
	session.Stdout, session.Stderr = capture.Stdout(), capture.Stderr()

	if err := session.Start(command); err != nil {
		return before, fmt.Errorf("start command: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { end(client, session) })
	err = session.Wait()
	stop()
	stdout, stderr := capture.Finish()
	if err != nil {
		return before, capture.Error(command, causeOr(ctx, err))
	}
	return lifecycle.Outputs{Stdout: stdout, Stderr: stderr}, nil
}

// end stops a session's command: politely, then by force, and in the end by leaving it.
func end(client *ssh.Client, session *ssh.Session) {
	// A server may not know signals; then the closed connection has to do.
	_ = session.Signal(ssh.SIGTERM)
	time.AfterFunc(grace, func() {
		_ = session.Signal(ssh.SIGKILL)
		_ = client.Close()
	})
}

// setEnvironment sets the variables of the command. Those asked for must be accepted by the server. The output of the command
// before is a convenience, and few servers take it.
func (i CommandInputs) setEnvironment(ctx context.Context, session *ssh.Session, before lifecycle.Outputs) error {
	for _, key := range slices.Sorted(maps.Keys(i.Environment)) {
		if err := session.Setenv(key, i.Environment[key]); err != nil {
			p.GetLogger(ctx).Error(setenvHint(key))
			return fmt.Errorf("could not set environment variable %q: %w", key, err)
		}
	}
	previous := i.PreviousOutput(before)
	for _, key := range slices.Sorted(maps.Keys(previous)) {
		if err := session.Setenv(key, previous[key]); err != nil {
			p.GetLogger(ctx).Warning(setenvHint(key))
		}
	}
	return nil
}

func setenvHint(key string) string {
	return fmt.Sprintf("Unable to set '%s'. This only works if your SSH server is configured to accept these variables via AcceptEnv. "+
		"Alternatively, if a Bash-like shell runs the command on the remote host, you could prefix the command itself with the "+
		"variables in the form 'VAR=value command'", key)
}
