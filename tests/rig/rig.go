// Package rig makes city nodes on one machine: containers that are hosts to all who reach them over SSH, with systemd, sshd and a
// static address. Several rigs with different names live side by side.
package rig

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
	"github.com/edge-arena/edge-arena/tests/rig/nodeimage"
)

// Rig is a rig that was started. Its methods may be called concurrently for different nodes; those that add or remove nodes may not.
type Rig struct {
	spec   Spec
	rec    *record
	docker *docker.Client
	key    ssh.Signer
	image  string
}

// Start makes what is missing of the rig, starts what is stopped, and returns when SSH answers on every node. Nodes that exist
// beyond those of the spec (see [Rig.AddNode]) are left alone.
func Start(ctx context.Context, spec Spec, p *progress.Reporter) (*Rig, error) {
	spec, err := spec.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := spec.validate(); err != nil {
		return nil, err
	}
	d, err := spec.Machine.Ensure(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(spec.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the rig's folder: %w", err)
	}
	r := &Rig{spec: spec, docker: d}
	if r.key, err = ensureKey(spec.Dir); err != nil {
		return nil, err
	}
	if r.rec, err = readRecord(spec.Dir); err != nil {
		return nil, err
	}
	if r.rec == nil {
		r.rec = &record{}
	}
	if r.rec.Name != "" && r.rec.Name != spec.Name {
		return nil, fmt.Errorf("%s holds rig %q, not %q", spec.Dir, r.rec.Name, spec.Name)
	}
	r.rec.Name, r.rec.Docker, r.rec.Ours, r.rec.Memory, r.rec.CPUs = spec.Name, d.Host, d.Ours, spec.Memory, spec.CPUs
	if err := r.ensure(ctx, spec.Nodes, p); err != nil {
		return nil, err
	}
	return r, nil
}

// Open returns the rig that was started in dir. It looks at nothing but the folder.
func Open(dir string) (*Rig, error) {
	spec, err := Spec{Dir: dir}.withDefaults()
	if err != nil {
		return nil, err
	}
	rec, err := readRecord(spec.Dir)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, fmt.Errorf("%s holds no rig: start one first", spec.Dir)
	}
	key, err := ensureKey(spec.Dir)
	if err != nil {
		return nil, err
	}
	spec.Name = rec.Name
	return &Rig{spec: spec, rec: rec, docker: &docker.Client{Host: rec.Docker, Ours: rec.Ours}, key: key}, nil
}

// Exists tells whether dir holds a rig.
func Exists(dir string) bool {
	_, err := os.Stat(recordFile(dir))
	return err == nil
}

// ensure makes the network, the mirror and the named nodes, and waits until they answer.
func (r *Rig) ensure(ctx context.Context, names []string, p *progress.Reporter) error {
	there, err := states(ctx, r.docker, r.rec.Name)
	if err != nil {
		return err
	}
	var created bool
	r.rec.Network, created, err = ensureNetwork(ctx, r.docker, r.rec.Name, r.rec.Network.Subnet)
	if err != nil {
		return err
	}
	if created {
		// A start that fails from here on has made something: Remove finds it.
		if err := r.rec.write(r.spec.Dir); err != nil {
			return err
		}
	}
	for name := range there {
		// A container that has lost its network can't start again, and one whose host key we do not know can't be trusted.
		if created || (name != mirrorName && !r.rec.hasKey(name)) {
			if err := r.removeContainer(ctx, r.container(name)); err != nil {
				return err
			}
			delete(there, name)
		}
	}
	if err := r.place(names); err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return there[n] != "" })
	if len(missing) > 0 || (r.spec.Release != nil && there[mirrorName] == "") {
		if r.image, err = nodeimage.Ensure(ctx, r.spec.Machine, r.docker, r.spec.Cache, p); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		if err := r.makeRoom(ctx, len(missing)); err != nil {
			return err
		}
		if err := r.createNodes(ctx, missing); err != nil {
			return err
		}
	}
	if err := r.ensureMirror(ctx, there[mirrorName], p); err != nil {
		return err
	}
	if err := r.writeFiles(); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, name := range names {
		g.Go(func() error { return r.bring(ctx, r.rec.Nodes[r.rec.node(name)], there[name]) })
	}
	return g.Wait()
}

// place gives every named node that has none its container name and address, and forgets addresses outside the network.
func (r *Rig) place(names []string) error {
	subnet, err := netip.ParsePrefix(r.rec.Network.Subnet)
	if err != nil {
		return fmt.Errorf("read the rig's subnet: %w", err)
	}
	taken := map[string]bool{}
	r.rec.Nodes = slices.DeleteFunc(r.rec.Nodes, func(n Node) bool {
		a, err := netip.ParseAddr(n.Address)
		inside := err == nil && subnet.Contains(a)
		taken[n.Address] = inside
		return !inside
	})
	for _, name := range names {
		if r.rec.node(name) >= 0 {
			continue
		}
		next := firstNodeHost
		for taken[host(subnet, next).String()] {
			next++
		}
		if next > lastNodeHost {
			return fmt.Errorf("place node %s: the rig's network is full", name)
		}
		address := host(subnet, next).String()
		taken[address] = true
		r.rec.Nodes = append(r.rec.Nodes, Node{Name: name, Container: r.container(name), Address: address})
	}
	return nil
}

func (r *Rig) createNodes(ctx context.Context, names []string) error {
	flags := confinement(ctx, r.docker, r.image)
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	for _, name := range names {
		i := r.rec.node(name)
		n := r.rec.Nodes[i]
		g.Go(func() error {
			made, err := r.createNode(ctx, n, flags, r.key)
			if err != nil {
				// Half a node would be taken for a whole one by the next start.
				return errors.Join(err, r.removeContainer(context.WithoutCancel(ctx), n.Container))
			}
			mu.Lock()
			defer mu.Unlock()
			r.rec.Nodes[i] = made
			return r.rec.write(r.spec.Dir)
		})
	}
	return g.Wait()
}

// bring gets an existing node from its state to one where SSH answers.
func (r *Rig) bring(ctx context.Context, n Node, state string) error {
	switch state {
	case "exited", "created":
		if _, err := r.docker.Run(ctx, "start", n.Container); err != nil {
			return fmt.Errorf("start node %s: %w", n.Name, err)
		}
	case "paused":
		if _, err := r.docker.Run(ctx, "unpause", n.Container); err != nil {
			return fmt.Errorf("unpause node %s: %w", n.Name, err)
		}
	}
	return r.waitReady(ctx, n)
}

// writeFiles writes the record and the SSH files.
func (r *Rig) writeFiles() error {
	hosts, err := renderKnownHosts(r.rec.Nodes)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(r.spec.Dir, "known_hosts"), hosts, 0o644); err != nil {
		return err
	}
	if err := writeFile(r.SSHConfig(), renderSSHConfig(r.spec.Dir, r.rec.Nodes), 0o644); err != nil {
		return err
	}
	if r.rec.Mirror != nil {
		// A stack file names this file, for the mirror's address isn't known before.
		if err := writeFile(filepath.Join(r.spec.Dir, mirrorURLFile), []byte(r.rec.Mirror.URL+"\n"), 0o644); err != nil {
			return err
		}
	}
	return r.rec.write(r.spec.Dir)
}

func (r *Rig) container(node string) string { return prefix + r.rec.Name + "-" + node }
