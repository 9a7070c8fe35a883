package monitoring

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

// hashOf is a hash of files.
func hashOf(files ...map[string]string) string {
	h := sha256.New()
	for _, set := range files {
		for _, name := range sortedKeys(set) {
			_, _ = fmt.Fprintf(h, "%q %q\n", name, set[name])
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
