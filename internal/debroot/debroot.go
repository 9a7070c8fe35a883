// Package debroot unpacks Debian packages into a folder. Nothing is installed, and no script of a package runs, so that the packages may be of another release or
// architecture than the machine's own.
package debroot

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

//go:embed unpack.sh
var script string

// Packages are what is unpacked, with all that they depend on.
type Packages struct {
	// Suite is a Debian release, such as trixie, and Arch an architecture, such as amd64.
	Suite, Arch string
	Names       []string
}

// Key is the key of what [Packages.Unpack] unpacks.
func (p Packages) Key() cache.Key {
	return cache.NewKey(append([]string{p.Suite, p.Arch, script}, p.Names...)...)
}

// keyring is what Debian's packages are checked by.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// Unpack unpacks them into a folder `root` within dir, and returns it. The machine must have apt; Debian's keys are installed where they are missing.
func (p Packages) Unpack(ctx context.Context, m docker.Machine, dir string) (root string, err error) {
	if _, err := os.Stat(keyring); err != nil {
		if err := m.Install(ctx, "debian-archive-keyring"); err != nil {
			return "", err
		}
	}
	file := filepath.Join(dir, "unpack.sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return "", fmt.Errorf("write script: %w", err)
	}
	if _, err := command.Run(ctx, "sh", append([]string{file, p.Suite, p.Arch, dir}, p.Names...)...); err != nil {
		return "", err
	}
	return filepath.Join(dir, "root"), nil
}
