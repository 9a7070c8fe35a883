package replay

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func options() Options {
	return Options{Cities: []string{"c01"}, Hosts: map[string]string{"10.0.0.11": "c01-1"}, Servers: map[string]string{"c01": "c01-1"}, Dir: "/root"}
}

func TestParseGolden(t *testing.T) {
	t.Parallel()
	state, err := os.ReadFile("testdata/state.json")
	require.NoError(t, err)
	steps, err := Parse(state, options())
	require.NoError(t, err)
	got, err := json.MarshalIndent(steps, "", "  ")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("testdata/steps.json", append(got, '\n'), 0o600))
	}
	want, err := os.ReadFile("testdata/steps.json")
	require.NoError(t, err)
	require.Equal(t, string(want), string(got)+"\n", "go test ./internal/bench/fleet/replay -update writes it anew")
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const urn = `"urn": "urn:pulumi:s::p::t::c01-x"`
	tests := map[string]struct{ resource, wantErr string }{
		"a host of nobody's":       {`{` + urn + `, "type": "command:remote:Command", "inputs": {"connection": {"host": "10.9.9.9"}}}`, `c01-x: runs on "10.9.9.9", which is none of the nodes`},
		"a command without one":    {`{` + urn + `, "type": "command:remote:Command", "inputs": {"connection": {"host": "10.0.0.11"}}}`, "c01-x: has no command"},
		"a city that is not known": {`{"urn": "urn:pulumi:s::p::t::other-x", "type": "command:remote:Command"}`, "other-x: belongs to none of the cities"},
		"an encrypted secret": {
			`{` + urn + `, "type": "command:remote:Command", "inputs": {"stdin": {"` + signature + `": "` + secretSignature + `", "ciphertext": "v1:x"}}}`,
			"c01-x: a secret is encrypted: export the stack with --show-secrets",
		},
		"a copy of no file": {`{` + urn + `, "type": "command:remote:CopyToRemote", "inputs": {"connection": {"host": "10.0.0.11"}}}`, "c01-x: copies something else than a file"},
		"a job without a name": {
			`{` + urn + `, "type": "kubernetes:batch/v1:Job", "inputs": {"kind": "Job"}}`, "c01-x: has no name",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(`{"deployment": {"resources": [`+tt.resource+`]}}`), options())
			require.ErrorContains(t, err, tt.wantErr)
		})
	}
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	steps := []Step{{Script: "a 10.0.0.1:1 10.0.0.11:1", Stdin: "10.0.0.1:2"}}
	Rewrite(steps, "10.0.0.1:", "10.0.9.1:")
	require.Equal(t, []Step{{Script: "a 10.0.9.1:1 10.0.0.11:1", Stdin: "10.0.9.1:2"}}, steps)
}

func TestRunKeepsTheOrder(t *testing.T) {
	t.Parallel()
	steps := []Step{{Name: "c", After: []string{"a", "b"}}, {Name: "b", After: []string{"a"}}, {Name: "a"}, {Name: "d"}}
	var mu sync.Mutex
	var ended []string
	require.NoError(t, Run(t.Context(), steps, func(_ context.Context, s Step) error {
		mu.Lock()
		defer mu.Unlock()
		for _, before := range s.After {
			require.Contains(t, ended, before)
		}
		ended = append(ended, s.Name)
		return nil
	}))
	require.ElementsMatch(t, []string{"a", "b", "c", "d"}, ended)
}

func TestRunEndsWithTheFirstFailure(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var began []string
	err := Run(t.Context(), []Step{{Name: "a", Host: "h"}, {Name: "b", After: []string{"a"}}, {Name: "c"}}, func(ctx context.Context, s Step) error {
		mu.Lock()
		began = append(began, s.Name)
		mu.Unlock()
		if s.Name == "a" {
			return errors.New("no")
		}
		<-ctx.Done()
		return ctx.Err()
	})
	require.EqualError(t, err, "a on h: no")
	require.False(t, slices.Contains(began, "b"))

	err = Run(t.Context(), []Step{{Name: "a", After: []string{"x"}}}, nil)
	require.EqualError(t, err, "step a comes after x, which there is none of")
}

func FuzzParse(f *testing.F) {
	state, err := os.ReadFile("testdata/state.json")
	require.NoError(f, err)
	f.Add(string(state))
	f.Add(`{"deployment":{"resources":[{"urn":"c01-x","type":"kubernetes:x","provider":"::","inputs":{"metadata":1}}]}}`)
	f.Fuzz(func(t *testing.T, state string) {
		steps, err := Parse([]byte(state), options())
		if err != nil {
			require.True(t, strings.HasPrefix(err.Error(), "read the state: ") || strings.Contains(err.Error(), "has no name"), err)
			return
		}
		for _, s := range steps {
			require.Equal(t, "c01", s.City)
			require.NotEmpty(t, s.Script)
			require.NotContains(t, s.After, s.Name)
		}
	})
}
