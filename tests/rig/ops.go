package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

// Name is the rig's name.
func (r *Rig) Name() string { return r.rec.Name }

// Dir is the rig's folder.
func (r *Rig) Dir() string { return r.spec.Dir }

// Docker is the daemon that runs the rig.
func (r *Rig) Docker() *docker.Client { return r.docker }

// Nodes lists the nodes.
func (r *Rig) Nodes() []Node { return slices.Clone(r.rec.Nodes) }

// Node returns the named node.
func (r *Rig) Node(name string) (Node, error) {
	i := r.rec.node(name)
	if i < 0 {
		return Node{}, fmt.Errorf("rig %s has no node %q", r.rec.Name, name)
	}
	return r.rec.Nodes[i], nil
}

// SSHConfig is the path of the ssh_config file: `ssh -F <it> <node>` logs in as root.
func (r *Rig) SSHConfig() string { return filepath.Join(r.spec.Dir, "ssh_config") }

// KeyFile is the path of the private key that every account of every node accepts.
func (r *Rig) KeyFile() string { return filepath.Join(r.spec.Dir, "id_ed25519") }

// States gives Docker's word for the state of each node's container: running, exited, paused; "missing" where there is none.
func (r *Rig) States(ctx context.Context) (map[string]string, error) {
	there, err := states(ctx, r.docker, r.rec.Name)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, n := range r.rec.Nodes {
		out[n.Name] = "missing"
		if s := there[n.Name]; s != "" {
			out[n.Name] = s
		}
	}
	return out, nil
}

// Exec runs a command as root in the node, past SSH and the network, and returns its stdout.
func (r *Rig) Exec(ctx context.Context, node string, cmd ...string) (string, error) {
	n, err := r.Node(node)
	if err != nil {
		return "", err
	}
	return r.docker.Run(ctx, append([]string{"exec", n.Container}, cmd...)...)
}

// Stop shuts the node down, as `poweroff` does.
func (r *Rig) Stop(ctx context.Context, node string) error {
	// systemd gives a service up to 90 s to end; K3s's need a few.
	return r.do(ctx, "stop", node, "stop", "--time", "60")
}

// Kill takes the node's power away: nothing in it gets to say good-bye.
func (r *Rig) Kill(ctx context.Context, node string) error { return r.do(ctx, "kill", node, "kill") }

// Start boots a stopped node and waits until SSH answers.
func (r *Rig) Start(ctx context.Context, node string) error {
	if err := r.do(ctx, "start", node, "start"); err != nil {
		return err
	}
	n, err := r.Node(node)
	if err != nil {
		return err
	}
	return r.waitReady(ctx, n)
}

// Restart reboots the node and waits until SSH answers.
func (r *Rig) Restart(ctx context.Context, node string) error {
	if err := r.Stop(ctx, node); err != nil {
		return err
	}
	return r.Start(ctx, node)
}

// Pause freezes every process of the node, as a host that hangs.
func (r *Rig) Pause(ctx context.Context, node string) error { return r.do(ctx, "pause", node, "pause") }

// Unpause lets a paused node go on.
func (r *Rig) Unpause(ctx context.Context, node string) error {
	return r.do(ctx, "unpause", node, "unpause")
}

// do runs a docker command on the node's container.
func (r *Rig) do(ctx context.Context, verb, node string, args ...string) error {
	n, err := r.Node(node)
	if err != nil {
		return err
	}
	if _, err := r.docker.Run(ctx, append(args, n.Container)...); err != nil {
		return fmt.Errorf("%s node %s: %w", verb, node, err)
	}
	return nil
}

// AddNode adds a node to the rig and waits until SSH answers.
func (r *Rig) AddNode(ctx context.Context, node string, p *progress.Reporter) error {
	spec := r.spec
	spec.Nodes = []string{node}
	if err := spec.validate(); err != nil {
		return err
	}
	return r.ensure(ctx, spec.Nodes, p)
}

// RemoveNode removes the node with all that is on it. Made again, it is a fresh host with another host key.
func (r *Rig) RemoveNode(ctx context.Context, node string) error {
	n, err := r.Node(node)
	if err != nil {
		return err
	}
	if err := r.removeContainer(ctx, n.Container); err != nil {
		return err
	}
	r.rec.Nodes = slices.Delete(r.rec.Nodes, r.rec.node(node), r.rec.node(node)+1)
	return r.writeFiles()
}

// Remove removes the whole rig: containers, volumes, network, and what it wrote into its folder.
func (r *Rig) Remove(ctx context.Context) error {
	there, err := states(ctx, r.docker, r.rec.Name)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	for node := range there {
		g.Go(func() error { return r.removeContainer(gctx, r.container(node)) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if n := r.rec.Network; n.Name != "" {
		if _, err := r.docker.Run(ctx, "network", "rm", n.Name); err != nil && !docker.IsNotFound(err) {
			return fmt.Errorf("remove network of rig %s: %w", r.rec.Name, err)
		}
		if err := r.docker.CloseFirewall(ctx, n.Bridge, n.Subnet); err != nil {
			return err
		}
	}
	var errs []error
	for _, name := range []string{"id_ed25519", "known_hosts", "ssh_config", mirrorName, mirrorURLFile, "rig.json"} {
		errs = append(errs, os.RemoveAll(filepath.Join(r.spec.Dir, name)))
	}
	if entries, err := os.ReadDir(r.spec.Dir); err == nil && len(entries) == 0 {
		errs = append(errs, os.Remove(r.spec.Dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove files of rig %s: %w", r.rec.Name, err)
	}
	return nil
}

// removeContainer removes a container with its volumes. One that isn't there is no error.
func (r *Rig) removeContainer(ctx context.Context, container string) error {
	if _, err := r.docker.Run(ctx, "rm", "--force", "--volumes", container); err != nil && !docker.IsNotFound(err) {
		return fmt.Errorf("remove container %s: %w", container, err)
	}
	return nil
}
