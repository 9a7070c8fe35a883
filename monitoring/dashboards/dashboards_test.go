package dashboards

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkSchema reads a dashboard as the types of Grafana's schema, and compares what those write with what they read: what they do not know is missing
// then, and what they require and was missing is there. The SDK's own strict reader would be the way, but at v0.0.22 it takes its own empty lists of errors
// for errors, and leaves out what it read.
func checkSchema(text []byte) error {
	var d dashboard.Dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		return err
	}
	again, err := json.Marshal(d)
	if err != nil {
		return err
	}
	var read, written any
	if err := errors.Join(json.Unmarshal(text, &read), json.Unmarshal(again, &written)); err != nil {
		return err
	}
	if !assert.ObjectsAreEqual(read, written) {
		return fmt.Errorf("it is not the same when it is written again:\n%s", again)
	}
	return nil
}

// Grafana's schema, as far as its SDK knows it: unknown and missing fields of dashboards, panels, options and queries are errors, and each is the same when it
// is written again.
func TestEveryDashboardKeepsToGrafanasSchema(t *testing.T) {
	t.Parallel()
	plugins.RegisterDefaultPlugins()
	files, err := All()
	require.NoError(t, err)
	require.Len(t, files, len(boards()))
	for name, text := range files {
		require.NoError(t, checkSchema(text), name)
	}
}

func TestTheSchemaIsHeldStrictly(t *testing.T) {
	t.Parallel()
	plugins.RegisterDefaultPlugins()
	files, err := All()
	require.NoError(t, err)
	for name, edit := range map[string][2]string{
		"an unknown option":        {`"cellGap": 1`, `"cellGapp": 1`},
		"an unknown field of all":  {`"refresh": "30s"`, `"refresh": "30s", "refreshh": "30s"`},
		"a word for a number":      {`"cellGap": 1`, `"cellGap": "one"`},
		"an unknown query's field": {`"legendFormat": "{{pod}}"`, `"legend": "{{pod}}"`},
	} {
		text := string(files["battle.json"])
		require.Contains(t, text, edit[0], name)
		require.Error(t, checkSchema([]byte(strings.Replace(text, edit[0], edit[1], 1))), name)
	}
}

// units are those that the panels use, of the many that Grafana knows.
var units = []string{"none", "s", "bytes", "Bps", "percentunit", "hertz", "ops", "pps", "reqps", "bool_yes_no"}

func TestEveryPanelSaysWhatItShows(t *testing.T) {
	t.Parallel()
	for _, b := range boards() {
		require.NotEmpty(t, b.description, b.file)
		titles := map[string]bool{}
		for _, r := range b.rows {
			require.NotEmpty(t, r.panels, "%s: row %s", b.file, r.title)
			for _, p := range r.panels {
				name := b.file + ": " + r.title + ": " + p.title
				require.NotEmpty(t, p.title, name)
				require.False(t, titles[r.title+p.title], "%s is there twice", name)
				titles[r.title+p.title] = true
				require.Contains(t, units, p.unit, "%s: unit", name)
				require.Regexp(t, `^\S.{15,}[.]$`, p.description, "%s: the description is a sentence", name)
				require.NotEmpty(t, p.queries, name)
				for _, c := range p.columns {
					if strings.HasPrefix(c.field, "Value") {
						require.Contains(t, units, c.unit, "%s: unit of column %s", name, c.title)
					}
				}
			}
		}
	}
}

var variableName = regexp.MustCompile(`\$\{?([a-z_]+)`)

func TestEveryQueryIsNarrowedByTheDashboardsVariables(t *testing.T) {
	t.Parallel()
	for _, b := range boards() {
		known, used := map[string]bool{"__rate_interval": true, "__range": true, "__auto": true}, map[string]bool{}
		for _, v := range b.variables {
			known[v.name] = true
			for _, name := range variableName.FindAllStringSubmatch(v.query, -1) {
				require.True(t, known[name[1]], "%s: variable %s asks for $%s, which comes later or not at all", b.file, v.name, name[1])
			}
		}
		for _, r := range b.rows {
			for _, p := range r.panels {
				for _, q := range p.queries {
					require.NotContains(t, q.expr, "@", "%s: %s: a word of the scopes was left", b.file, p.title)
					names := variableName.FindAllStringSubmatch(q.expr, -1)
					for _, name := range names {
						require.True(t, known[name[1]], "%s: %s: $%s is no variable of the dashboard", b.file, p.title, name[1])
						used[name[1]] = true
					}
					require.Contains(t, q.expr, "$region", "%s: %s: not narrowed to a region", b.file, p.title)
				}
			}
		}
		for _, v := range b.variables {
			require.True(t, used[v.name], "%s: variable %s narrows nothing", b.file, v.name)
		}
	}
}

func TestPanelsHaveTheirPlaces(t *testing.T) {
	t.Parallel()
	uids := map[string]bool{}
	for _, b := range boards() {
		d, err := b.build()
		require.NoError(t, err)
		require.Equal(t, "edge-arena-"+b.file, *d.Uid)
		require.False(t, uids[*d.Uid])
		uids[*d.Uid] = true
		taken, ids := map[[2]uint32]string{}, map[uint32]bool{}
		for _, p := range d.Panels {
			if p.RowPanel != nil {
				require.False(t, ids[p.RowPanel.Id])
				ids[p.RowPanel.Id] = true
				continue
			}
			at := p.Panel.GridPos
			require.LessOrEqual(t, at.X+at.W, uint32(24), *p.Panel.Title)
			for x := at.X; x < at.X+at.W; x++ {
				for y := at.Y; y < at.Y+at.H; y++ {
					require.Empty(t, taken[[2]uint32{x, y}], "%s: %s is over another panel", b.file, *p.Panel.Title)
					taken[[2]uint32{x, y}] = *p.Panel.Title
				}
			}
			require.False(t, ids[*p.Panel.Id])
			ids[*p.Panel.Id] = true
			require.Contains(t, []string{Prometheus, Loki}, *p.Panel.Datasource.Uid)
		}
	}
}
