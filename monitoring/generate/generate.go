// Package generate writes what is made from the table of objectives.
package generate

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/edge-arena/edge-arena/monitoring"
	"github.com/edge-arena/edge-arena/monitoring/dashboards"
	"github.com/edge-arena/edge-arena/monitoring/rules"
)

// Files are all files by their path below monitoring/generated, with slashes.
func Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for folder, of := range map[string][]rules.File{monitoring.CityFolder: rules.City(), monitoring.HubFolder: rules.Hub()} {
		for _, f := range of {
			text, err := f.YAML()
			if err != nil {
				return nil, err
			}
			files[path.Join(folder, f.Name)] = text
		}
	}
	boards, err := dashboards.All()
	if err != nil {
		return nil, err
	}
	for name, text := range boards {
		files[path.Join(monitoring.DashboardFolder, name)] = text
	}
	return files, nil
}

// Write makes dir hold the files and no others. It leaves alone what is right already.
func Write(dir string) error {
	files, err := Files()
	if err != nil {
		return err
	}
	have, err := Read(dir)
	if err != nil {
		return err
	}
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if bytes.Equal(have[name], text) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	for name := range have {
		if _, ok := files[name]; !ok {
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
				return fmt.Errorf("remove %s, which is made no more: %w", name, err)
			}
		}
	}
	return nil
}

// Read is what dir holds, in the form of [Files].
func Read(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = os.ReadFile(file)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was generated: %w", err)
	}
	return files, nil
}
