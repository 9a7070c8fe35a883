package rig

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSubnets(t *testing.T) {
	t.Parallel()
	all := subnets("local")
	require.Equal(t, all, subnets("local"), "the same name gives the same order")
	require.NotEqual(t, all[0], subnets("other")[0])
	require.Len(t, all, 3*256)
	require.Empty(t, free(all, ranges), "all lie in the ranges")
	seen := map[netip.Prefix]bool{}
	for _, s := range all {
		require.False(t, seen[s], "%s is there twice", s)
		seen[s] = true
	}
}

func TestFree(t *testing.T) {
	t.Parallel()
	p := netip.MustParsePrefix
	candidates := []netip.Prefix{p("10.213.1.0/24"), p("10.213.2.0/24"), p("172.29.1.0/24")}
	tests := map[string]struct{ used, want []netip.Prefix }{
		"nothing in use":     {want: candidates},
		"the same":           {used: candidates[:1], want: candidates[1:]},
		"a part of one":      {used: []netip.Prefix{p("10.213.2.128/25")}, want: []netip.Prefix{candidates[0], candidates[2]}},
		"a range around two": {used: []netip.Prefix{p("10.0.0.0/8")}, want: candidates[2:]},
		"IPv6 is no matter":  {used: []netip.Prefix{p("fd00::/8")}, want: candidates},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, free(candidates, tt.used))
		})
	}
}

func TestParseRoutes(t *testing.T) {
	t.Parallel()
	const head = "Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT\n"
	tests := map[string]struct {
		in   string
		want []netip.Prefix
		err  string
	}{
		"default and local": {
			in: head + "eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0\n" +
				"eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0\n" +
				"tun0	00000CAC	00000000	0001	0	0	0	0000FCFF	0	0	0\n",
			want: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("172.12.0.0/14")},
		},
		"no routes":     {in: head},
		"a short line":  {in: head + "eth0 0\n", err: `unexpected line "eth0 0"`},
		"no hex number": {in: head + "eth0 x 0 0 0 0 0 00000000\n", err: `destination "x"`},
		"a short mask":  {in: head + "eth0 000200C0 0 0 0 0 0 00FF\n", err: `mask "00FF": has 2 bytes`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseRoutes(strings.NewReader(tt.in))
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestBridgeNameFitsAnInterface(t *testing.T) {
	t.Parallel()
	require.Len(t, bridgeName("local"), 15)
	require.NotEqual(t, bridgeName("local"), bridgeName("local2"))
}
