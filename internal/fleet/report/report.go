// Package report renders what is known of the fleet as one HTML file: a map, the cities against their objectives, their latencies,
// and what the fleet costs. The file loads nothing and runs no script, so that it can be mailed, archived and printed.
package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/edge-arena/edge-arena/internal/fleet"
)

// Options are what the snapshot doesn't say.
type Options struct {
	// Title heads the page. Default is "Fleet report".
	Title string
	// GeneratedBy says in the page's foot what made it, such as a command and its version. Default is to say nothing.
	GeneratedBy string
}

//go:embed templates
var files embed.FS

var (
	pageTemplate = template.Must(template.New("page.tmpl").Funcs(template.FuncMap{"plural": plural, "thousands": thousands, "join": strings.Join}).
			ParseFS(files, "templates/*.tmpl"))
	style = template.CSS(mustRead("templates/style.css"))
)

func mustRead(name string) string {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is compiled in
	}
	return string(content)
}

// Write writes the report on s to w, as HTML in UTF-8. Nothing is written where rendering fails.
func Write(w io.Writer, s fleet.Snapshot, o Options) error {
	if o.Title == "" {
		o.Title = "Fleet report"
	}
	p, err := newPage(s, o)
	if err != nil {
		return fmt.Errorf("render fleet report: %w", err)
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return fmt.Errorf("render fleet report: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write fleet report: %w", err)
	}
	return nil
}
