package drift

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/hosts/hoststest"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

// region is one city, oslo, of a server a and an agent b at those endpoints.
func region(a, b config.Endpoint) *config.Region {
	return &config.Region{Name: "north", Cities: []config.City{{
		Name:     "oslo",
		Settings: config.Settings{K3s: config.K3s{Version: "v1.30.4+k3s1"}},
		Nodes: []config.Node{
			{Name: "b", Role: config.RoleAgent, Endpoint: b},
			{Name: "a", Role: config.RoleServer, Endpoint: a},
		},
	}}}
}

func TestRead(t *testing.T) {
	t.Parallel()
	inspect := func(node, differences string) func(string, string) hoststest.Answer {
		return func(command, stdin string) hoststest.Answer {
			if !strings.HasPrefix(command, "sh -s -- inspect ") || !strings.Contains(stdin, "ARENA_OWNER=north/oslo\n") {
				return hoststest.Answer{Stderr: "not an inspection of oslo's: " + command, Status: 1}
			}
			return hoststest.Answer{Stdout: `{"node":"` + node + `","k3s":"v1","k3sSHA256":"","wasmedge":"0.14.1","differences":[` + differences + `]}`}
		}
	}
	state := func(node string, differences ...k3s.Difference) k3s.State {
		return k3s.State{Node: node, K3s: "v1", WasmEdge: "0.14.1", Differences: append([]k3s.Difference{}, differences...)}
	}
	tests := map[string]struct {
		a, b func(string, string) hoststest.Answer
		want []NodeReport
	}{
		"nothing differs": {inspect("a", ""), inspect("b", ""), []NodeReport{{City: "oslo", State: state("a")}, {City: "oslo", State: state("b")}}},
		"something does": {inspect("a", ""), inspect("b", `{"item":"service","wanted":"active","found":"failed"}`), []NodeReport{
			{City: "oslo", State: state("a")},
			{City: "oslo", State: state("b", k3s.Difference{Item: "service", Wanted: "active", Found: "failed"})},
		}},
		"one cannot be read": {func(string, string) hoststest.Answer { return hoststest.Answer{Stderr: "no sudo", Status: 1} }, inspect("b", ""), []NodeReport{
			{City: "oslo", State: k3s.State{Node: "a"}, Error: "command on ADDRESS: Process exited with status 1:\nno sudo"},
			{City: "oslo", State: state("b")},
		}},
		"one is another": {inspect("b", ""), inspect("b", ""), []NodeReport{
			{City: "oslo", State: k3s.State{Node: "a"}, Error: `the inspection's report is of node "b", not "a"`},
			{City: "oslo", State: state("b")},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := hoststest.Start(t, tt.a), hoststest.Start(t, tt.b)
			got := Read(t.Context(), region(a.Endpoint, b.Endpoint), 1)
			for i := range got {
				before, rest, _ := strings.Cut(got[i].Error, "127.0.0.1:")
				if rest != "" {
					_, rest, _ = strings.Cut(rest, ":")
					got[i].Error = before + "ADDRESS:" + rest
				}
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func reports() []NodeReport {
	return []NodeReport{
		{City: "oslo", State: k3s.State{Node: "a", K3s: "v1.30.4+k3s1", WasmEdge: "0.14.1"}},
		{City: "oslo", State: k3s.State{Node: "b", K3s: "v1.30.4+k3s1", WasmEdge: "0.14.1", Differences: []k3s.Difference{
			{Item: "K3s binary", Wanted: strings.Repeat("0a", 32), Found: strings.Repeat("0b", 32)},
			{Item: "service", Wanted: "active", Found: "failed"},
		}}},
		{City: "rome", State: k3s.State{Node: "a"}, Error: "dial 192.0.2.9:22: no answer within 15s"},
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	Table(&out, reports())
	require.Equal(t, `
┌──────┬──────┬──────────────┬──────────┬───────────────────┬───────────────┬─────────────────────────────────────────┐
│ CITY │ NODE │ K3S          │ WASMEDGE │ DIFFERS           │ WANTED        │ FOUND                                   │
├──────┼──────┼──────────────┼──────────┼───────────────────┼───────────────┼─────────────────────────────────────────┤
│ oslo │ a    │ v1.30.4+k3s1 │ 0.14.1   │ nothing           │               │                                         │
│ oslo │ b    │ v1.30.4+k3s1 │ 0.14.1   │ K3s binary        │ 0a0a0a0a0a0a… │ 0b0b0b0b0b0b…                           │
│ oslo │ b    │ v1.30.4+k3s1 │ 0.14.1   │ service           │ active        │ failed                                  │
│ rome │ a    │              │          │ could not be read │               │ dial 192.0.2.9:22: no answer within 15s │
└──────┴──────┴──────────────┴──────────┴───────────────────┴───────────────┴─────────────────────────────────────────┘
`, "\n"+out.String())
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, WriteJSON(&out, map[string][]NodeReport{"north": reports()}))
	var read map[string][]map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &read))
	require.Equal(t, "b", read["north"][1]["node"])
	require.Equal(t, map[string]any{"item": "service", "wanted": "active", "found": "failed"}, read["north"][1]["differences"].([]any)[1])
	require.Equal(t, "dial 192.0.2.9:22: no answer within 15s", read["north"][2]["error"])
}

func TestReplacements(t *testing.T) {
	t.Parallel()
	const command = "urn:pulumi:north::edge-arena::edge-arena:city:City$edge-arena:k3s:Cluster$command:remote:Command::"
	resource := func(name string) stack.Resource {
		return stack.Resource{URN: command + name, Type: "command:remote:Command"}
	}
	replaced := resource("oslo-b-k3s")
	replaced.Delete = true
	state := stack.State{Resources: []stack.Resource{
		resource("oslo-a-k3s"), resource("oslo-b-host"), replaced, resource("oslo-b-k3s"), resource("rome-a-k3s"),
		{URN: "urn:pulumi:north::edge-arena::x:y:Z::oslo-b-k3s", Type: "x:y:Z"},
	}}
	require.Equal(t, []string{"--replace", command + "oslo-b-k3s"}, Replacements(state, reports()))
	require.Empty(t, Replacements(stack.State{}, reports()), "a node that Pulumi does not know is new to it anyway")
	require.Empty(t, Replacements(state, reports()[:1]))
}

func TestUnread(t *testing.T) {
	t.Parallel()
	require.EqualError(t, Unread(reports()), "read node a of city rome: dial 192.0.2.9:22: no answer within 15s")
	require.NoError(t, Unread(reports()[:2]))
}
