// Logql has a parser of LogQL look at each query that the dashboards have for Loki: `logcli fmt`, which is Loki's own. Loki's code is under the AGPL, so it is
// run and not imported.
//
//	go run ./monitoring/logql <parser> [arguments]
//
// The parser reads one query on stdin, and fails where it is none. It is given a broken one first: one that lets everything pass is no parser.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/dashboard"
	"github.com/edge-arena/edge-arena/monitoring"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "logql:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, parser []string, stdout io.Writer) error {
	if len(parser) == 0 {
		return errors.New("usage: logql <parser> [arguments]")
	}
	queries, err := queries(monitoring.Dashboards())
	if err != nil {
		return err
	}
	if len(queries) == 0 {
		return errors.New("no dashboard asks Loki for anything")
	}
	var errs []error
	if out, err := parse(ctx, parser, broken); err == nil {
		errs = append(errs, fmt.Errorf("%s takes %q for a query, and says %q: it checks nothing", parser[0], broken, out))
	}
	for _, q := range queries {
		if out, err := parse(ctx, parser, q.expr); err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w: %s", q.where, q.expr, err, strings.TrimSpace(out)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "Checking LogQL\n  SUCCESS: %d queries of dashboards\n", len(queries))
	return err
}

// broken is a query as it comes of a slip: its selector has no end.
const broken = `sum(rate({namespace="battle" [1m]))`

// query is a query and where it stands.
type query struct{ where, expr string }

// values are those of the dashboards' variables: what a user would choose.
var values = map[string]string{"region": ".*", "city": "alpha|bravo", "namespace": ".+", "logpod": ".*", "room": "7", "text": "error"}

var variable = regexp.MustCompile(`\$\{?[a-z_]+`)

// queries are those for Loki among the panels of dashboards, by file name.
func queries(boards map[string]string) ([]query, error) {
	var all []query
	for _, file := range slices.Sorted(maps.Keys(boards)) {
		board, err := dashboard.Parse(boards[file])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		now := time.Now()
		for _, p := range board.Panels {
			for _, t := range p.Targets {
				if t.Datasource.Type != "loki" {
					continue
				}
				q := query{file + ": panel " + p.Title, dashboard.Expand(t.Expr, values, dashboard.Span{From: now.Add(-time.Hour), To: now, Step: 15 * time.Second})}
				if name := variable.FindString(q.expr); name != "" {
					return nil, fmt.Errorf("%s: %s has no value here: give it one", q.where, name)
				}
				all = append(all, q)
			}
		}
	}
	return all, nil
}

// parse gives a query to the parser, and returns what it says.
func parse(ctx context.Context, parser []string, expr string) (string, error) {
	cmd := exec.CommandContext(ctx, parser[0], parser[1:]...)
	cmd.Stdin = strings.NewReader(expr)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
