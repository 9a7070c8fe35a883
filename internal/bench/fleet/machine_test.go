package fleet

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

func TestMemoryDir(t *testing.T) {
	t.Parallel()
	const id = "6607fbdc13e2"
	tests := map[string]struct{ content, want string }{
		"v1": {"4:memory:/docker/" + id + "/init.scope\n3:cpuset:/docker/" + id + "\n0::/docker/" + id + "\n", "/sys/fs/cgroup/memory/docker/" + id},
		"v2": {"0::/docker/" + id + "/init.scope\n", "/sys/fs/cgroup/docker/" + id},
		"v2 with systemd": {
			"0::/system.slice/docker-" + id + ".scope/init.scope\n", "/sys/fs/cgroup/system.slice/docker-" + id + ".scope",
		},
		"none":    {"0::/user.slice\nx\n", ""},
		"nothing": {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, memoryDir(tt.content, id))
		})
	}
}

func TestWorkingSet(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files map[string]string
		want  int64
	}{
		"v1":   {map[string]string{"memory.usage_in_bytes": "1000\n", "memory.stat": "cache 1\ninactive_file 1\ntotal_inactive_file 300\n"}, 700},
		"v2":   {map[string]string{"memory.current": "1000\n", "memory.stat": "file 1\ninactive_file 400\n"}, 600},
		"gone": {nil, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, content := range tt.files {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600))
			}
			require.Equal(t, tt.want, workingSet(dir))
		})
	}
}

func TestParseProcess(t *testing.T) {
	t.Parallel()
	const rest = " S 7 1 1 0 -1 0 0 0 0 0 11 5 0 0 20 0 9 0 4242 1000 77 0"
	tests := map[string]struct {
		stat string
		want process
		ok   bool
	}{
		"usual":            {"12 (pulumi)" + rest, process{pid: 12, parent: 7, ticks: 16, born: 4242, rss: 77}, true},
		"a name of spaces": {"12 (a) b (c)" + rest, process{pid: 12, parent: 7, ticks: 16, born: 4242, rss: 77}, true},
		"cut off":          {"12 (pulumi) S 7", process{}, false},
		"no number":        {"x (pulumi)" + rest, process{parent: 7, ticks: 16, born: 4242, rss: 77}, false},
		"empty":            {"", process{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := parseProcess(tt.stat)
			require.Equal(t, tt.ok, ok)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestBelow(t *testing.T) {
	t.Parallel()
	all := []process{{pid: 1}, {pid: 2, parent: 1}, {pid: 3, parent: 2}, {pid: 4, parent: 3}, {pid: 5, parent: 1}}
	require.Equal(t, []process{{pid: 3, parent: 2}, {pid: 4, parent: 3}}, below(all, 2))
}

func TestUsageOfThisMachine(t *testing.T) {
	t.Parallel()
	stop, err := watchUsage()
	require.NoError(t, err)
	require.NotEmpty(t, processes())
	cpu, peak := stop()
	require.GreaterOrEqual(t, cpu, 0.0)
	require.GreaterOrEqual(t, peak, int64(0))
}

func TestFit(t *testing.T) {
	t.Parallel()
	r := &config.Region{Name: "east", Cities: []config.City{{
		Settings: config.Settings{Battle: config.Battle{Replicas: 10}},
		Nodes:    []config.Node{{Role: config.RoleServer}, {Role: config.RoleAgent}},
	}}}
	need := int64(operatorRegion + operatorCity + serverMemory + agentMemory + 10*podMemory)
	require.Equal(t, need, neededBy(r))
	require.NoError(t, fit(need, need))
	require.EqualError(t, fit(need, 1e9), "it takes about 2.3 GB of memory, and 1.0 GB are available: stop what else runs here, or measure less (--regions, --sizes)")
}

func TestParsePods(t *testing.T) {
	t.Parallel()
	ready, restarts, err := parsePods([]byte(`{"items": [
		{"status": {"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"restartCount": 2}]}},
		{"status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "Initialized", "status": "True"}], "containerStatuses": [{"restartCount": 1}]}},
		{"status": {}}]}`))
	require.NoError(t, err)
	require.Equal(t, []int{1, 3}, []int{ready, restarts})
	_, _, err = parsePods([]byte("No resources found"))
	require.ErrorContains(t, err, "count pods: ")
}

func TestMoved(t *testing.T) {
	t.Parallel()
	require.Empty(t, moved(map[string]string{"a": "10.0.0.1"}, map[string]string{"a": "10.0.0.1"}))
	pairs := moved(map[string]string{"a": "10.0.0.1"}, map[string]string{"a": "10.0.9.1"})
	require.Contains(t, pairs, "10.0.0.1:")
	require.NotContains(t, pairs, "10.0.0.1")
}
