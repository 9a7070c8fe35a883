package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"sigs.k8s.io/yaml"
)

// Setting is one flag and value from the configuration file.
type Setting struct{ Name, Value string }

// FileArgs reads the configuration file and the files <name>.d/*.yaml beside it. A missing file has no settings.
func FileArgs(path string) ([]Setting, error) {
	parts, err := filepath.Glob(path + ".d/*.y*ml")
	if err != nil {
		return nil, fmt.Errorf("list configuration: %w", err)
	}
	sort.Strings(parts)
	var all []Setting
	for _, file := range append([]string{path}, parts...) {
		data, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		settings, err := parseSettings(data)
		if err != nil {
			return nil, fmt.Errorf("configuration %s: %w", file, err)
		}
		all = append(all, settings...)
	}
	return all, nil
}

func parseSettings(data []byte) ([]Setting, error) {
	values := map[string]any{}
	if err := yaml.Unmarshal(data, &values); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	var all []Setting
	for _, key := range names {
		// "key+" adds to what an earlier file says; lists always add here.
		name := strings.TrimSuffix(key, "+")
		list, ok := values[key].([]any)
		if !ok {
			list = []any{values[key]}
		}
		for _, value := range list {
			all = append(all, Setting{Name: name, Value: scalar(value)})
		}
	}
	return all, nil
}

func scalar(value any) string {
	// YAML's 0644 arrives as the number 420; as K3s documents it, the mode is to be quoted. Whole numbers keep their digits.
	if number, ok := value.(float64); ok && number == float64(int64(number)) {
		return fmt.Sprintf("%d", int64(number))
	}
	return fmt.Sprint(value)
}
