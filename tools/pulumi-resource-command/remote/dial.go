package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"
)

const (
	// The wait between two dials grows from firstWait to maxWait.
	firstWait = 100 * time.Millisecond
	maxWait   = 5 * time.Second
	// A host that leaves deadAfter keepalives unanswered is given up: without them a command on a host that has vanished
	// behind a proxy would be waited for without end.
	keepaliveEvery = 15 * time.Second
	deadAfter      = 4
)

// dialer opens the TCP connection of an SSH client: from here or through a proxy.
type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// dial logs in to the host, through its proxy if it has one.
func (c Connection) dial(ctx context.Context) (*ssh.Client, error) {
	if c.Proxy == nil {
		return c.dialThrough(ctx, &net.Dialer{}, "Dial")
	}
	proxy, err := c.Proxy.dialThrough(ctx, &net.Dialer{}, "Dial proxy")
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	client, err := c.dialThrough(ctx, proxy, "Dial from proxy")
	if err != nil {
		return nil, errors.Join(err, ignoreClosed(proxy.Close()))
	}
	go func() {
		// The proxy lives as long as what goes through it; how that ended is its user's to see.
		_ = client.Wait()
		_ = proxy.Close()
	}()
	return client, nil
}

// dialThrough logs in to the endpoint, again and again until it works or fails too often.
func (e endpoint) dialThrough(ctx context.Context, d dialer, title string) (*ssh.Client, error) {
	config, closer, err := e.config()
	if err != nil {
		return nil, err
	}
	defer closer.Close() //nolint:errcheck // The agent's socket was only read from.

	limit := strconv.Itoa(e.errorLimit())
	if e.errorLimit() == unlimited {
		limit = "inf"
	}
	var seen failures
	wait := firstWait
	for attempt := 1; ; attempt++ {
		client, err := e.attempt(ctx, d, config)
		if err == nil {
			go keepalive(client)
			return client, nil
		}
		seen.add(err)
		var wrongHost *hostKeyError
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("dial %s: %w", e.address(), context.Cause(ctx))
		case errors.As(err, &wrongHost):
			return nil, fmt.Errorf("dial %s: %w", e.address(), err)
		case e.errorLimit() != unlimited && attempt > e.errorLimit():
			return nil, fmt.Errorf("dial %s: after %d failed attempts: %w", e.address(), attempt, seen.join())
		}
		p.GetLogger(ctx).InfoStatusf("%s %d/%s failed: retrying", title, attempt, limit)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(wait*3/2, maxWait)
	}
}

// attempt dials and logs in once, within the endpoint's time.
func (e endpoint) attempt(ctx context.Context, d dialer, config *ssh.ClientConfig) (*ssh.Client, error) {
	if e.timeout() > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, e.timeout(), fmt.Errorf("no answer within %s", e.timeout()))
		defer cancel()
	}
	conn, err := d.DialContext(ctx, "tcp", e.address())
	if err != nil {
		return nil, causeOr(ctx, err)
	}
	// Not by a deadline: a connection through a proxy has none.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, channels, requests, err := ssh.NewClientConn(conn, e.address(), config)
	if !stop() && err == nil {
		err = errors.Join(context.Cause(ctx), ignoreClosed(c.Close()))
	}
	if err != nil {
		return nil, errors.Join(causeOr(ctx, err), ignoreClosed(conn.Close()))
	}
	return ssh.NewClient(c, channels, requests), nil
}

// keepalive closes the client when the host no longer answers; it ends with the client.
func keepalive(client *ssh.Client) {
	answered := make(chan error, 1)
	ask := func() {
		_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
		answered <- err
	}
	for {
		time.Sleep(keepaliveEvery)
		go ask()
		select {
		case err := <-answered:
			if err != nil {
				return
			}
		case <-time.After(deadAfter * keepaliveEvery):
			_ = client.Close()
			return
		}
	}
}

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

// failures are the different ways in which dials failed. All are told: a server that has seen too many wrong keys only resets the
// connections that follow, and the last error alone would hide what is wrong.
type failures []error

func (f *failures) add(err error) {
	for _, known := range *f {
		if known.Error() == err.Error() {
			return
		}
	}
	*f = append(*f, err)
}

func (f failures) join() error { return errors.Join(f...) }
