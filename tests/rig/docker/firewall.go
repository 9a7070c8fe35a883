package docker

import (
	"context"
	"fmt"

	"github.com/edge-arena/edge-arena/internal/command"
)

// OpenFirewall lets a network's hosts reach each other and the outside, and answers come back. A Docker that we found does that
// itself; ours is told to leave the machine's firewall alone, so that it can't get in the way of another one's chains and policy.
func (c *Client) OpenFirewall(ctx context.Context, bridge, subnet string) error {
	if !c.Ours {
		return nil
	}
	for _, rule := range firewall(bridge, subnet) {
		if _, err := iptables(ctx, rule, "--check"); err == nil {
			continue
		}
		if _, err := iptables(ctx, rule, "--insert"); err != nil {
			return fmt.Errorf("open firewall for %s: %w", bridge, err)
		}
	}
	return nil
}

// CloseFirewall takes back what [Client.OpenFirewall] did.
func (c *Client) CloseFirewall(ctx context.Context, bridge, subnet string) error {
	if !c.Ours {
		return nil
	}
	for _, rule := range firewall(bridge, subnet) {
		if _, err := iptables(ctx, rule, "--check"); err != nil {
			continue
		}
		if _, err := iptables(ctx, rule, "--delete"); err != nil {
			return fmt.Errorf("close firewall for %s: %w", bridge, err)
		}
	}
	return nil
}

// rule is one line of a table's chain.
type rule struct {
	table, chain string
	spec         []string
}

func firewall(bridge, subnet string) []rule {
	return []rule{
		{"filter", "FORWARD", []string{"-i", bridge, "-j", "ACCEPT"}},
		{"filter", "FORWARD", []string{"-o", bridge, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"}},
		{"nat", "POSTROUTING", []string{"-s", subnet, "!", "-o", bridge, "-j", "MASQUERADE"}},
	}
}

func iptables(ctx context.Context, r rule, action string) (string, error) {
	return command.Run(ctx, "iptables", append([]string{"--wait", "--table", r.table, action, r.chain}, r.spec...)...)
}
