package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// answerTimeout is how long a daemon may take to answer: a local one needs a few milliseconds.
const answerTimeout = 5 * time.Second

// startTimeout is how long our daemon may take to start. It takes 1 s to 2 s; a first start on a busy machine has been seen to take
// ten times that.
const startTimeout = 60 * time.Second

// Find returns a Docker daemon that answers: the one of DOCKER_HOST or the default socket, else ours. It returns nil where there is
// none. A DOCKER_HOST that doesn't answer is an error, for the user meant that one and no other.
func (m Machine) Find(ctx context.Context) (*Client, error) {
	m = m.withDefaults()
	if !installed() {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if named := os.Getenv("DOCKER_HOST"); named != m.host() {
		// Without DOCKER_HOST this is the daemon of the user's current context, by default the one at /var/run/docker.sock.
		c := &Client{Host: named}
		_, err := c.Version(ctx)
		switch {
		case err == nil:
			return c, nil
		case named != "":
			return nil, fmt.Errorf("DOCKER_HOST=%s doesn't answer; start that Docker, or unset DOCKER_HOST to have one started: %w", named, err)
		case strings.Contains(err.Error(), "permission denied"):
			return nil, fmt.Errorf("docker runs, but this user may not use it: join its group or run as root: %w", err)
		}
	}
	ours := &Client{Host: m.host(), Ours: true}
	if _, err := ours.Version(ctx); err == nil {
		return ours, nil
	}
	return nil, nil
}

// Ensure returns a Docker daemon that answers. Where there is none it installs Debian's docker.io and starts a daemon of our own,
// which outlives this process; [Machine.Stop] ends it.
func (m Machine) Ensure(ctx context.Context, p *progress.Reporter) (*Client, error) {
	m = m.withDefaults()
	c, err := m.Find(ctx)
	if err != nil || c != nil {
		return c, err
	}
	if err := m.installDocker(ctx, p); err != nil {
		return nil, err
	}
	// On a machine with a service manager the package has just started Docker itself.
	if c, err := m.Find(ctx); err != nil || c != nil {
		return c, err
	}
	c = &Client{Host: m.host(), Ours: true}
	err = p.Step(ctx, "start a Docker daemon", func(ctx context.Context) error {
		return m.locked(ctx, func() error { return m.start(ctx, c) })
	})
	if err != nil {
		return nil, fmt.Errorf("start Docker: %w", err)
	}
	return c, nil
}

func (m Machine) installDocker(ctx context.Context, p *progress.Reporter) error {
	var missing []string
	if _, err := lookDaemon(); err != nil {
		missing = append(missing, "docker.io")
	}
	if _, err := exec.LookPath("iptables"); err != nil {
		missing = append(missing, "iptables")
	}
	if len(missing) > 0 {
		err := p.Step(ctx, "install "+strings.Join(missing, " and "), func(ctx context.Context) error { return m.Install(ctx, missing...) })
		if err != nil {
			return err
		}
	}
	if !installed() {
		// Newer Debian releases ship the command apart from the daemon.
		return m.Install(ctx, "docker-cli")
	}
	return nil
}

func (m Machine) host() string { return "unix://" + filepath.Join(m.Run, "docker.sock") }

// start starts our daemon. The lock is held.
func (m Machine) start(ctx context.Context, c *Client) error {
	if _, err := c.Version(ctx); err == nil {
		return nil // another process was quicker
	}
	if os.Geteuid() != 0 {
		return errors.New("no Docker answers, and starting one needs root: start Docker, or run as root")
	}
	dockerd, err := lookDaemon()
	if err != nil {
		return err
	}
	for _, dir := range []string{filepath.Join(m.Lib, "docker"), m.Run} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return fmt.Errorf("make Docker's folder: %w", err)
		}
	}
	state, err := m.State()
	if err != nil {
		return err
	}
	forward, err := setForward("1")
	if err != nil {
		return err
	}
	if state.Daemon != nil {
		forward = state.Daemon.IPForward // an earlier one of ours died: what was before it counts
	}
	log, err := os.Create(m.logFile())
	if err != nil {
		return fmt.Errorf("make Docker's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(dockerd, m.flags()...) // no context: it outlives us
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	started, err := startTime(cmd.Process.Pid)
	if err != nil {
		return errors.Join(err, cmd.Process.Kill())
	}
	state.Daemon = &Daemon{PID: cmd.Process.Pid, Started: started, IPForward: forward}
	if err := m.save(state); err != nil {
		return errors.Join(err, cmd.Process.Kill())
	}
	return waitAnswer(ctx, c, ended, m.logFile())
}

// flags keep our daemon apart from any other: everything in folders of its own, its own namespaces in a containerd that both may
// share, and hands off the machine's firewall and forwarding, which we set for our networks alone.
func (m Machine) flags() []string {
	flags := []string{
		"--data-root", filepath.Join(m.Lib, "docker"),
		"--exec-root", filepath.Join(m.Run, "docker"),
		"--pidfile", filepath.Join(m.Run, "docker.pid"),
		"--host", m.host(),
		"--containerd-namespace", "edge-arena", "--containerd-plugins-namespace", "edge-arena-plugins",
		"--iptables=false", "--ip-forward=false",
	}
	// We attach to networks of our own only, so we want no default bridge. But "none" would also remove another daemon's.
	if _, err := net.InterfaceByName("docker0"); err != nil {
		flags = append(flags, "--bridge=none")
	}
	return flags
}

func waitAnswer(ctx context.Context, c *Client, ended <-chan error, logFile string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		_, err := c.Version(ctx)
		if err == nil {
			return nil
		}
		select {
		case end := <-ended:
			err = fmt.Errorf("it ended: %w", end)
		case <-ctx.Done():
			err = fmt.Errorf("it doesn't answer: %w", err)
		case <-time.After(100 * time.Millisecond):
			continue
		}
		log, readErr := os.ReadFile(logFile)
		return errors.Join(fmt.Errorf("%w\n%s", err, command.Tail(string(log), 20)), readErr)
	}
}

// lookDaemon finds dockerd, also for a user whose PATH has no sbin.
func lookDaemon() (string, error) {
	var err error
	for _, name := range []string{"dockerd", "/usr/sbin/dockerd", "/usr/bin/dockerd"} {
		var path string
		if path, err = exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("find dockerd: %w", err)
}
