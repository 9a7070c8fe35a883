package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/gobuild"
	"github.com/edge-arena/edge-arena/internal/tinygo"
)

// sourceKey is the key of all that goes into an image: sources, dependencies, Go and TinyGo, configuration, name.
func sourceKey(ctx context.Context, opts Options, kind string) (cache.Key, error) {
	if opts.Source == "" {
		return cache.Key{}, errors.New("source: required")
	}
	goVersion, err := goCommand(opts.Source).Run(ctx, "go", "env", "GOVERSION")
	if err != nil {
		return cache.Key{}, err
	}
	compiler, err := tinygo.Key(opts.Source)
	if err != nil {
		return cache.Key{}, err
	}
	return cache.NewKey("image 3", kind, goVersion, compiler.String(), wasmedgeVersion, opts.Repository, opts.Version, string(opts.Config)).WithTree(
		filepath.Join(opts.Source, "battle-wasm"), filepath.Join(opts.Source, "internal", "ociimage"),
		filepath.Join(opts.Source, "go.mod"), filepath.Join(opts.Source, "go.sum"),
	)
}

// goCommand runs Go in a source tree, for the environment of a native program.
func goCommand(source string) command.Cmd {
	// What the user's environment says about flags and workspaces must not change the image.
	return command.Cmd{Dir: source, Env: gobuild.Env("GOFLAGS=", "GOWORK=off", "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")}
}

// programs is the folder of the source tree with the programs of images.
const programs = "./battle-wasm/cmd/"

// BuildNativeProgram builds one of the programs of battle-wasm/cmd from the tree at source as a native image has it. Nothing of the place and time of the
// build goes into the binary. Its variable main.version becomes the version, unless that is empty.
func BuildNativeProgram(ctx context.Context, source, program, version, out string) error {
	flags := "-ldflags=-s -w -buildid="
	if version != "" {
		flags += " -X main.version=" + version
	}
	_, err := goCommand(source).Run(ctx, "go", "build", "-trimpath", "-buildvcs=false", flags, "-o", out, programs+program)
	return err
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
