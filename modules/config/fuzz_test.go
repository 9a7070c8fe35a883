package config_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

func FuzzParse(f *testing.F) {
	f.Add(string(region(nil)))
	f.Add(string(raw(two())))
	f.Add(string(raw(rollout("a b c d e", object{"name": "canary", "cities": []any{"c"}}, object{"name": "half", "percent": 50}))))
	f.Add(string(raw(metro(4, 50, func(c object) { c["location"] = object{"latitude": 31.23, "longitude": 121.47} }))))
	f.Add(`{"cities":[{"nodes":[{"ssh":{"configFile":"/"}}]}]}`)
	f.Add(`{"battle":{"ports":{"first":-1,"last":99999999999999999999}}}`)
	f.Add(`{"size":{"cpu":"1e30","memory":"-0.1n"},"waves":[{"percent":1e9}],"cities":[null,{"nodes":[[]]}]}`)
	root := project(f)
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := config.ParseWithoutFiles([]byte(raw))
		if err != nil {
			require.Nil(t, r)
			require.NotEmpty(t, err.Error())
		} else {
			requireSound(t, r)
			requireOrderMeansNothing(t, raw, r)
		}
		r, err = config.Parse([]byte(raw), root)
		if err != nil {
			require.Nil(t, r)
			require.NotEmpty(t, err.Error())
			return
		}
		// What is accepted can be built: every node is reachable by name, key and pinned host.
		requireSound(t, r)
		for _, c := range r.Cities {
			for _, n := range c.Nodes {
				require.NotEmpty(t, n.Endpoint.Address)
				require.NotEmpty(t, n.Endpoint.PrivateKey)
				require.NotEmpty(t, n.Endpoint.HostKey)
			}
		}
	})
}

// requireSound asserts what holds for every region that is accepted.
func requireSound(t *testing.T, r *config.Region) {
	t.Helper()
	require.NotEmpty(t, r.Cities)
	in := map[string]int{}
	for _, step := range r.Steps() {
		require.NotEmpty(t, step.Name)
		require.NotEmpty(t, step.Cities, step.Name)
		for _, c := range step.Cities {
			in[c.Name]++
		}
	}
	for i := range r.Cities {
		c := &r.Cities[i]
		require.Equal(t, 1, in[c.Name], "%s is in one step", c.Name)
		require.Equal(t, 1, len(c.Servers())%2)
		require.Len(t, c.Nodes, len(c.Servers())+len(c.Agents()))
		require.LessOrEqual(t, c.Battle.Replicas, c.Fits())
		for _, room := range c.Rooms() {
			require.GreaterOrEqual(t, room.CPU, int64(0))
			require.GreaterOrEqual(t, room.Memory, int64(0))
			require.GreaterOrEqual(t, room.Pods, 0)
			require.Contains(t, []string{"cpu", "memory", "pods"}, room.Bound)
		}
		for _, v := range c.Violations() {
			require.NotEqual(t, config.EnforceDeny, v.Enforcement, v.Text)
		}
	}
	require.Len(t, in, len(r.Cities))
}

// requireOrderMeansNothing asserts that the region's steps stay as they are when its cities and their nodes stand in another order.
func requireOrderMeansNothing(t *testing.T, raw string, r *config.Region) {
	t.Helper()
	var whole object
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&whole))
	shuffle := func(list []any) { rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] }) }
	cities := whole["cities"].([]any)
	shuffle(cities)
	for _, c := range cities {
		shuffle(c.(object)["nodes"].([]any))
	}
	text, err := json.Marshal(whole)
	require.NoError(t, err)
	shuffled, err := config.ParseWithoutFiles(text)
	require.NoError(t, err)
	require.Equal(t, steps(r), steps(shuffled))
	for i, step := range r.Steps() {
		for j, c := range step.Cities {
			other := shuffled.Steps()[i].Cities[j]
			require.Equal(t, c.Servers(), other.Servers())
			require.Equal(t, c.Agents(), other.Agents())
			require.Equal(t, c.Fits(), other.Fits())
		}
	}
}

func TestTheOrderOfTheFileMeansNothing(t *testing.T) {
	t.Parallel()
	files := map[string]object{
		"several nodes": two(),
		"waves":         rollout("e d c b a", object{"name": "canary", "cities": []any{"c"}}, object{"name": "half", "percent": 50}),
		"a metro":       metro(5, 60, func(c object) { set(at(c, "nodes", 2), "size.cpu", "8") }),
	}
	for name, tree := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := parse(t, tree)
			requireSound(t, r)
			for range 10 {
				requireOrderMeansNothing(t, string(raw(tree)), r)
			}
		})
	}
}
