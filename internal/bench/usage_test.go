package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/bench/proc"
)

const (
	uid    = "cff922cd-d35a-41fd-974f-4a8009cade57"
	v1     = "2:cpuacct:/kubepods/burstable/pod" + uid + "/c7\n1:cpu:/kubepods/burstable/pod" + uid + "/c7\n"
	v2     = "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podcff922cd_d35a_41fd_974f_4a8009cade57.slice/cri-containerd-c7.scope\n"
	others = "0::/kubepods/burstable/pod00000000-d35a-41fd-974f-4a8009cade57/c7\n"
)

func TestUsageOfCountsThePodsServers(t *testing.T) {
	t.Parallel()
	sample := func(at, cpu time.Duration) proc.Sample {
		return proc.Sample{Taken: time.Unix(0, int64(at)), Processes: []proc.Process{
			{PID: 1, Parent: 6, Command: "/app", Cgroup: v1, CPU: cpu, PSS: 10, RSS: 20, FilePSS: 3},
			{PID: 2, Parent: 7, Command: "/app", Cgroup: v2, CPU: 2 * cpu, PSS: 30, RSS: 40, FilePSS: 4},
			{PID: 3, Parent: 6, Command: "/pause", Cgroup: v1, CPU: 100 * cpu, PSS: 1000},
			{PID: 4, Command: "/app", Cgroup: others, CPU: 100 * cpu, PSS: 1000},
			{PID: 5, Command: "/app", Cgroup: "0::/", CPU: 100 * cpu, PSS: 1000},
			{PID: 6, Parent: 1, Command: "/usr/bin/containerd-shim-runc-v2 -id 6c", Cgroup: "0::/", PSS: 100},
			{PID: 7, Parent: 1, Command: "/usr/bin/containerd-shim-runc-v2 -id 7c", Cgroup: v1, CPU: 100 * cpu, PSS: 200},
			{PID: 8, Parent: 1, Command: "/usr/bin/containerd-shim-runc-v2 -id 8c", Cgroup: "0::/", PSS: 400},
		}}
	}
	before, later := sample(0, time.Second), sample(10*time.Second, 2*time.Second)
	u, err := usageOf(before, later, later, []string{uid})
	require.NoError(t, err)
	require.Equal(t, usage{servers: 2, cores: .3, rss: 60, weight: PodWeight{Libraries: 7, Own: 33, Pause: 1000, Shim: 300}}, u)

	require.Equal(t, int64(40), u.weight.server())
	require.Equal(t, PodWeight{Libraries: 3, Own: 16, Pause: 500, Shim: 150}, u.weight.over(2))

	before.Processes = before.Processes[1:]
	_, err = usageOf(before, later, later, []string{uid})
	require.EqualError(t, err, "server 1 (/app) was started while it was measured")
}

func TestWeigh(t *testing.T) {
	t.Parallel()
	const shim = "/usr/bin/containerd-shim-runc-v2 -namespace k8s.io -id 6c"
	commands := map[string]proc.Process{
		groupK3s:        {Command: "/usr/local/bin/k3s server --disable traefik", Cgroup: "0::/system.slice/k3s.service\n"},
		groupContainerd: {Command: "/usr/bin/containerd -c /var/lib/rancher/k3s/agent/etc/containerd/config.toml", Cgroup: "0::/system.slice/k3s.service\n"},
		groupShims:      {Command: shim, Cgroup: "0::/system.slice/k3s.service\n"},
		groupPause:      {Command: "/pause", Cgroup: v1},
		groupBattle:     {Command: "[libcrun:wasmedge] /app.so", Cgroup: v2},
		groupLobby:      {Command: "/lobby -listen=:8080", Cgroup: v2},
		groupNATS:       {Command: "/usr/local/bin/nats-server -c /etc/nats/nats.conf", Cgroup: v1},
		groupGatekeeper: {Command: "/manager --operation=webhook", Cgroup: v2},
		groupMonitoring: {Command: "/bin/prometheus --config.file=/etc/monitoring/prometheus.yaml", Cgroup: v1},
		groupPods:       {Command: "/coredns -conf /etc/coredns/Corefile", Cgroup: others},
		groupSystem:     {Command: "sshd: /usr/sbin/sshd -D [listener] 0 of 100-200 startups", Cgroup: "0::/system.slice/ssh.service\n"},
	}
	require.Len(t, commands, len(groups()))
	var s proc.Sample
	want := Weights{}
	for i, g := range groups() {
		p := commands[g]
		p.PSS = 1 << i
		s.Processes = append(s.Processes, p)
		want[g] = p.PSS
	}
	// A shim in the cgroup of its pod is a shim all the same.
	s.Processes = append(s.Processes, proc.Process{Command: shim, Cgroup: v1, PSS: 1 << 20})
	want[groupShims] += 1 << 20
	require.Equal(t, want, weigh(s))
}
