// Package gobuild provides the environment in which Go compiles our programs and those of others.
package gobuild

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/command"
)

// Env is this process's environment with more variables, as KEY=VALUE. Unless it says otherwise, the compiler takes memory for time: a package's compilation
// is over before its garbage is worth collecting, and takes a fifth to a quarter less of the processor so (k8s.io/api: 91 to 104 s of it, and 70 s). From the limit on it
// collects as ever.
func Env(more ...string) []string {
	env := os.Environ()
	for _, setting := range []struct{ name, value string }{{"GOGC", "400"}, {"GOMEMLIMIT", "4GiB"}} {
		if _, set := os.LookupEnv(setting.name); !set {
			env = append(env, setting.name+"="+setting.value)
		}
	}
	return append(env, more...)
}

// Static builds a program of the module at root for any Linux host of amd64, and returns it.
func Static(ctx context.Context, root, pkg string) (program []byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("build %s: %w", pkg, err)
		}
	}()
	dir, err := os.MkdirTemp("", "arena-build-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "program")
	build := command.Cmd{Dir: root, Env: Env("CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")}
	if _, err := build.Run(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, pkg); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}
