package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// heldBy is what the CLI's file backend writes into a lock file.
type heldBy struct {
	PID      int    `json:"pid"`
	Hostname string `json:"hostname"`
}

// breakStaleLock cancels the update that a killed run left behind: with the file backend nobody else would, and every later
// run would be refused. A lock whose process lives, or that another host holds, stays.
func (s Stack) breakStaleLock(ctx context.Context) error {
	locks, err := s.locks()
	if err != nil {
		return fmt.Errorf("look for locks of stack %s: %w", s.Name, err)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("look for locks of stack %s: %w", s.Name, err)
	}
	stale := false
	for _, l := range locks {
		if l.Hostname != host || alive(l.PID) {
			return fmt.Errorf("stack %s is being updated by process %d on %s: wait for it, or stop it", s.Name, l.PID, l.Hostname)
		}
		stale = true
	}
	if !stale {
		return nil
	}
	if _, err := s.run(ctx, "cancel", s.Name, "--yes"); err != nil {
		return fmt.Errorf("free stack %s from a run that died: %w", s.Name, err)
	}
	return nil
}

func (s Stack) locks() ([]heldBy, error) {
	dir, ok := s.backendDir()
	if !ok {
		return nil, nil
	}
	var locks []heldBy
	err := filepath.WalkDir(filepath.Join(dir, ".pulumi", "locks"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() || filepath.Base(filepath.Dir(path)) != s.Name || filepath.Ext(path) != ".json":
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var l heldBy
		if err := json.Unmarshal(content, &l); err != nil {
			return fmt.Errorf("read lock %s: %w", path, err)
		}
		locks = append(locks, l)
		return nil
	})
	return locks, err
}

// backendDir is the folder of a file backend; other backends hold their locks elsewhere and free them themselves.
func (s Stack) backendDir() (string, bool) {
	// As for a program that is started with it, the last of several counts.
	for _, kv := range slices.Backward(s.Env) {
		if dir, ok := strings.CutPrefix(kv, "PULUMI_BACKEND_URL=file://"); ok {
			return dir, true
		}
	}
	return "", false
}

func alive(pid int) bool {
	return pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
