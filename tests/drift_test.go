//go:build e2e

package tests

import (
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/drift"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

// requireUntouchedByReading reads a node that was never brought up, and asserts that it is told so and left as it was.
func (c *city) requireUntouchedByReading(node string) {
	c.t.Helper()
	before := c.snapshot(node)
	require.Equal(c.t, []k3s.Difference{{Item: "K3s", Wanted: "v1.30.4+k3s1", Found: "not installed"}}, c.readDrift(node).Differences)
	require.Empty(c.t, before.Diff(c.snapshot(node)).Without("machine-sysctls").String(), "what reading changed on %s", node)
}

// requireDriftIsMended changes a server behind Pulumi's back, and asserts that all of it is told, that refresh sees none of it, and that an
// update which runs the node's installer again mends it.
func (c *city) requireDriftIsMended(node string) {
	c.t.Helper()
	require.Empty(c.t, c.readDrift(node).Differences)

	_, err := c.rig.Exec(c.t.Context(), node, "sh", "-ec", `
systemctl stop k3s
systemctl disable k3s
sed -i "s/'--node-name'/'--debug' '--node-name'/" /etc/systemd/system/k3s.service
sed -i s/crun/runc/ /var/lib/rancher/k3s/agent/etc/containerd/config.toml.tmpl
sed -i /wasmedge/d /var/lib/rancher/k3s/agent/etc/containerd/config.toml
printf x >>/usr/local/bin/k3s
echo 0 >/proc/sys/net/ipv4/ip_forward`)
	require.NoError(c.t, err)

	drifted := c.readDrift(node)
	var items []string
	for _, d := range drifted.Differences {
		items = append(items, d.Item)
	}
	require.Equal(c.t, []string{
		"service", "service at boot", "K3s binary", "flags", "containerd template", "containerd config",
		// Who sets the first of them sets the second as well.
		"sysctl net.ipv4.ip_forward", "sysctl net.ipv4.conf.default.forwarding",
	}, items, "%+v", drifted.Differences)
	require.Contains(c.t, drifted.Differences, k3s.Difference{Item: "flags", Wanted: "nothing", Found: "--debug"})
	require.Contains(c.t, drifted.Differences, k3s.Difference{Item: "sysctl net.ipv4.ip_forward", Wanted: "1", Found: "0"})
	require.NoError(c.t, c.stack.Up(c.t.Context(), "--expect-no-changes"), "to Pulumi nothing has changed")

	state, err := c.stack.State(c.t.Context())
	require.NoError(c.t, err)
	mend := drift.Replacements(state, []drift.NodeReport{drifted})
	require.Len(c.t, mend, 2, "one node's installer")
	require.NoError(c.t, c.stack.Up(c.t.Context(), mend...))
	require.Empty(c.t, c.readDrift(node).Differences)
	require.NoError(c.t, c.stack.Up(c.t.Context(), "--expect-no-changes"))
}

func (c *city) readDrift(node string) drift.NodeReport {
	c.t.Helper()
	region, err := c.stack.Region()
	require.NoError(c.t, err)
	reports := drift.Read(c.t.Context(), region, 0)
	require.NoError(c.t, drift.Unread(reports))
	for _, r := range reports {
		if r.Node == node {
			return r
		}
	}
	require.Fail(c.t, "no report", "of node %s", node)
	return drift.NodeReport{}
}
