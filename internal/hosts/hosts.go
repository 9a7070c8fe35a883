// Package hosts runs commands on hosts that are reached over SSH, as Pulumi reaches them: with one private key, and one host key that is
// the right one.
package hosts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/modules/config"
)

const (
	// The wait between two dials grows from firstWait to maxWait.
	firstWait = 100 * time.Millisecond
	maxWait   = 5 * time.Second
	// tailLines is how much of a failed command's stderr its error shows.
	tailLines = 20
	// grace is how long a server has to tell how a command ended once it was told to end it.
	grace = time.Second
)

// errFinal marks what dialing again would not change.
var errFinal = errors.New("not tried again")

// Run runs a command on the host, with stdin, and returns its stdout. It dials as often as the endpoint says. The error of a command that
// failed ends with the last lines of its stderr; neither command nor stdin are in it. A canceled command is told to end.
func Run(ctx context.Context, e config.Endpoint, cmd, stdin string) (string, error) {
	client, err := dial(ctx, e, max(e.DialAttempts, 1))
	if err != nil {
		return "", err
	}
	defer client.Close() //nolint:errcheck // The command's end has been seen; nothing is left to lose.
	session, err := client.NewSession()
	if err != nil {
		return "", fmt.Errorf("open session on %s: %w", address(e), err)
	}
	var stdout, stderr bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(stdin), &stdout, &stderr
	stop := context.AfterFunc(ctx, func() {
		// A server may not know signals; then the closed connection has to do.
		_ = session.Signal(ssh.SIGTERM)
		time.AfterFunc(grace, func() { _ = client.Close() })
	})
	err = session.Run(cmd)
	stop()
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("command on %s: %w", address(e), context.Cause(ctx))
	case err != nil:
		if tail := command.Tail(stderr.String(), tailLines); tail != "" {
			return "", fmt.Errorf("command on %s: %w:\n%s", address(e), err, tail)
		}
		return "", fmt.Errorf("command on %s: %w", address(e), err)
	}
	return stdout.String(), nil
}

// Reachable dials the host once and logs in.
func Reachable(ctx context.Context, e config.Endpoint) error {
	client, err := dial(ctx, e, 1)
	if err != nil {
		return err
	}
	return client.Close()
}

// dial logs in, again and again until it works or has failed too often.
func dial(ctx context.Context, e config.Endpoint, attempts int) (*ssh.Client, error) {
	cfg, err := login(e)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", address(e), err)
	}
	wait := firstWait
	for n := 1; ; n++ {
		client, err := attempt(ctx, e, cfg)
		switch {
		case err == nil:
			return client, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("dial %s: %w", address(e), context.Cause(ctx))
		case errors.Is(err, errFinal) || attempts == 1:
			return nil, fmt.Errorf("dial %s: %w", address(e), err)
		case n >= attempts:
			return nil, fmt.Errorf("dial %s: after %d failed attempts: %w", address(e), n, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(wait*3/2, maxWait)
	}
}

// attempt dials and logs in once, within the endpoint's time.
func attempt(ctx context.Context, e config.Endpoint, cfg *ssh.ClientConfig) (*ssh.Client, error) {
	if e.DialTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, e.DialTimeout, fmt.Errorf("no answer within %s", e.DialTimeout))
		defer cancel()
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address(e))
	if err != nil {
		return nil, causeOr(ctx, err)
	}
	// The handshake itself takes no context.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, channels, requests, err := ssh.NewClientConn(conn, address(e), cfg)
	if err != nil {
		stop()
		return nil, errors.Join(causeOr(ctx, err), ignoreClosed(conn.Close()))
	}
	if !stop() {
		return nil, errors.Join(context.Cause(ctx), ignoreClosed(c.Close()))
	}
	return ssh.NewClient(c, channels, requests), nil
}

// login is how to log in: with the endpoint's key, at the host that has the pinned one.
func login(e config.Endpoint) (*ssh.ClientConfig, error) {
	key, err := ssh.ParsePrivateKey([]byte(e.PrivateKey))
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	pinned, _, _, _, err := ssh.ParseAuthorizedKey([]byte(e.HostKey))
	if err != nil {
		return nil, fmt.Errorf("read host key: %w", err)
	}
	return &ssh.ClientConfig{
		User:              e.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyAlgorithms: []string{pinned.Type()},
		HostKeyCallback: func(_ string, _ net.Addr, got ssh.PublicKey) error {
			if !bytes.Equal(got.Marshal(), pinned.Marshal()) {
				return fmt.Errorf("host key mismatch: want %s, the host has %s: %w", ssh.FingerprintSHA256(pinned), ssh.FingerprintSHA256(got), errFinal)
			}
			return nil
		},
	}, nil
}

func address(e config.Endpoint) string { return net.JoinHostPort(e.Address, strconv.Itoa(e.Port)) }

// causeOr returns why ctx ended, if it has, else err.
func causeOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// ignoreClosed forgives that something had been closed already.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
