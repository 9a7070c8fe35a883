//go:build linux

// Command battle-wazero runs the battle server's Wasm module under wazero, as package hosted does: /app.wasm, with what an image of it has beside it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/edge-arena/edge-arena/battle-wasm/hosted"
)

func main() {
	// The module's own Go collects garbage as it does under WasmEdge; that of this process is another's.
	if err := hosted.RunFile(context.Background(), "/app.wasm"); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "battle-wazero:", err)
		os.Exit(1)
	}
}
