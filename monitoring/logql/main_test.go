package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/monitoring"
)

func TestQueries(t *testing.T) {
	t.Parallel()
	got, err := queries(monitoring.Dashboards())
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(got), 4, "the dashboard of logs has as many panels")
	for _, q := range got {
		require.Contains(t, q.expr, "{", q.where)
		require.NotContains(t, q.expr, "$", q.where)
	}
	_, err = queries(map[string]string{"a.json": `{"panels": [{"type": "logs", "title": "T", "targets": [{"expr": "{a=~\"$unknown\"}", "datasource": {"type": "loki"}}]}]}`})
	require.EqualError(t, err, "a.json: panel T: $unknown has no value here: give it one")
	_, err = queries(map[string]string{"a.json": `{`})
	require.ErrorContains(t, err, "a.json: read dashboard: ")
}

// shell is a parser that is written for a test.
func shell(script string) []string { return []string{"sh", "-c", script} }

func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	// It counts braces: enough to tell the broken one.
	braces := `q=$(cat); o=$(printf %s "$q" | tr -cd { | wc -c); c=$(printf %s "$q" | tr -cd } | wc -c); [ "$o" = "$c" ]`
	require.NoError(t, run(t.Context(), shell(braces), &out))
	require.Contains(t, out.String(), "SUCCESS: ")
	require.ErrorContains(t, run(t.Context(), shell("exit 0"), &out), "it checks nothing")
	require.ErrorContains(t, run(t.Context(), shell("echo parse error; exit 1"), &out), "logs.json: panel Lines: ")
	require.ErrorContains(t, run(t.Context(), []string{"/nowhere"}, &out), "/nowhere")
	require.EqualError(t, run(t.Context(), nil, &out), "usage: logql <parser> [arguments]")
}
