package local

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/lifecycle"
	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/output"
)

// grace is how long a canceled command has to end by itself.
const grace = 5 * time.Second

// run runs command to its end and returns what it wrote.
func (i CommandInputs) run(ctx context.Context, command string, before lifecycle.Outputs) (lifecycle.Outputs, error) {
	argv := []string{"/bin/sh", "-c"}
	if i.Interpreter != nil && len(*i.Interpreter) > 0 {
		argv = append([]string(nil), *i.Interpreter...)
	}
	argv = append(argv, command)

	capture := output.NewCapture(ctx, i.Logging)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = capture.Stdout(), capture.Stderr()
	if i.Dir != nil {
		cmd.Dir = *i.Dir
	}
	if i.Stdin != nil && *i.Stdin != "" {
		cmd.Stdin = strings.NewReader(*i.Stdin)
	}
	cmd.Env = os.Environ()
	for _, env := range []map[string]string{i.Environment, i.PreviousOutput(before)} {
		for key, value := range env {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
	}
	// A process group of its own: a canceled update ends the shell's children too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace

	err := cmd.Run()
	stdout, stderr := capture.Finish()
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return before, capture.Error(command, err)
	}
	return lifecycle.Outputs{Stdout: stdout, Stderr: stderr}, nil
}
