// Package rules makes Prometheus' rule files from the table of objectives: recording rules, burn-rate alerts, and the alerts on symptoms and causes.
//
// A city's Prometheus evaluates the city's own, so that it goes on while the WAN is cut; the hub's evaluates what needs more than one city, or is
// the hub's own. What a city evaluates has no labels `region` and `city`: Prometheus adds those (external_labels) to what it sends away.
package rules

import (
	"bytes"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// File is a rule file.
type File struct {
	// Name is its name, without the folder.
	Name string `yaml:"-"`
	// Groups are its groups.
	Groups []Group `yaml:"groups"`
}

// Group is a group of rules, which are evaluated one after the other.
type Group struct {
	// Name is unique in its file.
	Name string `yaml:"name"`
	// Interval is the time between two evaluations. Default is Prometheus' own.
	Interval string `yaml:"interval,omitempty"`
	// Rules are its rules.
	Rules []Rule `yaml:"rules"`
}

// Rule records a series, or raises an alert.
type Rule struct {
	Record      string            `yaml:"record,omitempty"`
	Alert       string            `yaml:"alert,omitempty"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// header says where a file comes from.
const header = "# Generated from monitoring/ by `make generate`: do not edit.\n"

// YAML is the file as Prometheus reads it.
func (f File) YAML() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(header)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(f); err != nil {
		return nil, fmt.Errorf("write %s: %w", f.Name, err)
	}
	return b.Bytes(), nil
}

// Severities.
const (
	// Page is for what players feel now, or what is lost now: somebody gets up.
	Page = "page"
	// Ticket is for what can wait until morning.
	Ticket = "ticket"
	// Heartbeat is for what fires as long as all is well: whoever is told looks for its absence.
	Heartbeat = "heartbeat"
)

// Watchdog is the alert that the hub raises as long as it can see, and tell.
const Watchdog = "Watchdog"

// Runbooks is where each alert's entry is, under its name in lower case.
const Runbooks = "https://github.com/edge-arena/edge-arena/blob/main/docs/runbooks.md"

// alert is an alert as it is written here.
type alert struct {
	name, severity string
	// expr is true, for as long as wait says, when something is wrong.
	expr, wait string
	// summary is one line, description says more. Both are templates.
	summary, description string
	labels               map[string]string
}

func (a alert) rule() Rule {
	labels := map[string]string{"severity": a.severity}
	for k, v := range a.labels {
		labels[k] = v
	}
	return Rule{
		Alert: a.name, Expr: strings.TrimSpace(a.expr), For: a.wait, Labels: labels,
		Annotations: map[string]string{"summary": a.summary, "description": a.description, "runbook_url": Runbooks + "#" + strings.ToLower(a.name)},
	}
}

// group is a group of alerts.
func group(name string, alerts ...alert) Group {
	g := Group{Name: name}
	for _, a := range alerts {
		g.Rules = append(g.Rules, a.rule())
	}
	return g
}

// City are the files of a city.
func City() []File {
	return []File{
		{Name: "slo.yaml", Groups: append(recorded(), burning()...)},
		{Name: "battle.yaml", Groups: []Group{battleSeries(), group("battle", battle()...)}},
		{Name: "lobby.yaml", Groups: []Group{group("lobby", lobby()...), group("ledger", ledger()...), group("nats", nats()...)}},
		{Name: "cluster.yaml", Groups: []Group{group("policy", policy()...), group("k3s", k3s()...), group("node", node()...)}},
		{Name: "monitoring.yaml", Groups: []Group{group("prometheus", prometheus()...), group("log-shipper", shipper()...)}},
	}
}

// Hub are the files of a hub.
func Hub() []File {
	return []File{
		{Name: "fleet.yaml", Groups: []Group{fleetSeries(), group("fleet", fleet()...)}},
		{Name: "hub.yaml", Groups: []Group{group("hub", hub()...)}},
	}
}
