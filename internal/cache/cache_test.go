package cache_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/cache"
)

func TestGetBuildsOnceForAll(t *testing.T) {
	t.Parallel()
	c := cache.At(t.TempDir())
	var builds atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dir, err := c.Get(context.Background(), "tools", cache.NewKey("a"), func(_ context.Context, dir string) error {
				builds.Add(1)
				return os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o600)
			})
			if err != nil || filepath.Base(dir) != cache.NewKey("a").String() {
				t.Errorf("got %s, %v", dir, err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, builds.Load())
}

func TestGetKeepsNothingOfAFailedBuild(t *testing.T) {
	t.Parallel()
	c := cache.At(t.TempDir())
	boom := errors.New("boom")
	_, err := c.Get(context.Background(), "tools", cache.NewKey("a"), func(_ context.Context, dir string) error {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "half"), nil, 0o600))
		return boom
	})
	require.ErrorIs(t, err, boom)
	_, ok := c.Lookup("tools", cache.NewKey("a"))
	require.False(t, ok)

	dir, err := c.Get(context.Background(), "tools", cache.NewKey("a"), func(context.Context, string) error { return nil })
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(dir, "half"))
}

func TestKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	tree := func() cache.Key {
		k, err := cache.NewKey().WithTree(dir)
		require.NoError(t, err)
		return k
	}
	write("a.go", "1")
	first := tree()
	write("a_test.go", "tests change nothing that is built")
	require.Equal(t, first, tree())
	write("a.go", "2")
	require.NotEqual(t, first, tree())
	require.NotEqual(t, cache.NewKey("ab", "c"), cache.NewKey("a", "bc"))
	_, err := cache.NewKey().WithTree(filepath.Join(dir, "missing"))
	require.ErrorContains(t, err, "hash "+filepath.Join(dir, "missing"))
}
