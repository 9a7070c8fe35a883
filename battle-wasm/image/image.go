// Package image builds the battle server's container images: the Wasm module compiled ahead of time for WasmEdge 0.14.1 on amd64 and arm64, and, to compare
// it with, the same server as a native Linux binary and the same module under wazero, on amd64 alone.
//
// A build is reproducible: the same sources and the same Go give the same digest. What has been built is found again in the cache by what it was made
// from; the compilation ahead of time, the slow part, by the module alone.
package image

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/edge-arena/edge-arena/battle-wasm/image/aot"
	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/ociimage"
	"github.com/edge-arena/edge-arena/internal/progress"
	"github.com/edge-arena/edge-arena/internal/tinygo"
)

// DefaultConfig is the /config.json of the images unless another is given.
//
//go:embed config.json
var DefaultConfig []byte

// Options say what to build.
type Options struct {
	// Source is the root of the module's source tree. Required.
	Source string
	// Repository is the image's name without a tag. Default is registry.example.com/real-time-battle, with -native or -wazero behind it for [BuildNative] and
	// [BuildHosted].
	Repository string
	// Version is the image's tag and what the server says that it is. Default is 0.1.0.
	Version string
	// Config is the image's /config.json. Default is [DefaultConfig].
	Config []byte
	// Toolchain makes the module and its native code. Required, but for [BuildNative].
	Toolchain Toolchain
}

func (o Options) withDefaults(repository string) Options {
	if o.Repository == "" {
		o.Repository = repository
	}
	if o.Version == "" {
		o.Version = "0.1.0"
	}
	if o.Config == nil {
		o.Config = DefaultConfig
	}
	return o
}

// module builds the server's Wasm module, a file named out.
func (o Options) module(ctx context.Context, out string) error {
	if o.Toolchain == nil {
		return errors.New("toolchain: required")
	}
	return o.Toolchain.Module(ctx, tinygo.Program{Source: o.Source, Package: programs + server, Version: o.Version}, out)
}

// Image is an image that has been built.
type Image struct {
	// Archive is the path of the OCI archive. It names the image by Tag and by Reference.
	Archive string `json:"-"`
	// Digest is that of the manifest, `sha256:…`; of an image for several platforms, that of the index of their manifests.
	Digest string `json:"digest"`
	// Reference is the image's name by digest, and Tag by tag.
	Reference string `json:"reference"`
	Tag       string `json:"tag"`
	// ProgramBytes is the size of the program in the image, on the platform where it is largest: /app.so or /app. ModuleBytes is the size of the Wasm module before the
	// compilation ahead of time, 0 for a native image.
	ProgramBytes int64 `json:"programBytes"`
	ModuleBytes  int64 `json:"moduleBytes,omitempty"`
	// Bytes is the size of the image as a node pulls it, on the platform where it is largest: the compressed layers, the configuration and the manifest.
	Bytes int64 `json:"bytes"`
}

const (
	archiveName = "image.tar"
	recordName  = "image.json"
)

// The programs that images are made of: the server itself, and what runs its module under wazero.
const (
	server = "battle"
	wazero = "battle-wazero"
)

// runtimeEnv is what the native image sets for Go's runtime. In the steady state the server allocates nothing, so there is no garbage to look
// for; should there be some after all, it is collected before it hurts. In Wasm the runtime is TinyGo's, which has no such settings.
var runtimeEnv = []string{"GOGC=off", "GOMEMLIMIT=64MiB"}

// architectures are those that the Wasm image is made for: nodes of each find theirs under the one name.
var architectures = []aot.Arch{aot.AMD64, aot.ARM64}

// Build builds the Wasm image, or finds it in the cache. Its program is /app.so, native code. The module that it was made from, /app.wasm, lies beside it for nodes that
// cannot run that: they interpret it.
func Build(ctx context.Context, p *progress.Reporter, c *cache.Cache, opts Options) (Image, error) {
	opts = opts.withDefaults("registry.example.com/real-time-battle")
	return build(ctx, p, c, opts, "battle image", "wasm", func(ctx context.Context, dir string) ([]ociimage.Spec, Image, error) {
		module := filepath.Join(dir, "module.wasm")
		if err := opts.module(ctx, module); err != nil {
			return nil, Image{}, err
		}
		plain, err := os.ReadFile(module)
		if err != nil {
			return nil, Image{}, err
		}
		img := Image{ModuleBytes: int64(len(plain))}
		var specs []ociimage.Spec
		for _, arch := range architectures {
			library, err := CompileFor(ctx, p, c, opts.Toolchain, module, arch)
			if err != nil {
				return nil, Image{}, err
			}
			img.ProgramBytes = max(img.ProgramBytes, int64(len(library)))
			s := spec("/app.so", library, opts, arch)
			s.Files["/app.wasm"] = ociimage.File{Content: plain, Mode: 0o755}
			specs = append(specs, s)
		}
		return specs, img, os.Remove(module)
	})
}

// BuildNative builds the native image, or finds it in the cache.
func BuildNative(ctx context.Context, p *progress.Reporter, c *cache.Cache, opts Options) (Image, error) {
	opts = opts.withDefaults("registry.example.com/real-time-battle-native")
	return build(ctx, p, c, opts, "native battle image", "native", func(ctx context.Context, dir string) ([]ociimage.Spec, Image, error) {
		binary := filepath.Join(dir, "battle")
		if err := BuildNativeProgram(ctx, opts.Source, server, opts.Version, binary); err != nil {
			return nil, Image{}, err
		}
		program, err := os.ReadFile(binary)
		if err != nil {
			return nil, Image{}, err
		}
		s := spec("/app", program, opts, aot.AMD64)
		s.Env = runtimeEnv
		return []ociimage.Spec{s}, Image{ProgramBytes: int64(len(program))}, os.Remove(binary)
	})
}

// BuildHosted builds the image of the same module under wazero in a native process, or finds it in the cache.
func BuildHosted(ctx context.Context, p *progress.Reporter, c *cache.Cache, opts Options) (Image, error) {
	opts = opts.withDefaults("registry.example.com/real-time-battle-wazero")
	return build(ctx, p, c, opts, "battle image for wazero", "wazero", func(ctx context.Context, dir string) ([]ociimage.Spec, Image, error) {
		var contents [2][]byte
		for i, build := range []func(out string) error{
			func(out string) error { return BuildNativeProgram(ctx, opts.Source, wazero, opts.Version, out) },
			func(out string) error { return opts.module(ctx, out) },
		} {
			file := filepath.Join(dir, "part")
			if err := build(file); err != nil {
				return nil, Image{}, err
			}
			var err error
			if contents[i], err = os.ReadFile(file); err != nil {
				return nil, Image{}, err
			}
			if err := os.Remove(file); err != nil {
				return nil, Image{}, err
			}
		}
		s := spec("/app", contents[0], opts, aot.AMD64)
		s.Files["/app.wasm"] = ociimage.File{Content: contents[1]}
		return []ociimage.Spec{s}, Image{ModuleBytes: int64(len(contents[1])), ProgramBytes: int64(len(contents[0]))}, nil
	})
}

// spec describes an image of one program. Its platform is linux and the architecture for the Wasm module as well: the code that was compiled ahead of time is for
// those, and containerd takes no other platform without being told to; what runs it is chosen by the pod.
func spec(path string, program []byte, opts Options, arch aot.Arch) ociimage.Spec {
	return ociimage.Spec{
		Reference:    opts.Repository + ":" + opts.Version,
		Files:        map[string]ociimage.File{path: {Content: program, Mode: 0o755}, "/config.json": {Content: opts.Config}},
		Entrypoint:   []string{path},
		Architecture: string(arch),
	}
}

// maker makes the parts of an image in a folder that is to be left empty: one image for each platform, of the same name.
type maker func(ctx context.Context, dir string) ([]ociimage.Spec, Image, error)

func build(ctx context.Context, p *progress.Reporter, c *cache.Cache, opts Options, title, kind string, makeParts maker) (Image, error) {
	key, err := sourceKey(ctx, opts, kind)
	if err != nil {
		return Image{}, fmt.Errorf("build %s: %w", title, err)
	}
	dir, found := c.Lookup("battle-image", key)
	if !found {
		err := p.Step(ctx, "build the "+title, func(ctx context.Context) (err error) {
			dir, err = c.Get(ctx, "battle-image", key, func(ctx context.Context, dir string) error {
				specs, img, err := makeParts(ctx, dir)
				if err != nil {
					return err
				}
				return write(dir, specs, img)
			})
			return err
		})
		if err != nil {
			return Image{}, fmt.Errorf("build %s: %w", title, err)
		}
	}
	return read(dir)
}

// write writes the archive, and a record of what is in it.
func write(dir string, specs []ociimage.Spec, img Image) error {
	var images []v1.Image
	for _, s := range specs {
		oci, err := ociimage.New(s)
		if err != nil {
			return err
		}
		size, err := ociimage.Size(oci)
		if err != nil {
			return err
		}
		images, img.Bytes = append(images, oci), max(img.Bytes, size)
	}
	img.Tag = specs[0].Reference
	repository, err := ociimage.Repository(img.Tag)
	if err != nil {
		return err
	}
	archive := filepath.Join(dir, archiveName)
	if len(images) == 1 {
		img.Digest, err = ociimage.WriteImage(archive, img.Tag, images[0])
	} else {
		img.Digest, err = ociimage.WriteIndex(archive, img.Tag, images...)
	}
	if err != nil {
		return err
	}
	img.Reference = repository + "@" + img.Digest
	record, err := json.Marshal(img)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, recordName), record, 0o644)
}

func read(dir string) (Image, error) {
	record, err := os.ReadFile(filepath.Join(dir, recordName))
	if err != nil {
		return Image{}, fmt.Errorf("read image record: %w", err)
	}
	img := Image{Archive: filepath.Join(dir, archiveName)}
	if err := json.Unmarshal(record, &img); err != nil {
		return Image{}, fmt.Errorf("read image record %s: %w", dir, err)
	}
	_, err = os.Stat(img.Archive)
	return img, errors.Join(err)
}
