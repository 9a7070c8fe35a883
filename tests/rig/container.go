package rig

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

const (
	// prefix begins the name of everything that a rig makes in Docker.
	prefix = "edge-arena-"
	// rigLabel and nodeLabel mark the containers and the network of a rig.
	rigLabel  = "edge-arena.rig"
	nodeLabel = "edge-arena.node"
)

// states lists the rig's containers by node name, with Docker's word for their state: running, exited, paused, created, ...
func states(ctx context.Context, d *docker.Client, rig string) (map[string]string, error) {
	lines, err := d.Lines(ctx, "ps", "--all", "--filter", "label="+rigLabel+"="+rig,
		"--format", `{{.Label "`+nodeLabel+`"}} {{.State}}`)
	if err != nil {
		return nil, fmt.Errorf("list nodes of rig %s: %w", rig, err)
	}
	out := map[string]string{}
	for _, line := range lines {
		node, state, _ := strings.Cut(line, " ")
		out[node] = state
	}
	return out, nil
}

// confinement gives the flags under which systemd and K3s run in a container: --privileged where the daemon may give that, else all
// that it may give. Some hosts withhold a capability from Docker itself, and --privileged fails there.
func confinement(ctx context.Context, d *docker.Client, image string) []string {
	flags := []string{"--cgroupns", "private", "--security-opt", "label=disable"}
	probe := []string{"run", "--rm", "--privileged", "--network", "none", "--entrypoint", "/bin/true", image}
	if _, err := d.Run(ctx, probe...); err == nil {
		return append(flags, "--privileged")
	}
	return append(flags, "--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--security-opt", "seccomp=unconfined",
		"--security-opt", "apparmor=unconfined", "--security-opt", "systempaths=unconfined", "--device", "/dev/kmsg")
}

// createNode makes the node's container with a fresh host key and starts it. It returns the node with that key.
func (r *Rig) createNode(ctx context.Context, n Node, flags []string, key ssh.Signer) (Node, error) {
	pair, err := newKeyPair(n.Name)
	if err != nil {
		return n, err
	}
	n.HostKey = strings.TrimSpace(string(pair.public))
	args := append([]string{"create", "--name", n.Container, "--hostname", n.Name,
		"--label", rigLabel + "=" + r.rec.Name, "--label", nodeLabel + "=" + n.Name,
		"--network", r.rec.Network.Name, "--network-alias", n.Name, "--ip", n.Address,
		// How systemd is told that it runs in a container, and that it shall power off.
		"--env", "container=docker", "--stop-signal", "SIGRTMIN+3",
		// A real host's /run and /tmp are empty after a boot, and programs run from there.
		"--tmpfs", "/run:exec,mode=755", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec,mode=1777",
		// containerd can't put its overlays on top of the container's own.
		"--volume", "/var/lib/rancher", "--volume", "/var/lib/containerd", "--volume", "/var/lib/kubelet"}, flags...)
	if r.rec.Memory != "" {
		args = append(args, "--memory", r.rec.Memory, "--memory-swap", r.rec.Memory)
	}
	if r.rec.CPUs != "" {
		args = append(args, "--cpus", r.rec.CPUs)
	}
	if _, err := r.docker.Run(ctx, append(args, r.image)...); err != nil {
		return n, fmt.Errorf("make node %s: %w", n.Name, err)
	}
	files, err := tarFiles([]file{
		{"etc/ssh/ssh_host_ed25519_key", 0o600, pair.private},
		{"etc/ssh/ssh_host_ed25519_key.pub", 0o644, pair.public},
		{"etc/ssh/rig_authorized_keys", 0o644, ssh.MarshalAuthorizedKey(key.PublicKey())},
	})
	if err != nil {
		return n, fmt.Errorf("make node %s: %w", n.Name, err)
	}
	if _, err := r.docker.RunWith(ctx, files, "cp", "-", n.Container+":/"); err != nil {
		return n, fmt.Errorf("give node %s its keys: %w", n.Name, err)
	}
	if _, err := r.docker.Run(ctx, "start", n.Container); err != nil {
		return n, fmt.Errorf("start node %s: %w", n.Name, err)
	}
	return n, nil
}

type file struct {
	name    string
	mode    int64
	content []byte
}

func tarFiles(files []file) (*bytes.Buffer, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: time.Now()}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	return &out, w.Close()
}
