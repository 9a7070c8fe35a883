package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// recall reads the results that are kept in a folder.
func recall[T any](dir string) ([]T, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	var all []T
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		result, err := readResult[T](filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, *result)
	}
	return all, nil
}

// readResult is nil where there is none.
func readResult[T any](path string) (*T, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	var result T
	if err := json.Unmarshal(content, &result); err != nil {
		return nil, fmt.Errorf("read results %s: %w", path, err)
	}
	return &result, nil
}

// keep writes a result whole or not at all.
func keep(path string, result any) error {
	content, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return fmt.Errorf("keep results: %w", err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path+".new", append(content, '\n'), 0o644)); err != nil {
		return fmt.Errorf("keep results: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("keep results: %w", err)
	}
	return nil
}
