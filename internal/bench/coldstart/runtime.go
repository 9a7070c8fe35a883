package coldstart

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/edge-arena/edge-arena/internal/command"
)

// Handler stands for the runtime by which the node's containerd starts Wasm pods, whichever that is.
const Handler = "handler"

// containerdConfig is where K3s has the configuration of containerd.
const containerdConfig = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"

// binaryName finds the program of the handler `wasmedge` in containerd's configuration, whose keys have quotes of either kind.
var binaryName = regexp.MustCompile(`runtimes\.["']?wasmedge["']?\.options\][^\[]*?\n\s*BinaryName\s*=\s*["']([^"']+)["']`)

// runtimeOf is the OCI runtime that containerd starts Wasm with.
func runtimeOf(config string) (string, error) {
	text, err := os.ReadFile(config)
	if err != nil {
		return "", err
	}
	found := binaryName.FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("%s: the handler wasmedge has no BinaryName: only crun's cold starts can be measured", config)
	}
	return string(found[1]), nil
}

// resolve gives the program of a runtime.
func resolve(runtime string) (string, error) {
	if runtime != Handler {
		return runtime, nil
	}
	return runtimeOf(containerdConfig)
}

// runtime runs the OCI runtime. The container inherits its output.
func (b *bundle) runtime(ctx context.Context, out *output, args ...string) error {
	// A state folder of its own: containerd's containers are in the default one's subfolders.
	args = append([]string{"--root", filepath.Join(b.dir, "state")}, args...)
	return spoken(out, exec.CommandContext(ctx, b.kind.Runtime, args...))
}

// containerd has containerd make and start the container, and returns when it has. The shim gives the container's output to a file.
func (b *bundle) containerd(ctx context.Context, out *output) error {
	return spoken(out, exec.CommandContext(ctx, "k3s", "ctr", "-n", "k8s.io", "run", "--detach", "--log-uri", "file://"+b.log(),
		"--runtime", "io.containerd.runc.v2", "--runc-binary", b.kind.Runtime, "--config", filepath.Join(b.dir, "config.json"), b.id()))
}

func spoken(out *output, cmd *exec.Cmd) error {
	cmd.Stdout, cmd.Stderr = out.write, out.write
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, command.Tail(out.String(), 10))
	}
	return nil
}

// stop removes the container and waits until its port is free, or the next start would be answered by this one.
func (b *bundle) stop(ctx context.Context) error {
	remove := exec.CommandContext(ctx, b.kind.Runtime, "--root", filepath.Join(b.dir, "state"), "delete", "--force", b.id())
	if b.kind.Containerd {
		// `containers rm` wants no task there, and a task can be removed when it has ended.
		remove = exec.CommandContext(ctx, "k3s", "ctr", "-n", "k8s.io", "tasks", "rm", "--force", b.id())
	}
	if out, err := remove.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(remove.Args, " "), err, command.Tail(string(out), 10))
	}
	if b.kind.Containerd {
		if err := ctr(ctx, "containers", "rm", b.id()); err != nil {
			return err
		}
	}
	return waitFree(b.port)
}
