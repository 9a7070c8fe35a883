package check_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// Prometheus' own series, and those that it makes of alerts.
var own = []string{"up", "ALERTS"}

// parse reads a query as Prometheus does.
func parse(t *testing.T, e expression) parser.Expr {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(e.text)
	require.NoError(t, err, "%s: %s", e.where, e.text)
	return expr
}

// selectors calls f with each selector of a query.
func selectors(expr parser.Expr, f func(name string, matchers []*labels.Matcher)) {
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			f(s.Name, s.LabelMatchers)
		}
		return nil
	})
}

// expressions are all queries: those of rules, and of dashboards.
func expressions(t *testing.T) []expression {
	t.Helper()
	var all []expression
	for _, folder := range []string{"city", "hub"} {
		for _, r := range readRules(t, folder) {
			all = append(all, expression{folder + ": " + r.Record + r.Alert, r.Expr})
		}
	}
	return append(all, readDashboards(t)...)
}

func TestEveryQueryParsesAndAsksForWhatThereIs(t *testing.T) {
	t.Parallel()
	jobs, recorded := readMetrics(t), map[string]bool{}
	for _, folder := range []string{"city", "hub"} {
		for _, r := range readRules(t, folder) {
			recorded[r.Record] = true
		}
	}
	exposed := func(name, job string) bool {
		if job != "" {
			return jobs[job][name]
		}
		for _, names := range jobs {
			if names[name] {
				return true
			}
		}
		return false
	}
	used := map[string]bool{}
	for _, e := range expressions(t) {
		count := 0
		selectors(parse(t, e), func(name string, matchers []*labels.Matcher) {
			count++
			used[name] = true
			job := ""
			for _, m := range matchers {
				if m.Name == "job" && m.Type == labels.MatchEqual {
					job = m.Value
				}
			}
			if slices.Contains(own, name) || recorded[name] {
				return
			}
			require.True(t, exposed(name, job), "%s: no job %q exposes %s", e.where, job, name)
		})
		if !strings.Contains(e.text, "vector(") {
			require.NotZero(t, count, "%s: asks for nothing", e.where)
		}
	}
	for name := range recorded {
		if name != "" {
			require.True(t, used[name], "%s is recorded, and nothing reads it", name)
		}
	}
}

// What a city evaluates has no labels region and city, and no series that only a hub has.
func TestACitysRulesNeedNoHub(t *testing.T) {
	t.Parallel()
	recorded := map[string]bool{}
	for _, r := range readRules(t, "city") {
		recorded[r.Record] = true
	}
	for _, r := range readRules(t, "city") {
		selectors(parse(t, expression{"city: " + r.Record + r.Alert, r.Expr}), func(name string, matchers []*labels.Matcher) {
			require.True(t, recorded[name] || !strings.Contains(name, ":"), "%s%s: %s is recorded by no city", r.Record, r.Alert, name)
			for _, m := range matchers {
				require.NotContains(t, []string{"region", "city"}, m.Name, "%s%s: %s", r.Record, r.Alert, name)
			}
		})
	}
}

// A bucket that is asked for by its bound must be one that the battle server has: another is no error, but an empty answer.
func TestBucketsOfBattleServersAreThere(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("../../battle-wasm/server/testdata/metrics.golden")
	require.NoError(t, err)
	found := 0
	for _, e := range expressions(t) {
		selectors(parse(t, e), func(name string, matchers []*labels.Matcher) {
			for _, m := range matchers {
				if m.Name == "le" && strings.HasPrefix(name, "battle_") {
					found++
					require.Contains(t, string(golden), name+`{le="`+m.Value+`"}`, e.where)
				}
			}
		})
	}
	require.GreaterOrEqual(t, found, 4)
}

// The names of our own programs are looked up where they are made.
func TestOurMetricsAreOurs(t *testing.T) {
	t.Parallel()
	for job, folders := range map[string][]string{"lobby": {"../../lobby/metrics", "../../cmd/lobby"}, "battle": {"../../battle-wasm/server"}} {
		var source strings.Builder
		for _, folder := range folders {
			paths, err := filepath.Glob(folder + "/*.go")
			require.NoError(t, err)
			for _, path := range paths {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				if !strings.HasSuffix(path, "_test.go") {
					source.Write(text)
				}
			}
		}
		for name := range readMetrics(t)[job] {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				name = strings.TrimSuffix(name, part)
			}
			if strings.HasPrefix(name, job+"_") {
				require.Contains(t, source.String(), `"`+name+`"`)
			}
		}
	}
}
