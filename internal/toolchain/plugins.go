package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
)

// plugin is a provider that the program's SDKs ask for, by name and version.
type plugin struct {
	name, version string
	// module is the Go module that the official provider is built from, empty where none holds it and our own stands in.
	module string
	// embeds are files of that module that tools/ embeds, and where they are in the module.
	embeds map[string]string
}

// plugins are the providers. A version is that of the SDK in go.mod: the engine looks for a plugin of just that version.
var plugins = []plugin{
	{
		name: "kubernetes", version: "v4.18.1", module: "github.com/pulumi/pulumi-kubernetes/provider/v4",
		embeds: map[string]string{
			"schema.json":            "cmd/pulumi-resource-kubernetes/schema.json",
			"terraform-mapping.json": "cmd/pulumi-resource-kubernetes/terraform-mapping.json",
		},
	},
	{name: "command", version: "v1.1.0"},
}

// file is the name of the plugin's program.
func (p plugin) file() string { return "pulumi-resource-" + p.name }

// dir is the name of the plugin's folder in a Pulumi home.
func (p plugin) dir() string { return "resource-" + p.name + "-" + p.version }

// plugin returns the plugin, downloaded or built, and puts it where the engine finds it.
func (m *maker) plugin(ctx context.Context, cli string, p plugin) (Part, error) {
	part, err := m.findPlugin(ctx, cli, p)
	if err != nil {
		return Part{}, err
	}
	return part, link(part.Path, filepath.Join(homeDir(m.root), "plugins", p.dir(), p.file()))
}

func (m *maker) findPlugin(ctx context.Context, cli string, p plugin) (Part, error) {
	downloaded := Part{Name: p.file(), Version: p.version, Origin: "downloaded"}
	downloadKey := cache.NewKey("downloaded", p.name, p.version, platform())
	if dir, ok := m.cache.Lookup("plugin", downloadKey); ok {
		downloaded.Path = pluginIn(dir, p)
		return downloaded, nil
	}
	source := module{m.root, p.file()}
	built, err := p.built(source)
	if err != nil {
		return Part{}, err
	}
	buildKey, err := m.buildKey(ctx, source)
	if err != nil {
		return Part{}, err
	}
	if dir, ok := m.cache.Lookup("plugin", buildKey); ok {
		built.Path = filepath.Join(dir, p.file())
		return built, nil
	}

	why := m.probe(ctx, p)
	if why == nil {
		var dir string
		if dir, why = m.cache.Get(ctx, "plugin", downloadKey, m.download(cli, p)); why == nil {
			downloaded.Path = pluginIn(dir, p)
			return downloaded, nil
		}
	}
	if ctx.Err() != nil {
		return Part{}, context.Cause(ctx)
	}
	dir, err := m.cache.Get(ctx, "plugin", buildKey, func(ctx context.Context, dir string) error {
		m.progress.Note("The %s provider is %s: %v", p.name, built.Origin, why)
		return m.buildPlugin(ctx, source, p, filepath.Join(dir, p.file()))
	})
	built.Path = filepath.Join(dir, p.file())
	return built, err
}

// built describes the plugin as it is when it is built here.
func (p plugin) built(source module) (Part, error) {
	part := Part{Name: p.file(), Version: p.version}
	if p.module == "" {
		part.Origin, part.StandIn = "a stand-in built from tools/"+source.name, true
		return part, nil
	}
	version, err := source.version(p.module)
	part.Origin = "built from " + p.module + "@" + version
	return part, err
}

// probe asks for the official plugin and returns why it cannot be downloaded.
func (m *maker) probe(ctx context.Context, p plugin) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	url := fmt.Sprintf("%s/%s-%s-%s.tar.gz", m.releases, p.file(), p.version, platform())
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return fmt.Errorf("reach the official plugin: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("reach the official plugin: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // An answer to HEAD has no body to lose.
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("reach the official plugin: %s answers %s", url, resp.Status)
	}
	return nil
}

// download lets the CLI install the plugin into a home in the cache.
func (m *maker) download(cli string, p plugin) func(context.Context, string) error {
	return func(ctx context.Context, dir string) error {
		return m.progress.Step(ctx, fmt.Sprintf("Download the %s provider %s", p.name, p.version), func(ctx context.Context) error {
			_, err := command.Cmd{Env: m.quietEnv(dir)}.Run(ctx, cli, "plugin", "install", "resource", p.name, p.version)
			if err != nil {
				return fmt.Errorf("download the %s provider: %w", p.name, err)
			}
			if _, err := os.Stat(pluginIn(dir, p)); err != nil {
				return fmt.Errorf("download the %s provider: %w", p.name, err)
			}
			return nil
		})
	}
}

// pluginIn is where the CLI installs the plugin in a home.
func pluginIn(home string, p plugin) string {
	return filepath.Join(home, "plugins", p.dir(), p.file())
}

// buildPlugin builds the plugin from tools/.
func (m *maker) buildPlugin(ctx context.Context, source module, p plugin, target string) error {
	args := []string{"-ldflags", "-s -w"}
	if len(p.embeds) > 0 {
		overlay, err := source.overlay(ctx, p.module, p.embeds)
		if err != nil {
			return err
		}
		defer os.Remove(overlay) //nolint:errcheck // A small file in the folder for temporary ones.
		args = append(args, "-overlay", overlay)
	}
	return m.build(ctx, source, fmt.Sprintf("the %s provider %s", p.name, p.version), ".", target, args...)
}

// link makes name a symbolic link to target; the folder itself must be a real one, or the engine passes it over.
func link(target, name string) error {
	if got, err := os.Readlink(name); err == nil && got == target {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("make plugin folder: %w", err)
	}
	// A rename replaces an old link at once: there is no moment without one.
	tmp := fmt.Sprintf("%s.%d.tmp", name, os.Getpid())
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("link plugin: %w", err)
	}
	if err := os.Symlink(target, tmp); err != nil {
		return fmt.Errorf("link plugin: %w", err)
	}
	if err := os.Rename(tmp, name); err != nil {
		return fmt.Errorf("link plugin: %w", err)
	}
	return nil
}
