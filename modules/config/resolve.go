package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// resolve reads the files that the region names and makes their paths absolute.
func (r *Region) resolve(root string) problems {
	var found problems
	files := sshFiles{root: root, configs: map[string]*ssh_config.Config{}}
	for i := range r.Cities {
		c := &r.Cities[i]
		city := scope{found: &found, at: fmt.Sprintf("cities[%d]", i), own: c.own, parent: &scope{found: &found}}
		c.Battle.resolve(root, "battle", city)
		c.Battle.PortAllocator.resolve(root, "battle.portAllocator", city)
		(*Source)(&c.Policies.Gatekeeper).resolve(root, "policies.gatekeeper", city)
		(*Source)(&c.Messaging.Upstream).resolve(root, "messaging", city)
		c.Messaging.Leaf.resolve(root, city)
		c.Monitoring.resolve(root, city)
		c.Lobby.resolve(root, city)
		for j := range c.Nodes {
			node := &c.Nodes[j]
			at := scope{found: &found, at: fmt.Sprintf("%s.nodes[%d]", city.at, j), own: node.own, parent: &city}
			node.K3s.Mirror.resolve(root, at)
			if node.Host != "" {
				files.resolve(node, at)
			}
		}
	}
	return found
}

func (s *Source) resolve(root, path string, at scope) {
	if s.Archive == "" {
		return
	}
	s.Archive = abs(root, s.Archive)
	if info, err := os.Stat(s.Archive); err != nil {
		at.add(path+".archive", "%v: build it, or name the image of a registry as %s.image", err, path)
	} else if !info.Mode().IsRegular() {
		at.add(path+".archive", "%s is not a file", s.Archive)
	}
}

// resolve reads what the city shows the hub.
func (l *Leaf) resolve(root string, at scope) {
	const path = "messaging.leaf.credentialsFile"
	if l.CredentialsFile == "" {
		return
	}
	content, err := readSecret(abs(root, l.CredentialsFile))
	if err != nil {
		at.add(path, "%v", err)
		return
	}
	for _, part := range []string{"-----BEGIN NATS USER JWT-----", "-----BEGIN USER NKEY SEED-----"} {
		if !strings.Contains(content, part) {
			at.add(path, "%s has no line `%s`: give the .creds file that `nsc` made for a user", abs(root, l.CredentialsFile), part)
			return
		}
	}
	l.Credentials = content
}

// resolve reads the keys by which players are known.
func (l *Lobby) resolve(root string, at scope) {
	l.Source.resolve(root, "lobby", at)
	if l.PlayerKeysFile == "" {
		return
	}
	file := abs(root, l.PlayerKeysFile)
	content, err := os.ReadFile(file)
	if err != nil {
		at.add("lobby.playerKeysFile", "%v", err)
		return
	}
	if err := CheckPlayerKeys(content); err != nil {
		for line := range strings.Lines(err.Error()) {
			at.add("lobby.playerKeysFile", "%s: %s", file, strings.TrimSpace(line))
		}
		return
	}
	l.PlayerKeys = string(content)
}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (m *Mirror) resolve(root string, at scope) {
	if m.URL != "" && m.URLFile != "" {
		at.add("k3s.mirror.urlFile", "give url or urlFile, not both")
	} else if m.URLFile != "" {
		content, err := os.ReadFile(abs(root, m.URLFile))
		if err != nil {
			at.add("k3s.mirror.urlFile", "%v", err)
		} else if m.URL = strings.TrimSpace(string(content)); m.URL == "" {
			at.add("k3s.mirror.urlFile", "%s is empty: write the mirror's address there", abs(root, m.URLFile))
		}
	}
	if m.ChecksumsFile == "" {
		return
	}
	path := abs(root, m.ChecksumsFile)
	content, err := os.ReadFile(path)
	if err != nil {
		at.add("k3s.mirror.checksumsFile", "%v", err)
		return
	}
	m.Checksums = map[string]string{}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 || !sha256Hex.MatchString(fields[0]) {
			at.add("k3s.mirror.checksumsFile", "%s: %q is not a line of sha256sum's", path, strings.TrimSpace(line))
			return
		}
		m.Checksums[strings.TrimPrefix(fields[1], "*")] = fields[0]
	}
	for _, name := range []string{"k3s", "install.sh"} {
		if m.Checksums[name] == "" {
			at.add("k3s.mirror.checksumsFile", "%s has no checksum of %s: add what `sha256sum %s` prints", path, name, name)
		}
	}
}

// abs makes a path absolute: below the home directory after `~/`, else below root.
func abs(root, path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, path)
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
