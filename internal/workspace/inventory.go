package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/edge-arena/edge-arena/internal/toolchain"
)

// inventory is the file that tells what the last Prepare found or made.
const inventory = "inventory.json"

// Inventory returns the toolchain that the last [Prepare] of this checkout found or made; nothing, where there was none.
func (w *Workspace) Inventory() ([]toolchain.Part, error) {
	content, err := os.ReadFile(w.Path(inventory))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read inventory: %w", err)
	}
	var parts []toolchain.Part
	if err := json.Unmarshal(content, &parts); err != nil {
		return nil, fmt.Errorf("read inventory %s: %w", w.Path(inventory), err)
	}
	return parts, nil
}

func (w *Workspace) writeInventory(parts []toolchain.Part) error {
	content, err := json.MarshalIndent(parts, "", "  ")
	if err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	if err := os.WriteFile(w.Path(inventory), content, 0o600); err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	return nil
}
