package rig

import (
	"context"
	"fmt"
)

// cutRules drop all that enters or leaves a node. They stand in the node's own network namespace, and in the mangle table: its
// chains also see what pods send and receive, and address, routes and the interfaces of the pod network stay as they are, which
// they wouldn't if the container were taken off its network.
var cutRules = [][]string{
	{"PREROUTING", "-i", "eth0", "-j", "DROP"},
	{"POSTROUTING", "-o", "eth0", "-j", "DROP"},
}

// CutOff cuts the node off from the network: from the other nodes, the mirror and this machine. A reboot heals the cut.
func (r *Rig) CutOff(ctx context.Context, node string) error {
	for _, rule := range cutRules {
		if _, err := r.mangle(ctx, node, "--check", rule); err == nil {
			continue
		}
		if _, err := r.mangle(ctx, node, "--insert", rule); err != nil {
			return fmt.Errorf("cut node %s off: %w", node, err)
		}
	}
	return nil
}

// Reconnect ends a cut.
func (r *Rig) Reconnect(ctx context.Context, node string) error {
	for _, rule := range cutRules {
		if _, err := r.mangle(ctx, node, "--check", rule); err != nil {
			continue
		}
		if _, err := r.mangle(ctx, node, "--delete", rule); err != nil {
			return fmt.Errorf("reconnect node %s: %w", node, err)
		}
	}
	return nil
}

func (r *Rig) mangle(ctx context.Context, node, action string, rule []string) (string, error) {
	return r.Exec(ctx, node, append([]string{"iptables", "--wait", "--table", "mangle", action}, rule...)...)
}
