package coldstart

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/edge-arena/edge-arena/internal/command"
)

// runtime runs the OCI runtime. The container inherits its output, so that is a file: a pipe would not end before the container.
func (b *bundle) runtime(ctx context.Context, args ...string) (err error) {
	out, err := os.OpenFile(b.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	// A state folder of its own: containerd's containers are in the default one's subfolders.
	args = append([]string{"--root", filepath.Join(b.dir, "state")}, args...)
	cmd := exec.CommandContext(ctx, b.kind.Runtime, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		log, readErr := os.ReadFile(b.log())
		return errors.Join(fmt.Errorf("%s %s: %w: %s", b.kind.Runtime, strings.Join(args, " "), err, command.Tail(string(log), 10)), readErr)
	}
	return nil
}
