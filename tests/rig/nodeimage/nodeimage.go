// Package nodeimage makes the container image of a rig's node: a Debian root with systemd, sshd and what K3s and WasmEdge need of
// their host. Nothing is ever downloaded inside a node, so all of that is in the image.
package nodeimage

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/wasmlight"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

// Suite is the Debian release that a node runs: the first one with WasmEdge 0.14.1 and a crun that is built against it.
const Suite = "trixie"

// Repository is the image's name; its tag is the key of what it is made from.
const Repository = "edge-arena-node"

//go:embed build.sh
var buildScript string

//go:embed rig-init
var initScript string

// packages are what a node has beyond Debian's minimal base.
var packages = []string{
	// A host that is reached over SSH and run by systemd.
	"systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "kmod", "procps", "iproute2", "netbase", "ca-certificates", "curl",
	// What K3s, kubelet and kube-proxy call.
	"containerd", "runc", "containernetworking-plugins", "iptables", "conntrack", "socat", "ethtool",
	// Wasm: crun's wasmedge handler and its library.
	"crun", "wasmedge",
	// The mirror's web server.
	"busybox",
}

// Key is the key of the image's content: the suite, the packages, the scripts and the sources.
func Key() cache.Key {
	return cache.NewKey(append([]string{Suite, buildScript, initScript}, packages...)...).With(wasmlight.Sources()...)
}

// Ensure returns the image's reference, after building and importing it where the Docker daemon lacks it.
func Ensure(ctx context.Context, m docker.Machine, d *docker.Client, c *cache.Cache, p *progress.Reporter) (string, error) {
	ref := Repository + ":" + Key().String()
	ok, err := d.HasImage(ctx, ref)
	if err != nil || ok {
		return ref, err
	}
	dir, err := c.Get(ctx, "nodeimage", Key(), func(ctx context.Context, dir string) error {
		return p.Step(ctx, "build the node image (Debian "+Suite+")", func(ctx context.Context) error { return build(ctx, m, dir) })
	})
	if err != nil {
		return "", fmt.Errorf("build node image: %w", err)
	}
	err = p.Step(ctx, "import the node image", func(ctx context.Context) error {
		_, err := d.Run(ctx, "import", "--change", `ENTRYPOINT ["/sbin/rig-init"]`, filepath.Join(dir, "root.tar"), ref)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("import node image: %w", err)
	}
	return ref, nil
}

// Remove removes every version of the image from the Docker daemon, apart from those that a container still uses.
func Remove(ctx context.Context, d *docker.Client) error {
	refs, err := d.Lines(ctx, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", Repository)
	if err != nil {
		return fmt.Errorf("list node images: %w", err)
	}
	for _, ref := range refs {
		used, err := d.Run(ctx, "ps", "--all", "--quiet", "--filter", "ancestor="+ref)
		if err != nil {
			return fmt.Errorf("remove node image %s: %w", ref, err)
		}
		if used != "" {
			continue
		}
		if _, err := d.Run(ctx, "image", "rm", ref); err != nil && !docker.IsNotFound(err) {
			return fmt.Errorf("remove node image %s: %w", ref, err)
		}
	}
	return nil
}

// build leaves root.tar in dir.
func build(ctx context.Context, m docker.Machine, dir string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("debootstrap needs root: run as root once, so that %s is made", filepath.Join(dir, "root.tar"))
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		if err := m.Install(ctx, "debootstrap", "debian-archive-keyring"); err != nil {
			return err
		}
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		if err := m.Install(ctx, "gcc", "libc6-dev"); err != nil {
			return err
		}
	}
	root := filepath.Join(dir, "root")
	script := filepath.Join(dir, "build.sh")
	if err := os.WriteFile(script, []byte(buildScript), 0o600); err != nil {
		return fmt.Errorf("write build script: %w", err)
	}
	// Namespaces of its own: what the build mounts and starts ends with it, also when it is killed.
	args := append([]string{"--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
		"sh", script, Suite, root}, packages...)
	if _, err := command.Run(ctx, "unshare", args...); err != nil {
		return err
	}
	if err := wasmlight.Build(ctx, root); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "sbin", "rig-init"), []byte(initScript), 0o755); err != nil {
		return fmt.Errorf("add first process: %w", err)
	}
	if _, err := command.Run(ctx, "tar", "-C", root, "--numeric-owner", "-cf", filepath.Join(dir, "root.tar"), "."); err != nil {
		return err
	}
	if err := os.RemoveAll(root); err != nil {
		return fmt.Errorf("remove build root: %w", err)
	}
	return nil
}
