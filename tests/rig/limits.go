package rig

import (
	"context"
	"fmt"
)

// Inotify instances are counted by user, and all that runs in the nodes is root's: the limit, 128 on most machines, is one for all nodes
// of all rigs and for the machine itself. A server takes 23: 17 of K3s, 4 of systemd, 1 each of containerd and D-Bus. Where they run out
// the kubelet ends, or a node does not boot.
const (
	inotifyLimit   = "fs.inotify.max_user_instances"
	inotifyPerNode = 32
	inotifyMachine = 64
)

// makeRoom sees that this kernel has room for some more nodes beside those of all rigs.
func (r *Rig) makeRoom(ctx context.Context, more int) error {
	others, err := r.docker.Lines(ctx, "ps", "--all", "--quiet", "--filter", "label="+rigLabel)
	if err != nil {
		return fmt.Errorf("count the nodes of all rigs: %w", err)
	}
	return r.spec.Machine.Raise(ctx, inotifyLimit, inotifyMachine+inotifyPerNode*(len(others)+more))
}
