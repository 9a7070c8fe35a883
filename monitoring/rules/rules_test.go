package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/monitoring"
	"github.com/edge-arena/edge-arena/monitoring/rules"
)

// each calls f with each rule of all files.
func each(f func(file rules.File, r rules.Rule)) {
	for _, file := range slices.Concat(rules.City(), rules.Hub()) {
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				f(file, r)
			}
		}
	}
}

// alerts are the names of all alerts, with the severities of each.
func alerts() map[string][]string {
	names := map[string][]string{}
	each(func(_ rules.File, r rules.Rule) {
		if r.Alert != "" {
			names[r.Alert] = append(names[r.Alert], r.Labels["severity"])
		}
	})
	return names
}

func TestEveryAlertSaysWhatToDo(t *testing.T) {
	t.Parallel()
	each(func(file rules.File, r rules.Rule) {
		if r.Alert == "" {
			return
		}
		name := file.Name + ": " + r.Alert
		require.Regexp(t, `^[A-Z][A-Za-z0-9]+$`, r.Alert)
		require.Contains(t, []string{rules.Page, rules.Ticket, rules.Heartbeat}, r.Labels["severity"], name)
		require.Regexp(t, `^\S.{9,}[^.]$`, r.Annotations["summary"], "%s: the summary is a line", name)
		require.Regexp(t, `^\S.{19,}[.]$`, r.Annotations["description"], "%s: the description is a sentence or more", name)
		require.Equal(t, rules.Runbooks+"#"+strings.ToLower(r.Alert), r.Annotations["runbook_url"], name)
		require.Empty(t, r.Record, name)
	})
	for name, severities := range alerts() {
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(severities))), len(severities), "%s is there twice with the same severity", name)
	}
}

// A rule that records has the levels, the metric and the operations in its name, as Prometheus' conventions ask.
func TestRecordedSeriesAreNamedByTheirLevel(t *testing.T) {
	t.Parallel()
	each(func(file rules.File, r rules.Rule) {
		if r.Record != "" {
			require.Regexp(t, `^(city|pod|region|objective):[a-z0-9_]+:[a-z0-9]+$`, r.Record, file.Name)
		}
	})
}

var heading = regexp.MustCompile(`(?m)^## (\S+)$`)

func TestEveryAlertHasARunbook(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/runbooks.md")
	require.NoError(t, err)
	known := alerts()
	sections := heading.FindAllStringSubmatchIndex(string(text), -1)
	written := map[string]bool{}
	for i, at := range sections {
		name, end := string(text[at[2]:at[3]]), len(text)
		if i+1 < len(sections) {
			end = sections[i+1][0]
		}
		require.False(t, written[name], "docs/runbooks.md has two entries for %s", name)
		written[name] = true
		require.Contains(t, known, name, "docs/runbooks.md has an entry for %s, which is no alert", name)
		entry := string(text[at[1]:end])
		for _, part := range []string{"\n**Means** ", "\n**Players** ", "\n**Mend** "} {
			require.Contains(t, entry, part, "the entry of %s", name)
		}
		commands := strings.Split(entry, "```")
		require.Len(t, commands, 3, "the entry of %s has one block of commands", name)
		require.Len(t, strings.Split(strings.TrimSpace(commands[1]), "\n"), 3, "the entry of %s has three lines of commands", name)
	}
	for name := range known {
		require.True(t, written[name], "docs/runbooks.md has no entry for %s", name)
	}
	for _, link := range regexp.MustCompile(`\]\(#([a-z0-9]+)\)`).FindAllStringSubmatch(string(text), -1) {
		require.True(t, slices.ContainsFunc(sections, func(at []int) bool { return strings.ToLower(string(text[at[2]:at[3]])) == link[1] }), "docs/runbooks.md: #%s leads nowhere", link[1])
	}
}

// Promtool runs the tests (`make monitoring-test`); this says whether there is one that fires and one that does not for each alert and severity.
func TestEveryAlertIsTested(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../tests/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var tests struct {
			Tests []struct {
				Alerts []struct {
					Name     string `yaml:"alertname"`
					Expected []struct {
						Labels map[string]string `yaml:"exp_labels"`
					} `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		require.NoError(t, yaml.Unmarshal(text, &tests), file)
		for _, test := range tests.Tests {
			for _, a := range test.Alerts {
				require.Contains(t, alerts(), a.Name, "%s tests an alert that is none", file)
				if len(a.Expected) == 0 {
					quiet[a.Name] = true
				}
				for _, e := range a.Expected {
					fires[a.Name+" "+e.Labels["severity"]] = true
				}
			}
		}
	}
	for name, severities := range alerts() {
		require.True(t, quiet[name], "no test in monitoring/tests says when %s does not fire", name)
		for _, s := range severities {
			require.True(t, fires[name+" "+s], "no test in monitoring/tests says when %s fires with severity %s", name, s)
		}
	}
}

// A budget must be able to burn as fast as an alert asks for, or the alert can never fire.
func TestBurnRatesCanBeReached(t *testing.T) {
	t.Parallel()
	limits := regexp.MustCompile(`> ([0-9.e-]+)`)
	for _, o := range monitoring.Objectives().Ratios() {
		count := 0
		each(func(_ rules.File, r rules.Rule) {
			if r.Alert != rules.BurnAlert(o) {
				return
			}
			count++
			for _, m := range limits.FindAllStringSubmatch(r.Expr, -1) {
				limit, err := strconv.ParseFloat(m[1], 64)
				require.NoError(t, err)
				require.Less(t, limit, 1.0, r.Alert)
				require.GreaterOrEqual(t, limit, o.Budget()*0.999, "%s: a burn rate below 1 uses up no budget", r.Alert)
			}
		})
		require.Equal(t, 2, count, "%s pages and writes a ticket", o.Name)
	}
}
