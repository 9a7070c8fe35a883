package policy_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/ast"
	"github.com/open-policy-agent/opa/loader"
	"github.com/open-policy-agent/opa/storage/inmem"
	"github.com/open-policy-agent/opa/tester"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/lobby/joinpolicy/policy"
)

// run is `opa test --verbose` over modules, strictly compiled.
func run(t *testing.T, modules map[string]*ast.Module) (passed, failed int, report string) {
	t.Helper()
	ctx := t.Context()
	store := inmem.New()
	txn, err := store.NewTransaction(ctx)
	require.NoError(t, err)
	defer store.Abort(ctx, txn)
	runner := tester.NewRunner().
		SetCompiler(ast.NewCompiler().WithStrict(true).WithEnablePrintStatements(true)).
		SetStore(store).SetModules(modules).SetTimeout(time.Minute).RaiseBuiltinErrors(true).CapturePrintOutput(true)
	results, err := runner.RunTests(ctx, txn)
	require.NoError(t, err)
	var out bytes.Buffer
	var kept []*tester.Result
	for r := range results {
		kept = append(kept, r)
		if r.Pass() {
			passed++
		} else {
			failed++ // a test that is left out too
		}
	}
	again := make(chan *tester.Result, len(kept))
	for _, r := range kept {
		again <- r
	}
	close(again)
	require.NoError(t, tester.PrettyReporter{Output: &out, Verbose: true, FailureLine: true}.Report(again))
	return passed, failed, out.String()
}

func TestPolicyByOPAsOwnRunner(t *testing.T) {
	t.Parallel()
	loaded, err := loader.NewFileLoader().All([]string{"join.rego", "join_test.rego"})
	require.NoError(t, err)
	passed, failed, report := run(t, loaded.ParsedModules())
	require.Zero(t, failed, report)
	tests := 0
	for _, rule := range loaded.ParsedModules()["join_test.rego"].Rules {
		if strings.HasPrefix(string(rule.Head.Name), "test_") {
			tests++
		}
	}
	require.NotZero(t, tests)
	require.Equal(t, tests, passed, report)
}

// A policy that lets in too many must not pass: each of its conditions is needed.
func TestEachConditionIsTested(t *testing.T) {
	t.Parallel()
	source, err := loader.NewFileLoader().All([]string{"join_test.rego"})
	require.NoError(t, err)
	for name, change := range map[string][2]string{
		"any action":   {`	input.action == "join"` + "\n", ""},
		"any role":     {`	input.user.role == "player"` + "\n", ""},
		"any status":   {`	input.game.status == "waiting"` + "\n", ""},
		"any number":   {`	count(input.game.players) < 10` + "\n", ""},
		"one too many": {"< 10", "<= 10"},
		"one too few":  {"< 10", "< 9"},
		"no default":   {"default allow = false\n", ""},
		"by default":   {"default allow = false", "default allow = true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(policy.Join, change[0], change[1], 1)
			require.NotEqual(t, policy.Join, changed)
			module, err := ast.ParseModule("join.rego", changed)
			require.NoError(t, err)
			_, failed, report := run(t, map[string]*ast.Module{"join.rego": module, "join_test.rego": source.ParsedModules()["join_test.rego"].Copy()})
			require.NotZero(t, failed, report)
		})
	}
}
