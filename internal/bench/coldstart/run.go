package coldstart

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/stages"
	"github.com/edge-arena/edge-arena/internal/command"
)

// poll is how often a server that starts is asked whether it is ready: the resolution of the results.
const poll = 500 * time.Microsecond

// Run does the job, and leaves nothing behind on the node.
func Run(ctx context.Context, job Job) (result Result, err error) {
	dir, err := os.MkdirTemp("/run", "arena-coldstart-")
	if err != nil {
		return result, fmt.Errorf("cold start: %w", err)
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
		if k.Runtime, err = resolve(k.Runtime); err != nil {
			return result, fmt.Errorf("cold start: %s: %w", k.Name, err)
		}
		b := &bundle{kind: k, dir: filepath.Join(dir, k.Name), port: job.Port, timeout: job.Timeout}
		bundles = append(bundles, b)
		if err := b.make(ctx, []byte(job.Spec)); err != nil {
			return result, fmt.Errorf("cold start: %s: %w", k.Name, err)
		}
	}
	result = Result{Starts: map[string][]Start{}, Stages: map[string][]Stages{}}
	for i := range job.Starts + 1 {
		for _, b := range bundles {
			// The one that comes before, and the first that counts, are of every kind.
			if i > 1 && i%max(b.kind.Every, 1) != 0 {
				continue
			}
			if err := b.measure(ctx, job.Probe, i > 0, result); err != nil {
				return result, fmt.Errorf("cold start: %s: start %d: %w", b.kind.Name, i, err)
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
	env     []string
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
	spec, env, err := specFor(podSpec, b.kind, b.rootfs(), "/"+b.id(), b.port)
	if err != nil {
		return err
	}
	b.env = env
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

// measure starts the kind once in each way in which it is to be, and adds what that took to the result, if it counts.
func (b *bundle) measure(ctx context.Context, probe string, counts bool, to Result) error {
	s, err := b.start(ctx)
	if err != nil {
		return err
	}
	if counts {
		to.Starts[b.kind.Name] = append(to.Starts[b.kind.Name], s)
	}
	if !b.kind.Stages {
		return nil
	}
	parts, err := b.apart(ctx, probe, b.env)
	if err != nil {
		return fmt.Errorf("take apart: %w", err)
	}
	if counts {
		to.Stages[b.kind.Name] = append(to.Stages[b.kind.Name], parts)
	}
	return nil
}

// start starts the container, waits until it is ready, and removes it.
func (b *bundle) start(ctx context.Context) (s Start, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	out, err := newOutput()
	if err != nil {
		return s, err
	}
	defer out.close()
	defer func() { err = errors.Join(err, b.stop(context.WithoutCancel(ctx))) }()
	began := stages.Now()
	if b.kind.Containerd {
		if err := b.containerd(ctx, out); err != nil {
			return s, err
		}
	} else {
		if err := b.runtime(ctx, out, "create", "--bundle", b.dir, b.id()); err != nil {
			return s, err
		}
		s.Create = stages.Now() - began
		if err := b.runtime(ctx, out, "start", b.id()); err != nil {
			return s, err
		}
	}
	listening, ready, err := waitReady(ctx, b.port)
	if err != nil {
		log, readErr := os.ReadFile(b.log())
		if errors.Is(readErr, os.ErrNotExist) {
			readErr = nil // it says what it has to say through the pipe
		}
		said := command.Tail(out.String()+string(log), 10)
		return s, errors.Join(fmt.Errorf("not ready after %s: %w: %s", (stages.Now()-began).Round(time.Millisecond), err, said), readErr)
	}
	s.Listening, s.Ready = listening-began, ready-began
	return s, nil
}
