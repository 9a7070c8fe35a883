// Gen writes monitoring/generated: rule files and dashboards.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/modules/config/schema"
	"github.com/edge-arena/edge-arena/monitoring/generate"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := schema.Root()
	if err != nil {
		return err
	}
	return generate.Write(filepath.Join(root, "monitoring", "generated"))
}
