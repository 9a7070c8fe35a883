package fleet

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/modules/config"
)

func TestWaves(t *testing.T) {
	t.Parallel()
	steps := []config.Step{{Name: "canary", Cities: []config.City{{Name: "a"}}}, {Name: "rest", Cities: []config.City{{Name: "b"}, {Name: "c"}}}}
	pending := func(city string) stack.State {
		return stack.State{Resources: []stack.Resource{{URN: "urn:pulumi:s::p::t::" + city + "-x-import", Delete: true}}}
	}
	tests := map[string]struct {
		state   stack.State
		owed    map[string]Debt
		removed []string
		names   []string
		cities  [][]string
		leftOut [][]string
	}{
		"one after the other": {
			names: []string{"canary", "rest"}, cities: [][]string{{"a"}, {"b", "c"}}, leftOut: [][]string{{"b", "c"}, nil}},
		"what is gone goes last": {
			removed: []string{"z"}, names: []string{"canary", "rest"}, cities: [][]string{{"a"}, {"b", "c"}}, leftOut: [][]string{{"b", "c", "z"}, nil}},
		"what is offline never comes": {
			owed: map[string]Debt{"b": {}}, names: []string{"canary", "rest"}, cities: [][]string{{"a"}, {"c"}}, leftOut: [][]string{{"b", "c"}, {"b"}}},
		"what is to be deleted in a later wave is all in one": {
			state: pending("c"), names: []string{"all"}, cities: [][]string{{"a", "b", "c"}}, leftOut: [][]string{nil}},
		"but not what is in the first": {
			state: pending("a"), names: []string{"canary", "rest"}, cities: [][]string{{"a"}, {"b", "c"}}, leftOut: [][]string{{"b", "c"}, nil}},
		"what is offline and to be deleted is registered": {
			state: pending("b"), owed: map[string]Debt{"b": {}}, names: []string{"canary", "rest"}, cities: [][]string{{"a"}, {"c"}}, leftOut: [][]string{{"c"}, nil}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var names []string
			var cities, leftOut [][]string
			for _, w := range waves(steps, tt.state, tt.owed, tt.removed) {
				names, cities, leftOut = append(names, w.name), append(cities, w.cities), append(leftOut, w.run.LeftOut)
				for city := range tt.owed {
					require.Contains(t, w.flags, "**::edge-arena:city:City::"+city, "what is offline is excluded")
				}
				require.Equal(t, len(w.flags) > 0, slices.Contains(w.flags, "--replace"), "whoever excludes is on guard")
			}
			require.Equal(t, tt.names, names)
			require.Equal(t, tt.cities, cities)
			require.Equal(t, tt.leftOut, leftOut)
		})
	}
}
