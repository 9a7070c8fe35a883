// Gen writes the schema of stack files, stacks/region.schema.json.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/modules/config/schema"
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
	text, err := schema.Generate()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, filepath.FromSlash(schema.Path)), text, 0o644)
}
