package stack

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/modules/config"
)

// regionKey is the region's key in a stack file, with the project's name before it.
const regionKey = "edge-arena:" + config.Key

// Names are the stacks that have a config file in the project at root, ordered.
func Names(root string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(root, "stacks", "Pulumi.*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("list stacks: %w", err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml"))
	}
	return names, nil
}

// File is the stack's config file.
func (s Stack) File() string {
	if s.ConfigFile != "" {
		return s.ConfigFile
	}
	return filepath.Join(s.Root, "stacks", "Pulumi."+s.Name+".yaml")
}

// RegionJSON returns the region that the stack's file describes, as the JSON that [config.Parse] reads.
func (s Stack) RegionJSON() ([]byte, error) {
	content, err := os.ReadFile(s.File())
	if err != nil {
		return nil, fmt.Errorf("read region of stack %s: %w", s.Name, err)
	}
	var file struct {
		Config map[string]any `yaml:"config"`
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("read region of stack %s: %s: %w", s.Name, s.File(), err)
	}
	region, ok := file.Config[regionKey]
	if !ok {
		return nil, fmt.Errorf("read region of stack %s: %s has no config %s", s.Name, s.File(), regionKey)
	}
	raw, err := json.Marshal(region)
	if err != nil {
		return nil, fmt.Errorf("read region of stack %s: %s: %w", s.Name, s.File(), err)
	}
	return raw, nil
}

// Region reads the stack's file as the program does. The error joins every problem of it.
func (s Stack) Region() (*config.Region, error) {
	raw, err := s.RegionJSON()
	if err != nil {
		return nil, err
	}
	r, err := config.Parse(raw, s.Root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.File(), err)
	}
	return r, nil
}
