package deploy

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

// packaged are the components that the server brings along. Those of K3s that the stand-in has not (traefik, servicelb,
// metrics-server, local-storage) may be disabled all the same.
//
//go:embed packaged/*.yaml
var packaged embed.FS

// WritePackaged writes the manifests of the packaged components that are not disabled.
func WritePackaged(dir string, network config.Network, disabled []string) error {
	templates, err := template.ParseFS(packaged, "packaged/*.yaml")
	if err != nil {
		return fmt.Errorf("packaged manifests: %w", err)
	}
	for _, t := range templates.Templates() {
		if slices.Contains(disabled, strings.TrimSuffix(t.Name(), ".yaml")) {
			continue
		}
		var text strings.Builder
		if err := t.Execute(&text, network); err != nil {
			return fmt.Errorf("packaged manifest %s: %w", t.Name(), err)
		}
		if err := os.WriteFile(filepath.Join(dir, t.Name()), []byte(text.String()), 0o600); err != nil {
			return fmt.Errorf("write packaged manifest: %w", err)
		}
	}
	return nil
}

// manifest is one file of the folder. Its name is its path within it, without extension.
type manifest struct {
	path, name string
	skipped    bool
}

func (m manifest) isOneOf(names []string) bool {
	return slices.Contains(names, m.name) || slices.Contains(names, filepath.Base(m.name)) || slices.ContainsFunc(names, func(name string) bool {
		return strings.HasPrefix(m.name, name+string(filepath.Separator))
	})
}

func manifests(dir string) ([]manifest, error) {
	var all []manifest
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		switch filepath.Ext(path) {
		case ".yaml", ".yml", ".json":
		default:
			return nil
		}
		name, err := filepath.Rel(dir, strings.TrimSuffix(path, filepath.Ext(path)))
		if err != nil {
			return err
		}
		_, err = os.Stat(path + ".skip")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		all = append(all, manifest{path: path, name: name, skipped: err == nil})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list manifests: %w", err)
	}
	return sorted(all), nil
}
