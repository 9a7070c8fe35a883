package agent

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Chains of ours, under flannel's names: whoever cleans up after K3s knows them.
const (
	natChain     = "FLANNEL-POSTRTG"
	forwardChain = "FLANNEL-FWD"
)

// ensureRules lets traffic of pods through, and gives what leaves the pods' network for elsewhere the node's address. Traffic
// between pods keeps its addresses.
func ensureRules(ctx context.Context, pods string) error {
	for _, r := range []struct {
		table, hook, chain string
		rules              [][]string
	}{
		{"filter", "FORWARD", forwardChain, [][]string{
			{"-s", pods, "-j", "ACCEPT"},
			{"-d", pods, "-j", "ACCEPT"},
		}},
		{"nat", "POSTROUTING", natChain, [][]string{
			{"-s", pods, "-d", pods, "-j", "RETURN"},
			{"-s", pods, "!", "-d", "224.0.0.0/4", "-j", "MASQUERADE", "--random-fully"},
		}},
	} {
		if err := ensureChain(ctx, r.table, r.hook, r.chain, r.rules); err != nil {
			return err
		}
	}
	return nil
}

func ensureChain(ctx context.Context, table, hook, chain string, rules [][]string) error {
	if iptables(ctx, table, "-n", "-L", chain) != nil {
		if err := iptables(ctx, table, "-N", chain); err != nil {
			return err
		}
	}
	for _, rule := range append([][]string{}, rules...) {
		if iptables(ctx, table, append([]string{"-C", chain}, rule...)...) == nil {
			continue
		}
		if err := iptables(ctx, table, append([]string{"-A", chain}, rule...)...); err != nil {
			return err
		}
	}
	jump := []string{hook, "-m", "comment", "--comment", "flanneld (stand-in)", "-j", chain}
	if iptables(ctx, table, append([]string{"-C"}, jump...)...) == nil {
		return nil
	}
	return iptables(ctx, table, append([]string{"-A"}, jump...)...)
}

func iptables(ctx context.Context, table string, args ...string) error {
	args = append([]string{"-w", "-t", table}, args...)
	if out, err := exec.CommandContext(ctx, "iptables", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("iptables %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

func same(file string, data []byte) bool {
	have, err := os.ReadFile(file)
	return err == nil && bytes.Equal(have, data)
}
