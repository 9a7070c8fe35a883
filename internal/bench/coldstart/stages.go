package coldstart

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/stages"
	"github.com/edge-arena/edge-arena/internal/command"
)

// apart starts the bundle's module without a container, and takes the start apart.
func (b *bundle) apart(ctx context.Context, probe string, env []string) (s Stages, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	out, err := newOutput()
	if err != nil {
		return s, err
	}
	defer out.close()
	marked, marks, err := os.Pipe()
	if err != nil {
		return s, fmt.Errorf("make a pipe: %w", err)
	}
	defer func() { err = errors.Join(err, marked.Close()) }()
	job, err := json.Marshal(stages.Job{Program: filepath.Join(b.rootfs(), b.kind.Program), Root: b.rootfs(), Env: env})
	if err != nil {
		return s, errors.Join(err, marks.Close())
	}
	cmd := exec.CommandContext(ctx, probe)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = bytes.NewReader(job), out.write, out.write, []*os.File{marks}
	if b.kind.Libraries != "" {
		cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+b.kind.Libraries)
	}
	began := stages.Now()
	err = cmd.Start()
	// The other end must be the probe's alone, or reading would never end should it fail.
	err = errors.Join(err, marks.Close())
	if err != nil {
		return s, fmt.Errorf("%s: %w", probe, err)
	}
	defer func() {
		// It is killed, so it does not end well.
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		err = errors.Join(err, waitFree(b.port))
	}()
	return b.timed(ctx, out, marked, began)
}

// timed reads the marks, and waits for what comes after them.
func (b *bundle) timed(ctx context.Context, out *output, marked *os.File, began time.Duration) (s Stages, err error) {
	var m stages.Marks
	if err := json.NewDecoder(marked).Decode(&m); err != nil {
		return s, fmt.Errorf("read marks: %w: %s", err, command.Tail(out.String(), 10))
	}
	listening, ready, err := waitReady(ctx, b.port)
	if err != nil {
		return s, fmt.Errorf("not ready: %w: %s", err, command.Tail(out.String(), 10))
	}
	return stagesOf(began, m, listening, ready), nil
}

// stagesOf are the times between the marks.
func stagesOf(began time.Duration, m stages.Marks, listening, ready time.Duration) Stages {
	return Stages{
		Exec: m.Main - began, LLVM: m.LLVM - m.Begin, Library: m.Library - m.LLVM, Machine: m.Machine - m.Library, Load: m.Load - m.Machine,
		Validate: m.Validate - m.Load, Instantiate: m.Instantiate - m.Validate, Program: listening - m.Instantiate, Ready: ready - listening,
	}
}
