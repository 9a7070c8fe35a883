// Package cache keeps what is slow to make in the user's cache directory, by the content that it is made from.
//
// An entry is a directory. It appears whole or not at all: it is built beside its place and renamed into it, under a lock that
// other processes honor, so that a run that was cut off leaves nothing half-made to be found.
package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Cache is a directory of entries `<kind>/<key>`.
type Cache struct{ root string }

// Open returns the user's cache: $XDG_CACHE_HOME/edge-arena, by default ~/.cache/edge-arena.
func Open() (*Cache, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("find the user's cache directory: %w", err)
	}
	return At(filepath.Join(base, "edge-arena")), nil
}

// At returns the cache in the directory root, which is made when it is first needed.
func At(root string) *Cache { return &Cache{root: root} }

// Root is the cache's directory.
func (c *Cache) Root() string { return c.root }

// Lookup returns the entry's directory, and whether it is there.
func (c *Cache) Lookup(kind string, key Key) (string, bool) {
	dir := filepath.Join(c.root, kind, key.String())
	info, err := os.Stat(dir)
	return dir, err == nil && info.IsDir()
}

// Get returns the entry's directory; where it is missing, build fills a new one first. Of several processes that want the same
// entry one builds and the others wait for it.
func (c *Cache) Get(ctx context.Context, kind string, key Key, build func(ctx context.Context, dir string) error) (string, error) {
	dir, ok := c.Lookup(kind, key)
	if ok {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return "", fmt.Errorf("lock cache entry %s: %w", dir, err)
	}
	defer unlock()
	if _, ok := c.Lookup(kind, key); ok {
		return dir, nil
	}
	// What a killed run left behind under this name is its alone: the lock is ours now.
	tmp := dir + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return "", fmt.Errorf("clear cache folder: %w", err)
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	if err := build(ctx, tmp); err != nil {
		return "", errors.Join(err, os.RemoveAll(tmp))
	}
	if err := os.Rename(tmp, dir); err != nil {
		return "", fmt.Errorf("keep cache entry: %w", err)
	}
	return dir, nil
}

// Clean removes the whole cache.
func (c *Cache) Clean() error {
	if err := os.RemoveAll(c.root); err != nil {
		return fmt.Errorf("remove cache: %w", err)
	}
	return nil
}

// lock takes an exclusive advisory lock on the file at path. It polls so that a canceled context ends the wait.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			// Closing the file releases the lock; the file stays, for a removed one could be locked twice.
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), f.Close())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
