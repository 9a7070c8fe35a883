package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	oteltrace "go.opentelemetry.io/otel/trace/noop"
	"gopkg.in/natefinch/lumberjack.v2"
	"k8s.io/klog/v2"
	cri "k8s.io/kubernetes/pkg/kubelet/cri/remote"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

const containerdBinary = "/usr/bin/containerd"

// containerd is the host's containerd with a root and a socket of K3s's own.
type containerd struct {
	cfg     *config.Config
	cgroups cgroupSetup
	ended   chan struct{}
}

func newContainerd(cfg *config.Config, cgroups cgroupSetup) *containerd {
	return &containerd{cfg: cfg, cgroups: cgroups, ended: make(chan struct{})}
}

func (c *containerd) run(ctx context.Context) error {
	defer close(c.ended)
	dir := c.cfg.Dir("agent", "etc", "containerd")
	root := c.cfg.Dir("agent", "containerd")
	for _, d := range []string{dir, root, c.cfg.Dir("agent", "etc", "cni", "net.d"), filepath.Join(dir, "certs.d")} {
		if err := os.MkdirAll(d, 0o711); err != nil {
			return fmt.Errorf("make containerd folder: %w", err)
		}
	}
	file := filepath.Join(dir, "config.toml")
	if err := c.writeConfig(file); err != nil {
		return err
	}
	// The kernel sends the death signal when the starting *thread* ends: this one stays ours until containerd has ended.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	logs := &lumberjack.Logger{Filename: filepath.Join(root, "containerd.log"), MaxSize: 50, MaxBackups: 2}
	defer logs.Close()
	cmd := exec.CommandContext(ctx, containerdBinary, "-c", file, "-a", config.ContainerdSocket, "--state", config.ContainerdState, "--root", root)
	cmd.Stdout, cmd.Stderr = io.Writer(logs), io.Writer(logs)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w (see %s)", err, logs.Filename)
	}
	return nil
}

func (c *containerd) writeConfig(file string) error {
	custom, err := os.ReadFile(file + ".tmpl")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read containerd template: %w", err)
	}
	text, err := renderContainerd(string(custom), containerdValues(c.cfg, c.cgroups))
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write containerd configuration: %w", err)
	}
	return nil
}

// await waits until the CRI plugin answers that it is ready to run containers.
func (c *containerd) await(ctx context.Context) error {
	for {
		err := c.status(ctx)
		if err == nil {
			return nil
		}
		klog.V(2).InfoS("Waiting for containerd", "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (c *containerd) status(ctx context.Context) error {
	if _, err := os.Stat(config.ContainerdSocket); err != nil {
		return err
	}
	service, err := cri.NewRemoteRuntimeService("unix://"+config.ContainerdSocket, 5*time.Second, oteltrace.NewTracerProvider())
	if err != nil {
		return err
	}
	status, err := service.Status(ctx, false)
	if err != nil {
		return err
	}
	for _, condition := range status.GetStatus().GetConditions() {
		if condition.Type == "RuntimeReady" && condition.Status {
			return nil
		}
	}
	return errors.New("the runtime is not ready")
}

// wait returns when containerd has ended, after its context is done.
func (c *containerd) wait() error {
	select {
	case <-c.ended:
		return nil
	case <-time.After(15 * time.Second):
		return errors.New("containerd did not end")
	}
}
