package rig

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Node is one host of the rig.
type Node struct {
	// Name is the host name and the alias in ssh_config.
	Name string `json:"name"`
	// Container is the name of the Docker container.
	Container string `json:"container"`
	// Address is the static IPv4 address, reachable from this machine.
	Address string `json:"address"`
	// HostKey is the SSH host key, in the format of authorized_keys.
	HostKey string `json:"hostKey"`
}

// Mirror is where the nodes get K3s from.
type Mirror struct {
	// URL is the address without the version: http://10.213.7.2
	URL string `json:"url"`
	// Version is the K3s version that it serves.
	Version string `json:"version"`
	// Origin is [OriginOfficial] or [OriginStandIn].
	Origin string `json:"origin"`
}

// network is the rig's Docker network.
type network struct {
	Name string `json:"name"`
	// Bridge is the host's interface.
	Bridge string `json:"bridge"`
	Subnet string `json:"subnet"`
}

// record is rig.json: all that a later run needs to use the rig.
type record struct {
	Name string `json:"name"`
	// Docker is the daemon's address as in DOCKER_HOST.
	Docker string `json:"docker"`
	// Ours tells that we started that daemon.
	Ours    bool    `json:"ours,omitempty"`
	Network network `json:"network"`
	Nodes   []Node  `json:"nodes"`
	Mirror  *Mirror `json:"mirror,omitempty"`
	Memory  string  `json:"memory,omitempty"`
	CPUs    string  `json:"cpus,omitempty"`
}

func recordFile(dir string) string { return filepath.Join(dir, "rig.json") }

// readRecord returns nil where the folder holds no rig.
func readRecord(dir string) (*record, error) {
	content, err := os.ReadFile(recordFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read rig: %w", err)
	}
	var rec record
	if err := json.Unmarshal(content, &rec); err != nil {
		return nil, fmt.Errorf("read rig %s: %w", recordFile(dir), err)
	}
	return &rec, nil
}

func (rec *record) write(dir string) error {
	content, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return fmt.Errorf("write rig: %w", err)
	}
	return writeFile(recordFile(dir), append(content, '\n'), 0o644)
}

// node returns the index of the named node, or -1.
func (rec *record) node(name string) int {
	return slices.IndexFunc(rec.Nodes, func(n Node) bool { return n.Name == name })
}

// writeFile replaces the file whole, so that who reads it meanwhile gets either the old or the new one.
func writeFile(path string, content []byte, mode fs.FileMode) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, content, mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// hasKey tells whether the named node was made and its host key is known.
func (rec *record) hasKey(name string) bool {
	i := rec.node(name)
	return i >= 0 && rec.Nodes[i].HostKey != ""
}
