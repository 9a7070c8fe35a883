package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/kevinburke/ssh_config"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// resolve reads the files that the region names and makes their paths absolute.
func (r *Region) resolve(root string) problems {
	var found problems
	r.resolveMirror(root, &found)
	r.Battle.resolve(root, "battle", &found)
	r.Battle.PortAllocator.resolve(root, "battle.portAllocator", &found)
	files := sshFiles{root: root, configs: map[string]*ssh_config.Config{}}
	for i := range r.Cities {
		for j := range r.Cities[i].Nodes {
			node := &r.Cities[i].Nodes[j]
			if node.Host != "" {
				files.resolve(node, fmt.Sprintf("cities[%d].nodes[%d]", i, j), &found)
			}
		}
	}
	return found
}

func (s *Source) resolve(root, path string, found *problems) {
	if s.Archive == "" {
		return
	}
	s.Archive = abs(root, s.Archive)
	if info, err := os.Stat(s.Archive); err != nil {
		found.add(path+".archive", "%v: build it, or name the image of a registry as %s.image", err, path)
	} else if !info.Mode().IsRegular() {
		found.add(path+".archive", "%s is not a file", s.Archive)
	}
}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (r *Region) resolveMirror(root string, found *problems) {
	m := &r.K3s.Mirror
	if m.URL != "" && m.URLFile != "" {
		found.add("k3s.mirror.urlFile", "give url or urlFile, not both")
	} else if m.URLFile != "" {
		content, err := os.ReadFile(abs(root, m.URLFile))
		if err != nil {
			found.add("k3s.mirror.urlFile", "%v", err)
		}
		m.URL = strings.TrimSpace(string(content))
	}
	if m.ChecksumsFile == "" {
		return
	}
	path := abs(root, m.ChecksumsFile)
	content, err := os.ReadFile(path)
	if err != nil {
		found.add("k3s.mirror.checksumsFile", "%v", err)
		return
	}
	m.Checksums = map[string]string{}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 || !sha256Hex.MatchString(fields[0]) {
			found.add("k3s.mirror.checksumsFile", "%s: %q is not a line of sha256sum's", path, strings.TrimSpace(line))
			return
		}
		m.Checksums[strings.TrimPrefix(fields[1], "*")] = fields[0]
	}
	for _, name := range []string{"k3s", "install.sh"} {
		if m.Checksums[name] == "" {
			found.add("k3s.mirror.checksumsFile", "%s has no checksum of %s: add what `sha256sum %s` prints", path, name, name)
		}
	}
}

// sshFiles reads each OpenSSH config file once.
type sshFiles struct {
	root    string
	configs map[string]*ssh_config.Config
}

// resolve fills the node's endpoint.
func (f sshFiles) resolve(node *Node, path string, found *problems) {
	settings := node.SSH
	alias := func(string) string { return "" }
	if settings.ConfigFile != "" {
		cfg, err := f.config(settings.ConfigFile)
		if err != nil {
			found.add(path+".ssh.configFile", "%v", err)
			return
		}
		alias = func(key string) string {
			value, err := cfg.Get(node.Host, key)
			if err != nil {
				found.add(path+".ssh.configFile", "%s of %s: %v", key, node.Host, err)
			}
			return value
		}
	}
	for _, key := range []string{"ProxyJump", "ProxyCommand"} {
		if via := alias(key); via != "" && via != "none" {
			found.add(path+".host", "%s is reached through %s %s, which is not supported: give an address that this machine reaches", node.Host, key, via)
		}
	}
	port := settings.Port
	if port == 0 {
		if text := alias("Port"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				found.add(path+".ssh.configFile", "Port %q of %s is not a number", text, node.Host)
			}
			port = n
		}
	}
	node.Endpoint = Endpoint{
		Address:      first(alias("HostName"), node.Host),
		Port:         port,
		User:         first(settings.User, alias("User"), "root"),
		DialTimeout:  settings.DialTimeout,
		DialAttempts: settings.DialAttempts,
	}
	or(&node.Endpoint.Port, 22)
	e := &node.Endpoint
	if e.Port < 1 || e.Port > 65535 {
		found.add(path+".ssh.port", "%d is not a port", e.Port)
		return
	}
	e.PrivateKey = f.privateKey(first(settings.PrivateKeyFile, alias("IdentityFile")), path, found)
	e.HostKey = f.hostKey(first(settings.KnownHostsFile, alias("UserKnownHostsFile")), first(alias("HostKeyAlias"), e.Address), e.Port, path, found)
}

func (f sshFiles) config(path string) (*ssh_config.Config, error) {
	path = abs(f.root, path)
	if cfg, ok := f.configs[path]; ok {
		return cfg, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cfg, err := ssh_config.DecodeBytes(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.configs[path] = cfg
	return cfg, nil
}

func (f sshFiles) privateKey(file, path string, found *problems) string {
	path += ".ssh.privateKeyFile"
	if file == "" {
		found.add(path, "required: name the private key that the node accepts, here, in ssh.privateKeyFile or as IdentityFile in ssh.configFile")
		return ""
	}
	file = abs(f.root, file)
	info, err := os.Stat(file)
	if err != nil {
		found.add(path, "%v", err)
		return ""
	}
	if info.Mode().Perm()&0o077 != 0 {
		found.add(path, "%s can be read by others (mode %#o): chmod 600 %s", file, info.Mode().Perm(), file)
		return ""
	}
	content, err := os.ReadFile(file)
	if err != nil {
		found.add(path, "%v", err)
		return ""
	}
	if _, err := ssh.ParsePrivateKey(content); err != nil {
		var locked *ssh.PassphraseMissingError
		if errors.As(err, &locked) {
			found.add(path, "%s has a passphrase: give a key without one that is meant for this alone", file)
		} else {
			found.add(path, "%s: %v", file, err)
		}
		return ""
	}
	return string(content)
}

// hostKey returns the key that the file pins for the host.
func (f sshFiles) hostKey(file, host string, port int, path string, found *problems) string {
	path += ".ssh.knownHostsFile"
	if file == "" {
		found.add(path, "required: host keys are always checked; pin them with `ssh-keyscan %s>> known_hosts` and name that file", scanArgs(host, port))
		return ""
	}
	// OpenSSH takes several files here; the first is the user's own.
	file = abs(f.root, strings.Fields(file)[0])
	check, err := knownhosts.New(file)
	if err != nil {
		found.add(path, "%v", err)
		return ""
	}
	// The package can only judge a key that is shown to it, and names the ones that it wants instead.
	var wanted *knownhosts.KeyError
	address := net.JoinHostPort(host, strconv.Itoa(port))
	if err := check(address, &net.TCPAddr{IP: net.IPv4zero, Port: port}, noKey{}); !errors.As(err, &wanted) {
		found.add(path, "%s: %v", file, err)
		return ""
	}
	// RSA is left out: SSH clients in Go would ask for its SHA-1 signature, which servers refuse.
	for _, kind := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521} {
		for _, w := range wanted.Want {
			if w.Key.Type() == kind {
				return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(w.Key)))
			}
		}
	}
	what := "no key"
	if len(wanted.Want) > 0 {
		what = "no ed25519 or ecdsa key"
	}
	found.add(path, "%s pins %s of %s: compare what `ssh-keyscan -t ed25519,ecdsa %s` prints with the host's own, then add it", file, what, address, strings.TrimSpace(scanArgs(host, port)))
	return ""
}

func scanArgs(host string, port int) string {
	if port == 22 {
		return host + " "
	}
	return fmt.Sprintf("-p %d %s ", port, host)
}

// noKey is a public key that no file pins.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

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
