package server

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

const defaultNodeMask = 24

// podNetworks hands out the parts of the cluster's pod network. Kubernetes' own allocator waits for ten seconds at each start, and
// all other controllers with it.
type podNetworks struct {
	all  netip.Prefix
	bits int
}

// newPodNetworks takes the size of a node's part from the arguments of the controller manager, whose flag it is.
func newPodNetworks(clusterCIDR string, controllerArgs []string) (podNetworks, error) {
	all, err := netip.ParsePrefix(clusterCIDR)
	if err != nil {
		return podNetworks{}, fmt.Errorf("cluster-cidr: %w", err)
	}
	p := podNetworks{all: all.Masked(), bits: defaultNodeMask}
	for _, arg := range controllerArgs {
		name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if name != "node-cidr-mask-size" && name != "node-cidr-mask-size-ipv4" {
			continue
		}
		if p.bits, err = strconv.Atoi(value); err != nil {
			return podNetworks{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	if !all.Addr().Is4() || p.bits < all.Bits() || p.bits > 30 {
		return podNetworks{}, fmt.Errorf("a node's pod network of %d bits does not fit into %s", p.bits, all)
	}
	return p, nil
}

// next is the first part that is not taken.
func (p podNetworks) next(taken []string) (string, error) {
	var used []netip.Prefix
	for _, t := range taken {
		prefix, err := netip.ParsePrefix(t)
		if err != nil {
			return "", fmt.Errorf("pod network of a node: %w", err)
		}
		used = append(used, prefix)
	}
	base := p.all.Addr().As4()
	first := uint64(binary.BigEndian.Uint32(base[:]))
	for i := uint64(0); i < 1<<(p.bits-p.all.Bits()); i++ {
		var address [4]byte
		binary.BigEndian.PutUint32(address[:], uint32(first+i<<(32-p.bits)))
		candidate := netip.PrefixFrom(netip.AddrFrom4(address), p.bits)
		if !overlapsAny(candidate, used) {
			return candidate.String(), nil
		}
	}
	return "", fmt.Errorf("no pod network is left in %s", p.all)
}

func overlapsAny(p netip.Prefix, others []netip.Prefix) bool {
	for _, other := range others {
		if p.Overlaps(other) {
			return true
		}
	}
	return false
}
