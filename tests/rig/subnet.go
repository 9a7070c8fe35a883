package rig

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io"
	"net/netip"
	"os"
	"strings"
)

// ranges are where a rig's /24 may lie, in order of preference: private, rarely used, and apart from K3s's 10.42 and 10.43.
var ranges = []netip.Prefix{
	netip.MustParsePrefix("10.213.0.0/16"),
	netip.MustParsePrefix("172.29.0.0/16"),
	netip.MustParsePrefix("192.168.0.0/16"),
}

// The places in a rig's subnet: .1 is the host, .2 the mirror, nodes follow from .11 on.
const (
	mirrorHost    = 2
	firstNodeHost = 11
	lastNodeHost  = 254
)

// subnets lists every /24 that a rig of this name may get. The name gives the first, so that a rig usually keeps its addresses when
// it is made anew, and rigs side by side seldom meet.
func subnets(name string) []netip.Prefix {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	start := int(h.Sum32() % 256)
	var out []netip.Prefix
	for _, r := range ranges {
		for i := range 256 {
			a := r.Addr().As4()
			a[2] = byte((start + i) % 256)
			out = append(out, netip.PrefixFrom(netip.AddrFrom4(a), 24))
		}
	}
	return out
}

// free returns the subnets that overlap none of those in use.
func free(candidates, used []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
next:
	for _, c := range candidates {
		for _, u := range used {
			if c.Overlaps(u) {
				continue next
			}
		}
		out = append(out, c)
	}
	return out
}

// host returns the n-th address of the subnet.
func host(subnet netip.Prefix, n int) netip.Addr {
	a := subnet.Addr().As4()
	a[3] = byte(n)
	return netip.AddrFrom4(a)
}

// hostRoutes returns the IPv4 destinations that the host has routes to, apart from the default route.
func hostRoutes() ([]netip.Prefix, error) {
	f, err := os.Open("/proc/net/route")
	if err != nil {
		return nil, fmt.Errorf("read the host's routes: %w", err)
	}
	defer func() { _ = f.Close() }()
	return parseRoutes(f)
}

// parseRoutes reads the format of /proc/net/route: destination and mask are hexadecimal in the host's byte order.
func parseRoutes(r io.Reader) ([]netip.Prefix, error) {
	var out []netip.Prefix
	lines := bufio.NewScanner(r)
	lines.Scan() // the head line
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 8 {
			return nil, fmt.Errorf("read the host's routes: unexpected line %q", lines.Text())
		}
		dest, err := hexAddr(f[1])
		if err != nil {
			return nil, fmt.Errorf("read the host's routes: destination %q: %w", f[1], err)
		}
		mask, err := hexAddr(f[7])
		if err != nil {
			return nil, fmt.Errorf("read the host's routes: mask %q: %w", f[7], err)
		}
		if bits := maskBits(mask); bits > 0 {
			out = append(out, netip.PrefixFrom(netip.AddrFrom4(dest), bits))
		}
	}
	return out, lines.Err()
}

func hexAddr(s string) (a [4]byte, err error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return a, err
	}
	if len(b) != len(a) {
		return a, fmt.Errorf("has %d bytes", len(b))
	}
	binary.NativeEndian.PutUint32(a[:], binary.BigEndian.Uint32(b))
	return a, nil
}

func maskBits(mask [4]byte) int {
	bits := 0
	for m := binary.BigEndian.Uint32(mask[:]); m&(1<<31) != 0; m <<= 1 {
		bits++
	}
	return bits
}
