package rig

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

func TestValidateTellsAllAtOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec Spec
		want []string
	}{
		"fine":  {spec: Spec{Name: "local", Nodes: []string{"local-1"}, Dir: "d"}},
		"empty": {want: []string{`name "": needs lower-case`, "dir: is required", "nodes: at least one"}},
		"bad names": {
			spec: Spec{Name: "Local", Nodes: []string{"-a", "b", "b", "mirror"}, Dir: "d"},
			want: []string{`name "Local"`, `nodes[0] "-a"`, `nodes[2] "b": is there twice`, `nodes[3] "mirror"`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.spec.validate()
			if tt.want == nil {
				require.NoError(t, err)
			}
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	r := &Rig{rec: &record{Name: "x", Network: network{Subnet: "10.213.7.0/24"}, Nodes: []Node{
		{Name: "kept", Address: "10.213.7.12"},
		{Name: "elsewhere", Address: "10.213.9.11"},
	}}}
	require.NoError(t, r.place([]string{"a", "kept", "b", "elsewhere"}))
	var got []string
	for _, n := range r.rec.Nodes {
		got = append(got, n.Name+" "+n.Container+" "+n.Address)
	}
	require.Equal(t, []string{
		"kept  10.213.7.12",
		"a edge-arena-x-a 10.213.7.11",
		"b edge-arena-x-b 10.213.7.13",
		"elsewhere edge-arena-x-elsewhere 10.213.7.14",
	}, got)
}

func TestPlaceInAFullNetwork(t *testing.T) {
	t.Parallel()
	r := &Rig{rec: &record{Network: network{Subnet: "10.213.7.0/24"}}}
	var names []string
	for range lastNodeHost - firstNodeHost + 2 {
		names = append(names, "n"+string(rune('a'+len(names))))
	}
	require.ErrorContains(t, r.place(names), "the rig's network is full")
}

func TestOpenNeedsARig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := Open(dir)
	require.ErrorContains(t, err, dir+" holds no rig")

	rec := &record{Name: "x", Docker: "unix:///d.sock", Nodes: []Node{{Name: "a"}}}
	require.NoError(t, rec.write(dir))
	r, err := Open(dir)
	require.NoError(t, err)
	require.Equal(t, "x", r.Name())
	require.Equal(t, &docker.Client{Host: "unix:///d.sock"}, r.Docker())
	_, err = r.Node("b")
	require.EqualError(t, err, `rig x has no node "b"`)
	require.ErrorContains(t, r.Stop(context.Background(), "b"), `rig x has no node "b"`)
}
