// Package monitoring is what the fleet is watched by: one table of objectives, and the rules, alerts and dashboards that are made from it. It is data.
// Package rules and package dashboards write it to generated/ (`make generate`), and modules/monitoring takes it to the cities.
package monitoring

import (
	"embed"
	"io/fs"
	"path"
)

// generated is what `make generate` wrote. The program embeds it, so that a city gets what was reviewed and tested, and so that whoever only needs
// the objectives does not compile a dashboard builder.
//
//go:embed generated
var generated embed.FS

// Folders of generated, and the command that writes them.
const (
	CityFolder      = "rules/city"
	HubFolder       = "rules/hub"
	DashboardFolder = "dashboards"

	Command = "go run ./monitoring/gen"
)

// CityRules are the rule files of a city's Prometheus by file name.
func CityRules() map[string]string { return files(CityFolder) }

// HubRules are the rule files of the long-term Prometheus by file name.
func HubRules() map[string]string { return files(HubFolder) }

// Dashboards are Grafana's dashboards by file name, as JSON.
func Dashboards() map[string]string { return files(DashboardFolder) }

// files reads a folder of generated. What it reads is part of the program: an error is a mistake in this package.
func files(folder string) map[string]string {
	names, err := fs.Glob(generated, path.Join("generated", folder, "*"))
	if err != nil {
		panic("monitoring: " + err.Error())
	}
	texts := make(map[string]string, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(generated, name)
		if err != nil {
			panic("monitoring: " + err.Error())
		}
		texts[path.Base(name)] = string(text)
	}
	return texts
}
