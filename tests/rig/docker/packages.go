package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/edge-arena/edge-arena/internal/command"
)

// Install installs Debian packages and records which ones weren't there before, dependencies included.
func (m Machine) Install(ctx context.Context, names ...string) error {
	m = m.withDefaults()
	if err := canInstall(names); err != nil {
		return err
	}
	return m.locked(ctx, func() error {
		before, err := installedPackages(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(before, n) }) {
			return nil
		}
		apt := command.Cmd{Env: append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")}
		if _, err := apt.Run(ctx, "apt-get", "-q", "update"); err != nil {
			return fmt.Errorf("refresh package lists: %w", err)
		}
		// Another apt at work, such as the updates of a machine that has just booted, is waited for.
		args := append([]string{"-q", "-y", "-o", "DPkg::Lock::Timeout=300", "--no-install-recommends", "install"}, names...)
		_, installErr := apt.Run(ctx, "apt-get", args...)
		// Also a failed install may have left packages behind.
		after, err := installedPackages(ctx)
		if err != nil {
			return err
		}
		state, err := m.State()
		if err != nil {
			return err
		}
		state.Packages = added(state.Packages, before, after)
		if err := m.save(state); err != nil {
			return err
		}
		if installErr != nil {
			return fmt.Errorf("install %s: %w", strings.Join(names, ", "), installErr)
		}
		return nil
	})
}

// Purge removes the packages that we installed. dpkg and not apt: it refuses to take a package that another one needs by now. A
// Docker that is in use isn't taken away either; call [Machine.Stop] first.
func (m Machine) Purge(ctx context.Context) error {
	m = m.withDefaults()
	state, err := m.State()
	if err != nil || len(state.Packages) == 0 {
		return err
	}
	if state.Daemon != nil {
		return errors.New("the Docker daemon that was started for the rig still runs: stop it first")
	}
	if slices.Contains(state.Packages, "docker.io") {
		if err := m.unused(ctx); err != nil {
			return err
		}
	}
	return m.locked(ctx, func() error {
		state, err := m.State()
		if err != nil {
			return err
		}
		present, err := installedPackages(ctx)
		if err != nil {
			return err
		}
		ours := slices.DeleteFunc(slices.Clone(state.Packages), func(n string) bool { return !slices.Contains(present, n) })
		if len(ours) > 0 {
			if _, err := command.Run(ctx, "dpkg", append([]string{"--purge"}, ours...)...); err != nil {
				return fmt.Errorf("remove the packages that were installed for the rig: %w", err)
			}
		}
		state.Packages = nil
		return m.save(state)
	})
}

// unused fails where a Docker answers that has containers or networks.
func (m Machine) unused(ctx context.Context) error {
	c, err := m.Find(ctx)
	if err != nil || c == nil {
		return err
	}
	users, err := c.users(ctx)
	if err != nil {
		return err
	}
	if len(users) > 0 {
		return fmt.Errorf("docker.io stays installed: it is used by %s", strings.Join(users, ", "))
	}
	return nil
}

// added returns the record with the packages that are in after and not in before, sorted.
func added(record, before, after []string) []string {
	out := slices.Clone(record)
	for _, name := range after {
		if !slices.Contains(before, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func installedPackages(ctx context.Context) ([]string, error) {
	out, err := command.Run(ctx, "dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n")
	if err != nil {
		return nil, fmt.Errorf("list installed packages: %w", err)
	}
	var names []string
	for line := range strings.Lines(out) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "installed "); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// canInstall says what is missing, and how to mend it, where packages can't be installed.
func canInstall(names []string) error {
	list := strings.Join(names, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("%s is missing, and this is no Debian that could install it: install it by your system's means", list)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("%s is missing: run as root, or run `sudo apt-get install %s` first", list, list)
	}
	return nil
}
