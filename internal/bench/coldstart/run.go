package coldstart

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/edge-arena/edge-arena/internal/command"
)

// poll is how often a server that starts is asked whether it is ready: the resolution of the results.
const poll = 500 * time.Microsecond

// Run does the job, and leaves nothing behind on the node.
func Run(ctx context.Context, job Job) (result Result, err error) {
	dir, err := os.MkdirTemp("/run", "arena-coldstart-")
	if err != nil {
		return nil, fmt.Errorf("cold start: %w", err)
	}
	var bundles []*bundle
	defer func() {
		for _, b := range bundles {
			err = errors.Join(err, b.remove(context.WithoutCancel(ctx)))
		}
		// Remove and not RemoveAll: what is still mounted below would go with it.
		err = errors.Join(err, os.Remove(dir))
	}()
	for _, k := range job.Kinds {
		b := &bundle{kind: k, dir: filepath.Join(dir, k.Name), port: job.Port, timeout: job.Timeout}
		bundles = append(bundles, b)
		if err := b.make(ctx, []byte(job.Spec)); err != nil {
			return nil, fmt.Errorf("cold start: %s: %w", k.Name, err)
		}
	}
	result = Result{}
	for i := range job.Starts + 1 {
		for _, b := range bundles {
			s, err := b.start(ctx)
			if err != nil {
				return nil, fmt.Errorf("cold start: %s: start %d: %w", b.kind.Name, i, err)
			}
			if i > 0 {
				result[b.kind.Name] = append(result[b.kind.Name], s)
			}
		}
	}
	return result, nil
}

// bundle is a container that can be started again and again.
type bundle struct {
	kind    Kind
	dir     string
	port    int
	timeout time.Duration
	mounted bool
}

func (b *bundle) id() string     { return "arena-coldstart-" + b.kind.Name }
func (b *bundle) rootfs() string { return filepath.Join(b.dir, "rootfs") }
func (b *bundle) log() string    { return filepath.Join(b.dir, "log") }

func ctr(ctx context.Context, args ...string) error {
	_, err := command.Run(ctx, "k3s", append([]string{"ctr", "-n", "k8s.io"}, args...)...)
	return err
}

// make prepares the container with the image's files as containerd gives them to a pod: a layer to write to over the image's own.
func (b *bundle) make(ctx context.Context, podSpec []byte) error {
	if err := os.MkdirAll(b.rootfs(), 0o755); err != nil {
		return err
	}
	spec, err := specFor(podSpec, b.kind, b.rootfs(), "/"+b.id(), b.port)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.dir, "config.json"), spec, 0o600); err != nil {
		return err
	}
	if err := ctr(ctx, "images", "mount", "--rw", b.kind.Image, b.rootfs()); err != nil {
		return err
	}
	b.mounted = true
	return nil
}

func (b *bundle) remove(ctx context.Context) error {
	if b.mounted {
		if err := ctr(ctx, "images", "unmount", "--rm", b.rootfs()); err != nil {
			return err
		}
	}
	return os.RemoveAll(b.dir)
}

// start starts the container, waits until it is ready, and removes it.
func (b *bundle) start(ctx context.Context) (s Start, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	defer func() { err = errors.Join(err, b.stop(context.WithoutCancel(ctx))) }()
	if err := os.RemoveAll(b.log()); err != nil {
		return s, err
	}
	began := time.Now()
	if err := b.runtime(ctx, "create", "--bundle", b.dir, b.id()); err != nil {
		return s, err
	}
	s.Create = time.Since(began)
	if err := b.runtime(ctx, "start", b.id()); err != nil {
		return s, err
	}
	if err := b.waitReady(ctx); err != nil {
		log, readErr := os.ReadFile(b.log())
		return s, errors.Join(fmt.Errorf("not ready after %s: %w: %s", time.Since(began).Round(time.Millisecond), err, command.Tail(string(log), 10)), readErr)
	}
	s.Ready = time.Since(began)
	return s, nil
}

func (b *bundle) waitReady(ctx context.Context) error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	defer client.CloseIdleConnections()
	url := "http://" + b.address() + "/readyz"
	last := errors.New("never asked")
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(resp.Status)
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), last)
		}
		last = err
		time.Sleep(poll)
	}
}

func (b *bundle) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.port)) }

// stop removes the container and waits until its port is free, or the next start would be answered by this one.
func (b *bundle) stop(ctx context.Context) error {
	if err := b.runtime(ctx, "delete", "--force", b.id()); err != nil {
		return err
	}
	for range 1000 {
		l, err := net.Listen("tcp4", b.address())
		if err == nil {
			return l.Close()
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("%s is still in use 5 s after its container was removed", b.address())
}
