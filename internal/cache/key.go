package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Key names an entry by what it is made from.
type Key struct{ sum [sha256.Size]byte }

// String gives the first 24 hex digits: 96 bits, more than any cache will need.
func (k Key) String() string { return hex.EncodeToString(k.sum[:12]) }

// NewKey returns the key of the given strings: versions, flags, hashes.
func NewKey(parts ...string) Key {
	h := sha256.New()
	for _, p := range parts {
		// The length keeps ("ab", "c") apart from ("a", "bc").
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return Key{sum: [sha256.Size]byte(h.Sum(nil))}
}

// With returns the key of k and more parts.
func (k Key) With(parts ...string) Key {
	return NewKey(append([]string{hex.EncodeToString(k.sum[:])}, parts...)...)
}

// WithTree returns the key of k and every file below each path (a file or a folder): its relative name and its content. Tests
// (_test.go, testdata) are passed over, for nothing is made from them.
func (k Key) WithTree(paths ...string) (Key, error) {
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "testdata":
				return filepath.SkipDir
			case d.IsDir(), strings.HasSuffix(path, "_test.go"):
				return nil
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			k = k.With(filepath.ToSlash(rel), string(content))
			return nil
		})
		if err != nil {
			return Key{}, fmt.Errorf("hash %s: %w", root, err)
		}
	}
	return k, nil
}
