// Package workspace knows the checkout that a command works in, and prepares what cities are made from.
package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/cache"
)

// Workspace is a checkout of this project and its user's cache.
type Workspace struct {
	// Root is the folder that holds Pulumi.yaml.
	Root string
	// Cache keeps what is slow to make, across checkouts.
	Cache *cache.Cache
}

// Open finds the checkout that dir lies in.
func Open(dir string) (*Workspace, error) {
	root, err := findRoot(dir)
	if err != nil {
		return nil, err
	}
	c, err := cache.Open()
	if err != nil {
		return nil, err
	}
	return &Workspace{Root: root, Cache: c}, nil
}

func findRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		_, err := os.Stat(filepath.Join(at, "Pulumi.yaml"))
		switch {
		case err == nil:
			return at, nil
		case !errors.Is(err, os.ErrNotExist):
			return "", fmt.Errorf("find the checkout: %w", err)
		case at == filepath.Dir(at):
			return "", fmt.Errorf("%s is not inside a checkout of edge-arena (no Pulumi.yaml in it or above it): run arena from one", dir)
		}
	}
}

// Path joins elem below `.arena`, the checkout's own state: Pulumi's home and stacks, the local city's keys, images. Git ignores it.
func (w *Workspace) Path(elem ...string) string {
	return filepath.Join(append([]string{w.Root, ".arena"}, elem...)...)
}
