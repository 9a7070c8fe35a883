// Package command runs other programs and makes their failures readable.
package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// tailLines is how much of a failed program's output its error shows: enough for a compiler's or apt's last words.
const tailLines = 30

// Cmd is one program to run.
type Cmd struct {
	// Dir is the working directory. Default is the caller's.
	Dir string
	// Env is the whole environment, as in [exec.Cmd]. Default is the caller's.
	Env []string
	// Stdin is fed to the program. Default is none.
	Stdin io.Reader
	// Grace is how long the program may take to end by itself when the context is canceled: it is interrupted first, and has a process
	// group of its own, so that an interrupt from the terminal does not reach it a second time. Default is to kill it at once.
	Grace time.Duration
	// Log receives the program's stdout and stderr as they come. Default is to keep them for the error alone.
	Log io.Writer
}

// Error is a program that failed: what ran, how it ended and the last lines that it printed.
type Error struct {
	Command string
	Output  string
	Err     error
}

// Error gives the command, its end and its last lines of output.
func (e *Error) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("run %s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("run %s: %v\n%s", e.Command, e.Err, e.Output)
}

// Unwrap returns how the program ended.
func (e *Error) Unwrap() error { return e.Err }

// Run runs name with args and returns its stdout without surrounding white space. A failure is an [*Error].
func (c Cmd) Run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	// A program whose grandchildren hold its pipes open must not outlive its context.
	cmd.WaitDelay = 5 * time.Second
	if c.Grace > 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = c.Grace
	}
	cmd.Dir, cmd.Env, cmd.Stdin = c.Dir, c.Env, c.Stdin
	var stdout, all bytes.Buffer
	both := io.Writer(&all)
	if c.Log != nil {
		both = io.MultiWriter(&all, c.Log)
	}
	shared := &syncWriter{w: both}
	cmd.Stdout = io.MultiWriter(&stdout, shared)
	cmd.Stderr = shared
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", &Error{Command: strings.Join(append([]string{name}, args...), " "), Output: Tail(all.String(), tailLines), Err: err}
	}
	return strings.TrimSpace(stdout.String()), nil
}

// Run runs name with args in the caller's directory and environment; see [Cmd.Run].
func Run(ctx context.Context, name string, args ...string) (string, error) {
	return Cmd{}.Run(ctx, name, args...)
}

// Tail returns the last n lines of s.
func Tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
