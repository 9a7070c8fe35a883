package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

// inspected is what we need of `docker network inspect`.
type inspected struct {
	Name string
	IPAM struct{ Config []struct{ Subnet string } }
}

// ensureNetwork finds the rig's network or makes it. created tells which; the subnet prefer, if any, is tried first.
func ensureNetwork(ctx context.Context, d *docker.Client, rig, prefer string) (n network, created bool, err error) {
	all, err := inspectNetworks(ctx, d)
	if err != nil {
		return n, false, err
	}
	n = network{Name: prefix + rig, Bridge: bridgeName(rig)}
	used, err := hostRoutes()
	if err != nil {
		return n, false, err
	}
	for _, other := range all {
		for _, c := range other.IPAM.Config {
			subnet, err := netip.ParsePrefix(c.Subnet)
			if err != nil {
				return n, false, fmt.Errorf("read Docker network %s: %w", other.Name, err)
			}
			if other.Name == n.Name {
				n.Subnet = subnet.String()
				return n, false, d.OpenFirewall(ctx, n.Bridge, n.Subnet)
			}
			used = append(used, subnet)
		}
	}
	candidates := subnets(rig)
	if p, err := netip.ParsePrefix(prefer); err == nil {
		candidates = slices.Insert(candidates, 0, p)
	}
	for _, subnet := range free(candidates, used) {
		n.Subnet = subnet.String()
		_, err := d.Run(ctx, "network", "create", "--label", rigLabel+"="+rig, "--subnet", n.Subnet,
			"--gateway", host(subnet, 1).String(), "--opt", "com.docker.network.bridge.name="+n.Bridge, n.Name)
		switch {
		case err == nil:
			if _, err := net.InterfaceByName(n.Bridge); err != nil {
				_, rmErr := d.Run(ctx, "network", "rm", n.Name)
				return n, false, errors.Join(fmt.Errorf("this Docker keeps its networks away from this machine (is it rootless, remote or "+
					"in a virtual machine?), and nodes need addresses that can be reached: use one that runs here as root: %w", err), rmErr)
			}
			return n, true, d.OpenFirewall(ctx, n.Bridge, n.Subnet)
		case !overlaps(err):
			return n, false, fmt.Errorf("make network of rig %s: %w", rig, err)
		}
		// Another rig took this one between our look and our step.
	}
	return n, false, fmt.Errorf("make network of rig %s: every subnet of %v overlaps one that is in use", rig, ranges)
}

func inspectNetworks(ctx context.Context, d *docker.Client) ([]inspected, error) {
	for {
		ids, err := d.Lines(ctx, "network", "ls", "--quiet", "--no-trunc")
		if err != nil {
			return nil, fmt.Errorf("list Docker networks: %w", err)
		}
		out, err := d.Run(ctx, append([]string{"network", "inspect"}, ids...)...)
		if docker.IsNotFound(err) && ctx.Err() == nil {
			continue // one was removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list Docker networks: %w", err)
		}
		var all []inspected
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			return nil, fmt.Errorf("list Docker networks: %w", err)
		}
		return all, nil
	}
}

// bridgeName names the host's interface after the rig: it may have at most 15 characters.
func bridgeName(rig string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(rig))
	return fmt.Sprintf("ea-%012x", h.Sum64()>>16)
}

// overlaps tells whether err is Docker's answer that a subnet is taken.
func overlaps(err error) bool {
	var failed *command.Error
	return errors.As(err, &failed) && strings.Contains(strings.ToLower(failed.Output), "overlap")
}
