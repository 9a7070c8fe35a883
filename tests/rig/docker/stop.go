package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/edge-arena/edge-arena/internal/progress"
)

// stopTimeout is how long our daemon may take to end once it has been asked to. Without containers it takes well below a second.
const stopTimeout = 30 * time.Second

// Stop ends the Docker daemon that we started, if we did, removes all that it left behind, and takes back what [Machine.Raise] has raised.
// While something still runs on it, for example the rig of another checkout, it stays.
func (m Machine) Stop(ctx context.Context, p *progress.Reporter) error {
	m = m.withDefaults()
	state, err := m.State()
	if err != nil || (state.Daemon == nil && len(state.Sysctls) == 0) {
		return err
	}
	return m.locked(ctx, func() error {
		state, err := m.State()
		if err != nil {
			return err
		}
		if state.Daemon == nil {
			return m.lower(state)
		}
		if state.Daemon.alive() {
			users, err := (&Client{Host: m.host(), Ours: true}).users(ctx)
			if err != nil {
				return fmt.Errorf("stop Docker: %w", err)
			}
			if len(users) > 0 {
				p.Note("the Docker daemon stays: it is used by %s", strings.Join(users, ", "))
				return nil
			}
			if err := state.Daemon.end(ctx); err != nil {
				return fmt.Errorf("stop Docker: %w", err)
			}
		}
		if _, err := setForward(state.Daemon.IPForward); err != nil {
			return err
		}
		data := filepath.Join(m.Lib, "docker")
		for _, dir := range []string{data, m.Run} {
			if err := unmountBelow(dir); err != nil {
				return err
			}
		}
		err = errors.Join(os.RemoveAll(data), os.RemoveAll(m.Run), os.RemoveAll(m.logFile()))
		if err != nil {
			return fmt.Errorf("remove what Docker left: %w", err)
		}
		state.Daemon = nil
		return m.lower(state)
	})
}

// users lists the containers and the networks of the daemon, apart from those that every daemon has.
func (c *Client) users(ctx context.Context) ([]string, error) {
	containers, err := c.Lines(ctx, "ps", "--all", "--format", "{{.Names}}")
	if err != nil {
		return nil, err
	}
	networks, err := c.Lines(ctx, "network", "ls", "--filter", "type=custom", "--format", "network {{.Name}}")
	if err != nil {
		return nil, err
	}
	return append(containers, networks...), nil
}

// alive tells whether the daemon's process is still the one that we started.
func (d *Daemon) alive() bool {
	started, err := startTime(d.PID)
	return err == nil && started == d.Started
}

// end asks the daemon to end, and waits until it has.
func (d *Daemon) end(ctx context.Context) error {
	if err := syscall.Kill(d.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end process %d: %w", d.PID, err)
	}
	deadline := time.Now().Add(stopTimeout)
	for d.alive() {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d doesn't end within %s", d.PID, stopTimeout)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// unmountBelow takes away what is still mounted below dir, so that removing the folder can't reach into it.
func unmountBelow(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("read mounts: %w", err)
	}
	targets := mountsBelow(string(mounts), dir)
	slices.Reverse(targets) // the last mounted first
	for _, target := range targets {
		if err := syscall.Unmount(target, syscall.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", target, err)
		}
	}
	return nil
}

// mountsBelow lists the mount points in or below dir, as /proc/self/mountinfo gives them: the fifth field, spaces as \040.
func mountsBelow(mountinfo, dir string) []string {
	var out []string
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		target := strings.ReplaceAll(fields[4], `\040`, " ")
		if target == dir || strings.HasPrefix(target, dir+"/") {
			out = append(out, target)
		}
	}
	return out
}
