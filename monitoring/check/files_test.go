package check_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const generated = "../generated/"

// expression is a query and where it stands.
type expression struct{ where, text string }

// rule is what is checked of one.
type rule struct{ Record, Alert, Expr string }

// readRules reads the rules of a folder's files.
func readRules(t *testing.T, folder string) []rule {
	t.Helper()
	paths, err := filepath.Glob(generated + "rules/" + folder + "/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	var all []rule
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		var file struct{ Groups []struct{ Rules []rule } }
		require.NoError(t, yaml.Unmarshal(text, &file), path)
		for _, g := range file.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

// readDashboards reads the queries of all panels, annotations and variables that are Prometheus', with the variables as a user would set them.
func readDashboards(t *testing.T) []expression {
	t.Helper()
	type asked struct {
		Expr       string
		Datasource struct{ UID string }
	}
	paths, err := filepath.Glob(generated + "dashboards/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	set := strings.NewReplacer("$__rate_interval", "1m", "$region", ".*", "$city", "alpha|bravo", "$pod", ".*", "$node", "n1")
	var all []expression
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		var board struct {
			Panels []struct {
				Title   string
				Targets []asked
			}
			Annotations struct{ List []asked }
			Templating  struct {
				List []struct {
					Name, Type string
					Query      any
				}
			}
		}
		require.NoError(t, json.Unmarshal(text, &board), path)
		add := func(what string, a asked) {
			if a.Datasource.UID == "prometheus" {
				all = append(all, expression{filepath.Base(path) + ": " + what, set.Replace(a.Expr)})
			}
		}
		for _, p := range board.Panels {
			for _, target := range p.Targets {
				add("panel "+p.Title, target)
			}
		}
		for _, a := range board.Annotations.List {
			add("annotation", a)
		}
		for _, v := range board.Templating.List {
			query, ok := v.Query.(string)
			if !ok || v.Type != "query" {
				continue
			}
			selector, ok := strings.CutPrefix(query, "label_values(")
			require.True(t, ok, "%s: variable %s", path, v.Name)
			selector = selector[:strings.LastIndex(selector, ",")]
			all = append(all, expression{filepath.Base(path) + ": variable " + v.Name, set.Replace(selector)})
		}
	}
	return all
}

// readMetrics are the names of metrics by job, with histograms' own three; battle's are those that its server is tested to write.
func readMetrics(t *testing.T) map[string]map[string]bool {
	t.Helper()
	jobs := map[string]map[string]bool{"battle": {}}
	add := func(job, name, kind string) {
		jobs[job][name] = kind != "histogram"
		if kind == "histogram" {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				jobs[job][name+part] = true
			}
		}
	}
	golden, err := os.ReadFile("../../battle-wasm/server/testdata/metrics.golden")
	require.NoError(t, err)
	for line := range strings.Lines(string(golden)) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[1] == "TYPE" {
			add("battle", fields[2], fields[3])
		}
	}
	paths, err := filepath.Glob("metrics/*.txt")
	require.NoError(t, err)
	for _, path := range paths {
		job := strings.TrimSuffix(filepath.Base(path), ".txt")
		if jobs[job] == nil {
			jobs[job] = map[string]bool{}
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); fields[0] != "#" {
				require.Len(t, fields, 2, path)
				add(job, fields[0], fields[1])
			}
		}
	}
	return jobs
}
