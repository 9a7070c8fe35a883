package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Machine is this machine, as far as we change it: packages that we installed and a Docker daemon that we started.
type Machine struct {
	// Lib is the folder for what must outlive a reboot: the record of our changes and the daemon's data. It isn't the user's cache:
	// a home directory may lie on a file system that Docker's overlays can't use, and cleaning a cache must not pull a running
	// daemon's data away. Default is /var/lib/edge-arena.
	Lib string
	// Run is the folder for sockets and process ids. Default is /run/edge-arena.
	Run string
	// Sys is the folder of the kernel's settings. Default is /proc/sys.
	Sys string
}

func (m Machine) withDefaults() Machine {
	if m.Lib == "" {
		m.Lib = "/var/lib/edge-arena"
	}
	if m.Run == "" {
		m.Run = "/run/edge-arena"
	}
	if m.Sys == "" {
		m.Sys = "/proc/sys"
	}
	return m
}

// State is the record of what we changed on the machine and have to take back.
type State struct {
	// Packages are the Debian packages that weren't there before us.
	Packages []string `json:"packages,omitempty"`
	// Daemon is the Docker daemon that we started. Nil is none.
	Daemon *Daemon `json:"daemon,omitempty"`
	// Sysctls are what settings of the kernel that we raised were before us, by their names; see [Machine.Raise].
	Sysctls map[string]string `json:"sysctls,omitempty"`
}

// Daemon is a Docker daemon of ours.
type Daemon struct {
	PID int `json:"pid"`
	// Started is the process's start time in the kernel's ticks: with it a process id can't be mistaken for a later process's.
	Started string `json:"started"`
	// IPForward is what net.ipv4.ip_forward was before us.
	IPForward string `json:"ipForward"`
}

func (m Machine) stateFile() string { return filepath.Join(m.Lib, "state.json") }

// State reads the record. A machine that we never changed has an empty one.
func (m Machine) State() (State, error) {
	m = m.withDefaults()
	var s State
	content, err := os.ReadFile(m.stateFile())
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read record of this machine: %w", err)
	}
	if err := json.Unmarshal(content, &s); err != nil {
		return s, fmt.Errorf("read record of this machine %s: %w", m.stateFile(), err)
	}
	return s, nil
}

// save writes the record whole or not at all; an empty one is removed.
func (m Machine) save(s State) error {
	if len(s.Packages) == 0 && s.Daemon == nil && len(s.Sysctls) == 0 {
		if err := os.Remove(m.stateFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove record of this machine: %w", err)
		}
		return nil
	}
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write record of this machine: %w", err)
	}
	tmp := m.stateFile() + ".tmp"
	if err := os.WriteFile(tmp, append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("write record of this machine: %w", err)
	}
	if err := os.Rename(tmp, m.stateFile()); err != nil {
		return fmt.Errorf("write record of this machine: %w", err)
	}
	return nil
}

func (m Machine) logFile() string { return filepath.Join(m.Lib, "dockerd.log") }

// locked runs f while no other process changes the machine. When nothing of ours is left afterwards, the folder goes too.
func (m Machine) locked(ctx context.Context, f func() error) error {
	unlock, err := m.lock(ctx)
	if err != nil {
		return fmt.Errorf("lock the record of this machine: %w", err)
	}
	defer unlock()
	if err := f(); err != nil {
		return err
	}
	if _, err := os.Stat(m.stateFile()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(m.lockFile()); err != nil {
		return fmt.Errorf("remove the record of this machine: %w", err)
	}
	if err := os.Remove(m.Lib); err != nil && !errors.Is(err, syscall.ENOTEMPTY) {
		return fmt.Errorf("remove the record of this machine: %w", err)
	}
	return nil
}

func (m Machine) lockFile() string { return filepath.Join(m.Lib, "lock") }

func (m Machine) lock(ctx context.Context) (unlock func(), err error) {
	for {
		if err := os.MkdirAll(m.Lib, 0o755); err != nil {
			return nil, fmt.Errorf("%w (is this root?)", err)
		}
		file, err := os.OpenFile(m.lockFile(), os.O_CREATE|os.O_RDWR, 0o644)
		if errors.Is(err, fs.ErrNotExist) {
			continue // who held the lock has just removed the folder
		}
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil && sameFile(file, m.lockFile()) {
			return func() { _ = file.Close() }, nil // which releases the lock
		}
		if err := file.Close(); err != nil {
			return nil, err
		}
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// sameFile tells whether the open file is still the one at path: a lock on a removed file keeps nobody out.
func sameFile(file *os.File, path string) bool {
	a, errA := file.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}
