package starts

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/hosts/hoststest"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/modules/config"
)

func TestHosts(t *testing.T) {
	t.Parallel()
	node := func(name string) config.Node {
		return config.Node{Name: name, NodeSettings: config.NodeSettings{}, Endpoint: config.Endpoint{Address: name}}
	}
	region := &config.Region{Cities: []config.City{
		{Name: "alpha", Nodes: []config.Node{node("a1"), node("a2"), node("a3")}}, {Name: "bravo", Nodes: []config.Node{node("b1")}},
	}}
	got, err := Hosts(region, "alpha", []slo.Target{{Node: "a1"}, {Node: "a3"}, {Node: "a1"}})
	require.NoError(t, err)
	require.Equal(t, map[string]config.Endpoint{"a1": {Address: "a1"}, "a3": {Address: "a3"}}, got, "nodes without battle pods are left alone")
	_, err = Hosts(region, "bravo", []slo.Target{{Node: "a1"}})
	require.EqualError(t, err, "the stack's file has none of the nodes that run the battle pods of bravo")
}

// host answers as a node would whose nodeprobe says answer.
func host(t *testing.T, answer string, asked *[]string) config.Endpoint {
	t.Helper()
	return hoststest.Start(t, func(command, stdin string) hoststest.Answer {
		*asked = append(*asked, command)
		if strings.Contains(command, "mktemp -d)") {
			if stdin != "the program" {
				return hoststest.Answer{Stderr: "no program", Status: 1}
			}
			return hoststest.Answer{Stdout: "/tmp/x"}
		}
		// What root would run is looked at by a shell, up to where it touches the node.
		if out, err := exec.Command("sh", "-n", "-c", stdin).CombinedOutput(); err != nil {
			return hoststest.Answer{Stderr: string(out), Status: 1}
		}
		return hoststest.Answer{Stdout: answer}
	}).Endpoint
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	var asked []string
	cfg := Config{Image: "r/battle@sha256:1", Starts: 2}
	got, err := measure(t.Context(), cfg, host(t, `[{"ready": 41000000}, {"ready": 39000000}]`, &asked), []byte("the program"))
	require.NoError(t, err)
	require.Equal(t, []time.Duration{41 * time.Millisecond, 39 * time.Millisecond}, got)
	require.Len(t, asked, 2)
	require.Equal(t, `sh -s -- /tmp/x '{"image":"r/battle@sha256:1","starts":2,"timeout":20000000000}'`, asked[1])

	_, err = measure(t.Context(), cfg, host(t, `[{"ready": 41000000}]`, &asked), []byte("the program"))
	require.EqualError(t, err, "nodeprobe tells of 1 starts, not of 2")
	_, err = measure(t.Context(), cfg, host(t, `none`, &asked), []byte("the program"))
	require.ErrorContains(t, err, "read nodeprobe's answer: ")
	_, err = measure(t.Context(), cfg, host(t, ``, &asked), []byte("other"))
	require.ErrorContains(t, err, "copy nodeprobe: ")
	_, err = Measure(t.Context(), Config{}, nil)
	require.EqualError(t, err, "measure cold starts: 0 is no number of starts: want 1 or more")
}
