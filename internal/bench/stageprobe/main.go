// Stageprobe runs one Wasm module by WasmEdge's library, as crun does, and tells what each step took. nodeprobe starts it, on a node.
//
// The job comes as JSON on stdin. The marks go as JSON to file descriptor 3, just before the module's own code runs; 1 and 2 are the module's.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/edge-arena/edge-arena/internal/bench/stages"
)

func main() {
	if err := run(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "stageprobe:", err)
		os.Exit(1)
	}
}

func run() error {
	var job stages.Job
	if err := json.NewDecoder(os.Stdin).Decode(&job); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	marks := os.NewFile(3, "marks")
	return stages.Run(job, func(m stages.Marks) error {
		return errors.Join(json.NewEncoder(marks).Encode(m), marks.Close())
	})
}
