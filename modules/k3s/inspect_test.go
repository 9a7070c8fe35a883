package k3s

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

// node is one with settings of its own.
func node(name, address string, role config.Role) config.Node {
	n := config.Node{Name: name, Role: role, Endpoint: config.Endpoint{Address: address, User: "root", PrivateKey: "a private key"}}
	n.K3s.KubeletArgs = []string{"max-pods=120"}
	n.K3s.ServerFlags = []string{"--debug"}
	n.K3s.ReadyTimeout = time.Minute
	n.Wasm = config.Wasm{Engine: config.EngineCrun, Version: "0.14.1"}
	return n
}

func TestInspection(t *testing.T) {
	t.Parallel()
	one, two, three := node("a", "192.0.2.1", config.RoleServer), node("b", "192.0.2.2", config.RoleServer), node("c", "192.0.2.3", config.RoleServer)
	agent := node("d", "192.0.2.4", config.RoleAgent)
	agent.ExternalAddress = "198.51.100.4"
	const serverFlags = " --disable traefik --write-kubeconfig-mode 644 --wasm"
	tests := map[string]struct {
		nodes []config.Node
		of    config.Node
		want  string
	}{
		"the only server": {[]config.Node{one}, one,
			"sh -s -- inspect server" + serverFlags + " --node-name a --tls-san 192.0.2.1 --kubelet-arg max-pods=120 --debug"},
		"the first of several": {[]config.Node{one, two, three}, one,
			"sh -s -- inspect server" + serverFlags + " --node-name a --tls-san 192.0.2.1 --kubelet-arg max-pods=120 --debug --cluster-init"},
		"another server": {[]config.Node{one, two, three}, two,
			"sh -s -- inspect server" + serverFlags + " --node-name b --tls-san 192.0.2.2 --kubelet-arg max-pods=120 --debug --server https://192.0.2.1:6443"},
		"an agent": {[]config.Node{one, agent}, agent,
			"sh -s -- inspect agent --wasm --node-name d --node-external-ip 198.51.100.4 --kubelet-arg max-pods=120 --server https://192.0.2.1:6443"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			city := config.City{Name: "oslo", Nodes: tt.nodes}
			city.K3s.Version, city.K3s.Disable = "v1.30.4+k3s1", []string{"traefik"}
			args := CityArgs("north", city)
			require.NoError(t, args.validate())
			command, stdin := Inspection(args, tt.of)
			require.Equal(t, tt.want, command)
			for _, want := range []string{"ARENA_OWNER=north/oslo\n", "ARENA_NODE=" + tt.of.Name + "\n", "ARENA_K3S_VERSION=v1.30.4+k3s1\n", "ARENA_TOKEN=''\n"} {
				require.Contains(t, stdin, want)
			}
			require.NotContains(t, stdin, "a private key")
			// What is read is compared with what is installed.
			require.Equal(t, strings.Replace(tt.want, "inspect ", "", 1), commandLine(append([]string{string(tt.of.Role)}, args.flags(tt.of)...)...))
		})
	}
}

func TestParseState(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ printed, err string }{
		"a node as it should be":  {`{"node":"a","k3s":"v1","k3sSHA256":"","wasmedge":"","differences":[]}`, ""},
		"a talkative shell":       {"Welcome!\n{}", "is not JSON (invalid character 'W'"},
		"nothing":                 {"", "is not JSON (unexpected end of JSON input)"},
		"another node":            {`{"node":"b"}`, `the inspection's report is of node "b", not "a"`},
		"a difference of nothing": {`{"node":"a","differences":[{"item":"","wanted":"v1","found":"v2"}]}`, "differences[0] is incomplete"},
		"half a difference":       {`{"node":"a","differences":[{"item":"K3s","wanted":"v1"}]}`, "differences[0] is incomplete"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := ParseState([]byte(tt.printed), "a")
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "v1", s.K3s)
		})
	}
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte(`{"node":"a","k3s":"v1","k3sSHA256":"","wasmedge":"","differences":[{"item":"K3s","wanted":"v1","found":"v2"}]}`))
	f.Add([]byte(`{"node":"a","differences":null}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, printed []byte) {
		s, err := ParseState(printed, "a")
		if err != nil {
			return
		}
		require.Equal(t, "a", s.Node)
		for _, d := range s.Differences {
			require.NotEmpty(t, d.Item)
			require.NotEmpty(t, d.Wanted)
			require.NotEmpty(t, d.Found)
		}
	})
}
