package config_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

// rollout is a region with these cities, named by words, and waves.
func rollout(cities string, waves ...any) object {
	tree := two()
	tree["cities"] = []any{}
	for _, name := range strings.Fields(cities) {
		tree["cities"] = append(tree["cities"].([]any), object{"name": name, "nodes": []any{object{"name": name + "-1", "host": name}}})
	}
	tree["waves"] = waves
	return tree
}

// steps writes each step as `name: city city`.
func steps(r *config.Region) []string {
	var lines []string
	for _, step := range r.Steps() {
		line := step.Name + ":"
		for _, c := range step.Cities {
			line += " " + c.Name
		}
		lines = append(lines, line)
	}
	return lines
}

func TestSteps(t *testing.T) {
	t.Parallel()
	named := func(name string, cities ...any) object { return object{"name": name, "cities": cities} }
	percent := func(name string, n int) object { return object{"name": name, "percent": n} }
	tests := map[string]struct {
		cities string
		waves  []any
		want   []string
	}{
		"no waves":                         {"c a b", nil, []string{"rest: a b c"}},
		"a canary and the rest":            {"c a b", []any{named("canary", "b")}, []string{"canary: b", "rest: a c"}},
		"a canary, half, the rest":         {"e d c b a", []any{named("canary", "c"), percent("half", 50)}, []string{"canary: c", "half: a b", "rest: d e"}},
		"a half is rounded up":             {"a b c d", []any{named("canary", "a"), percent("half", 50)}, []string{"canary: a", "half: b c", "rest: d"}},
		"percentages add up":               {"a b c d e f g h i j", []any{percent("one", 10), percent("two", 50), percent("all", 100)}, []string{"one: a", "two: b c d e", "all: f g h i j"}},
		"who is named later is not taken":  {"a b c d", []any{percent("half", 50), named("last", "a", "b")}, []string{"half: c", "last: a b", "rest: d"}},
		"all are named":                    {"a b", []any{named("first", "b"), named("second", "a")}, []string{"first: b", "second: a"}},
		"a wave that gets nobody":          {"a", []any{percent("ten", 10), percent("half", 50)}, []string{"ten: a"}},
		"the order of a wave is by name":   {"a b c", []any{named("both", "c", "a")}, []string{"both: a c", "rest: b"}},
		"a percentage of nobody is nobody": {"a", []any{named("all", "a"), percent("half", 50)}, []string{"all: a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := parse(t, rollout(tt.cities, tt.waves...))
			require.Equal(t, tt.want, steps(r))
			for range 5 {
				rand.Shuffle(len(r.Cities), func(i, j int) { r.Cities[i], r.Cities[j] = r.Cities[j], r.Cities[i] })
				require.Equal(t, tt.want, steps(r), "however the file is ordered")
			}
		})
	}
}

func TestWavesThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		waves []any
		want  []string
	}{
		"no name":        {[]any{object{"percent": 50}}, []string{"waves[0].name: required"}},
		"a bad name":     {[]any{object{"name": "Half 1", "percent": 50}}, []string{`waves[0].name: "Half 1" is not a DNS label`}},
		"a name twice":   {[]any{object{"name": "w", "cities": []any{"a"}}, object{"name": "w", "percent": 50}}, []string{`waves[1].name: "w" is already waves[0].name`}},
		"the name rest":  {[]any{object{"name": "rest", "cities": []any{"a"}}}, []string{`waves[0].name: "rest" is what the cities are called that no wave has taken`}},
		"both":           {[]any{object{"name": "w", "cities": []any{"a"}, "percent": 50}}, []string{"waves[0].percent: give cities or percent, not both"}},
		"neither":        {[]any{object{"name": "w"}}, []string{"waves[0].cities: required: name the wave's cities, or give percent"}},
		"no cities":      {[]any{object{"name": "w", "cities": []any{}}}, []string{"waves[0].cities: required"}},
		"zero percent":   {[]any{object{"name": "w", "percent": 0}}, []string{"waves[0].cities: required"}},
		"less than none": {[]any{object{"name": "w", "percent": -1}}, []string{"waves[0].percent: -1 is not from 1 to 100"}},
		"more than all":  {[]any{object{"name": "w", "percent": 101}}, []string{"waves[0].percent: 101 is not from 1 to 100"}},
		"half a percent": {[]any{object{"name": "w", "percent": 0.5}}, []string{"waves[0].percent: a whole number is wanted, not 0.5"}},
		"falling": {[]any{object{"name": "v", "percent": 50}, object{"name": "x", "cities": []any{"a"}}, object{"name": "w", "percent": 50}},
			[]string{"waves[2].percent: 50 is not more than the 50 of the wave before"}},
		"a city that is none": {[]any{object{"name": "w", "cities": []any{"a", "z"}}}, []string{`waves[0].cities[1]: there is no city "z" in this region`}},
		"a city in two waves": {[]any{object{"name": "v", "cities": []any{"a"}}, object{"name": "w", "cities": []any{"b", "a"}}},
			[]string{`waves[1].cities[1]: "a" is already waves[0].cities[0]`}},
		"a city twice":      {[]any{object{"name": "w", "cities": []any{"a", "a"}}}, []string{`waves[0].cities[1]: "a" is already waves[0].cities[0]`}},
		"a word for a wave": {[]any{"a"}, []string{"waves[0]: an object is wanted"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireProblems(t, rollout("a b", tt.waves...), tt.want...)
		})
	}
}

func TestCityNamesAndLocationsThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cities string
		edit   func(city object)
		want   []string
	}{
		"a prefix":                  {"north north-east", nil, []string{`cities[1].name: "north-east" begins with the name of city "north" and a dash`}},
		"a prefix that comes later": {"north-east north", nil, []string{`cities[0].name: "north-east" begins with the name of city "north" and a dash`}},
		"a prefix of a prefix":      {"a a-b a-b-c", nil, []string{`cities[1].name: "a-b" begins`, `cities[2].name: "a-b-c" begins with the name of city "a" and`, `cities[2].name: "a-b-c" begins with the name of city "a-b" and`}},
		"north of the pole":         {"a", func(c object) { c["location"] = object{"latitude": 91, "longitude": 0} }, []string{"cities[0].location.latitude: 91 is not from -90 to 90"}},
		"around the Earth":          {"a", func(c object) { c["location"] = object{"latitude": 0, "longitude": -180.5} }, []string{"cities[0].location.longitude: -180.5 is not from -180 to 180"}},
		"half a location":           {"a", func(c object) { c["location"] = object{"latitude": 31.2} }, []string{"cities[0].location.longitude: required: a location has latitude and longitude"}},
		"a word for a location":     {"a", func(c object) { c["location"] = "Shanghai" }, []string{"cities[0].location: an object is wanted"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := rollout(tt.cities)
			if tt.edit != nil {
				tt.edit(at(tree, "cities", 0))
			}
			requireProblems(t, tree, tt.want...)
		})
	}
}

func TestANameThatOnlyBeginsLikeAnotherIsFine(t *testing.T) {
	t.Parallel()
	tree := rollout("north northeast south-north")
	at(tree, "cities", 1)["location"] = object{"latitude": 0, "longitude": -0.5}
	r := parse(t, tree)
	require.Equal(t, &config.Location{Longitude: -0.5}, r.Cities[1].Location)
	require.Nil(t, r.Cities[0].Location)
}
