package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Raise sees that a limit of the kernel, such as fs.inotify.max_user_instances, is at least so high. One that is lower is raised until
// [Machine.Stop]; where that is not allowed, the error says what to run.
func (m Machine) Raise(ctx context.Context, limit string, atLeast int) error {
	m = m.withDefaults()
	if now, err := m.readLimit(limit); err != nil || now >= atLeast {
		return err
	}
	err := m.locked(ctx, func() error {
		now, err := m.readLimit(limit)
		if err != nil || now >= atLeast {
			return err // another process was quicker
		}
		state, err := m.State()
		if err != nil {
			return err
		}
		if _, ok := state.Sysctls[limit]; !ok {
			if state.Sysctls == nil {
				state.Sysctls = map[string]string{}
			}
			state.Sysctls[limit] = strconv.Itoa(now)
		}
		// The record comes first: a run that is cut off in between has raised nothing that is not in it.
		return errors.Join(m.save(state), m.writeLimit(limit, strconv.Itoa(atLeast)))
	})
	if err != nil {
		return fmt.Errorf("%s must be at least %d (sysctl -w %s=%d): %w", limit, atLeast, limit, atLeast, err)
	}
	return nil
}

// lower takes back what was raised, and keeps the rest of the record. The lock is held.
func (m Machine) lower(state State) error {
	for _, limit := range slices.Sorted(maps.Keys(state.Sysctls)) {
		if err := m.writeLimit(limit, state.Sysctls[limit]); err != nil {
			return err
		}
	}
	state.Sysctls = nil
	return m.save(state)
}

func (m Machine) limitFile(limit string) string {
	return filepath.Join(m.Sys, strings.ReplaceAll(limit, ".", "/"))
}

func (m Machine) readLimit(limit string) (int, error) {
	content, err := os.ReadFile(m.limitFile(limit))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", limit, err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", limit, err)
	}
	return n, nil
}

func (m Machine) writeLimit(limit, value string) error {
	if err := os.WriteFile(m.limitFile(limit), []byte(value), 0o644); err != nil {
		return fmt.Errorf("set %s: %w", limit, err)
	}
	return nil
}
