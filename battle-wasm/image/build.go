package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/edge-arena/edge-arena/battle-wasm/image/segments"
	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/gobuild"
)

// sourceKey is the key of all that goes into an image: sources, dependencies, Go, configuration, name.
func sourceKey(ctx context.Context, opts Options, kind string) (cache.Key, error) {
	if opts.Source == "" {
		return cache.Key{}, errors.New("source: required")
	}
	goVersion, err := goCommand(opts).Run(ctx, "go", "env", "GOVERSION")
	if err != nil {
		return cache.Key{}, err
	}
	return cache.NewKey("image 2", kind, goVersion, wasmedgeVersion, opts.Repository, opts.Version, string(opts.Config)).WithTree(
		filepath.Join(opts.Source, "battle-wasm"), filepath.Join(opts.Source, "internal", "ociimage"),
		filepath.Join(opts.Source, "go.mod"), filepath.Join(opts.Source, "go.sum"),
	)
}

func goCommand(opts Options, env ...string) command.Cmd {
	return command.Cmd{Dir: opts.Source, Env: gobuild.Env(env...)}
}

// goBuild builds a program of the server's. Nothing of the place and time of the build goes into the binary.
func goBuild(ctx context.Context, opts Options, program, out string, env ...string) error {
	// What the user's environment says about flags and workspaces must not change the image.
	env = append(env, "GOFLAGS=", "GOWORK=off")
	if _, err := goCommand(opts, env...).Run(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w -buildid= -X main.version="+opts.Version, "-o", out, "./battle-wasm/cmd/"+program); err != nil {
		return err
	}
	if slices.Contains(env, "GOARCH=wasm") {
		return segments.MergeFile(out)
	}
	return nil
}

// BuildProgram builds one of the programs of battle-wasm/cmd from the tree at source exactly as the images have it, for an environment such as `GOOS=linux`.
func BuildProgram(ctx context.Context, source, program, out string, env ...string) error {
	return goBuild(ctx, Options{Source: source}.withDefaults(""), program, out, env...)
}

// fileKey is the key of a file's content.
func fileKey(path string) (cache.Key, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return cache.Key{}, fmt.Errorf("hash module: %w", err)
	}
	sum := sha256.Sum256(content)
	return cache.NewKey(hex.EncodeToString(sum[:])), nil
}
