package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/edge-arena/edge-arena/internal/cache"
)

// lockFile is what a gate holds while it plays. It lies beside the user's cache, for the cache may be removed at any time.
func lockFile() (string, error) {
	c, err := cache.Open()
	if err != nil {
		return "", err
	}
	return filepath.Clean(c.Root()) + "-gate.lock", nil
}

// turn waits until no other gate plays on this machine: the bots of two would come late because of each other.
func turn(ctx context.Context, path string, log io.Writer) (release func() error, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("wait for a turn: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("wait for a turn: %w", err)
	}
	for said := false; ; said = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			// Closing the file releases the lock, as the end of the process does; the file stays, for a removed one could be locked twice.
			return f.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("wait for a turn: %w", errors.Join(err, f.Close()))
		}
		if !said {
			_, _ = fmt.Fprintln(log, "waiting for another gate that plays on this machine")
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for a turn: %w", errors.Join(context.Cause(ctx), f.Close()))
		case <-time.After(200 * time.Millisecond):
		}
	}
}
