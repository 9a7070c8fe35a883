package tinygo

import (
	"context"
	"errors"
	"strings"

	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/gobuild"
)

// golang is the Go that TinyGo goes with, on this machine.
type golang struct{ root, modules string }

// findGo finds it, or has the machine's Go download it.
func findGo(ctx context.Context, dir string) (g golang, err error) {
	out, err := g.run(ctx, dir, nil, "env", "GOROOT", "GOMODCACHE")
	if err != nil {
		return g, err
	}
	var ok bool
	if g.root, g.modules, ok = strings.Cut(out, "\n"); !ok || g.root == "" {
		return g, errors.New(goVersion + ": go env does not say where it is")
	}
	return g, nil
}

// download gets all that packages of the module in a folder are compiled of.
func (g golang) download(ctx context.Context, dir string, env []string, args ...string) error {
	_, err := g.run(ctx, dir, env, append([]string{"list", "-mod=readonly", "-deps"}, args...)...)
	return err
}

func (golang) run(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	// What the user's environment says about flags and workspaces must not change the module.
	env = append([]string{"GOTOOLCHAIN=" + goVersion, "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=1"}, env...)
	return command.Cmd{Dir: dir, Env: gobuild.Env(env...)}.Run(ctx, "go", args...)
}
