// Package docker finds a Docker daemon, or installs and starts one where there is none, and runs the docker command against it.
package docker

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/edge-arena/edge-arena/internal/command"
)

// Client runs the docker command against one daemon. Its zero value is the daemon that the caller's environment names.
type Client struct {
	// Host is the daemon's address as in DOCKER_HOST. Default is the one of the environment.
	Host string
	// Ours tells that we started the daemon.
	Ours bool
}

// Run runs `docker args...` and returns its stdout.
func (c *Client) Run(ctx context.Context, args ...string) (string, error) {
	return c.RunWith(ctx, nil, args...)
}

// RunWith is Run with stdin.
func (c *Client) RunWith(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	return command.Cmd{Env: c.Env(), Stdin: stdin}.Run(ctx, "docker", args...)
}

// Env is the caller's environment with this daemon's address, for programs that use Docker themselves.
func (c *Client) Env() []string {
	if c.Host == "" {
		return os.Environ()
	}
	return append(os.Environ(), "DOCKER_HOST="+c.Host)
}

// Lines runs `docker args...` and returns the lines that it prints.
func (c *Client) Lines(ctx context.Context, args ...string) ([]string, error) {
	out, err := c.Run(ctx, args...)
	if err != nil || out == "" {
		return nil, err
	}
	return strings.Split(out, "\n"), nil
}

// HasImage tells whether the daemon has the image ref.
func (c *Client) HasImage(ctx context.Context, ref string) (bool, error) {
	out, err := c.Run(ctx, "image", "ls", "--quiet", ref)
	return out != "", err
}

// IsNotFound tells whether err is the daemon's answer that a container, network or image doesn't exist.
func IsNotFound(err error) bool {
	var failed *command.Error
	if !errors.As(err, &failed) {
		return false
	}
	out := strings.ToLower(failed.Output)
	return strings.Contains(out, "no such ") || strings.Contains(out, "not found")
}

// Version returns the daemon's version, or an error where it doesn't answer.
func (c *Client) Version(ctx context.Context) (string, error) {
	return c.Run(ctx, "version", "--format", "{{.Server.Version}}")
}

// installed tells whether the docker command is on PATH.
func installed() bool {
	_, err := exec.LookPath("docker")
	return err == nil
}
