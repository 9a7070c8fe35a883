// Package toolchain finds or makes what `pulumi up` needs on this machine: the Pulumi CLI, its host for Go programs and the two
// providers, and describes the environment in which they work together.
//
// What is on PATH and new enough is used as it is. Plugins are downloaded where Pulumi's servers answer. Where they don't,
// everything is built from the Go modules that tools/ pins. Plugins and state live in `.arena/pulumi` of the checkout and in the
// cache: the user's own Pulumi home is neither read nor written.
package toolchain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/gobuild"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// Part is one program of the toolchain.
type Part struct {
	// Name is the program's name, such as pulumi-resource-kubernetes.
	Name string
	// Version is its version.
	Version string
	// Path is where it is.
	Path string
	// Origin says where it comes from, for people: "PATH", "downloaded", "built from <module>@<version>".
	Origin string
	// StandIn is whether it stands in for an official program that cannot be had here.
	StandIn bool
}

// Toolchain is a complete set of parts and the environment that they work in.
type Toolchain struct {
	// Parts are the CLI, the language host, then the providers.
	Parts []Part

	root string
}

// releases is where Pulumi's official plugins are downloaded from when GitHub has no answer.
const releases = "https://get.pulumi.com/releases/plugins"

// probeTimeout is how long a server of releases may take to answer before the network counts as one without it.
const probeTimeout = 5 * time.Second

// maker makes one toolchain.
type maker struct {
	progress *progress.Reporter
	cache    *cache.Cache
	root     string
	releases string
	plugins  []plugin
	// minFree is how many bytes a disk must have free before anything is built on it.
	minFree uint64
}

// Ensure finds or makes the toolchain of the checkout at root, keeps in c what had to be made, and reports on p.
func Ensure(ctx context.Context, p *progress.Reporter, c *cache.Cache, root string) (*Toolchain, error) {
	return (&maker{progress: p, cache: c, root: root, releases: releases, plugins: plugins, minFree: minFree}).ensure(ctx)
}

func (m *maker) ensure(ctx context.Context) (*Toolchain, error) {
	for _, dir := range []string{homeDir(m.root), stateDir(m.root)} {
		// The state holds kubeconfigs and keys, encrypted with a passphrase that is no secret: nobody else may read it.
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make pulumi folder: %w", err)
		}
	}
	parts, err := m.cli(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range m.plugins {
		part, err := m.plugin(ctx, parts[0].Path, p)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if own := os.Getenv("PULUMI_CONFIG_PASSPHRASE"); own != "" && own != localPassphrase {
		m.progress.Note("PULUMI_CONFIG_PASSPHRASE is your own and is used as it is; stack local opens only with %q", localPassphrase)
	}
	return &Toolchain{Parts: parts, root: m.root}, nil
}

// Pulumi is the path of the CLI.
func (t *Toolchain) Pulumi() string { return t.Parts[0].Path }

// Compile compiles the Pulumi program to where Pulumi.yaml wants it. Pulumi would do so itself, but without a word for the minutes
// that it takes the first time. Once it is compiled and nothing has changed, Pulumi finds it up to date.
func (t *Toolchain) Compile(ctx context.Context, p *progress.Reporter) error {
	return p.Step(ctx, "Compile the Pulumi program", func(ctx context.Context) error {
		// The arguments are those of the language host, or the two would undo each other's work.
		_, err := command.Cmd{Dir: filepath.Join(t.root, "infra"), Env: gobuild.Env()}.Run(ctx, "go", "build", "-o", programPath(t.root))
		if err != nil {
			return fmt.Errorf("compile the Pulumi program: %w", err)
		}
		return nil
	})
}

func homeDir(root string) string  { return filepath.Join(root, ".arena", "pulumi", "home") }
func stateDir(root string) string { return filepath.Join(root, ".arena", "pulumi", "state") }

// programPath is the buildTarget of Pulumi.yaml.
func programPath(root string) string { return filepath.Join(root, ".arena", "pulumi", "program") }

// platform is how release files name this machine.
func platform() string { return runtime.GOOS + "-" + runtime.GOARCH }
