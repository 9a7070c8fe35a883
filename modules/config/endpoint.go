package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/kevinburke/ssh_config"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// sshFiles reads each OpenSSH config file once.
type sshFiles struct {
	root    string
	configs map[string]*ssh_config.Config
}

// resolve fills the node's endpoint. A file that is wrong is reported in the layer that names it, what is about the node alone at the node.
func (f sshFiles) resolve(node *Node, at scope) {
	settings := node.SSH
	alias := func(string) string { return "" }
	if settings.ConfigFile != "" {
		cfg, err := f.config(settings.ConfigFile)
		if err != nil {
			at.add("ssh.configFile", "%v", err)
			return
		}
		alias = func(key string) string {
			value, err := cfg.Get(node.Host, key)
			if err != nil {
				at.add("ssh.configFile", "%s of %s: %v", key, node.Host, err)
			}
			return value
		}
	}
	for _, key := range []string{"ProxyJump", "ProxyCommand"} {
		if via := alias(key); via != "" && via != "none" {
			at.here("host", "%s is reached through %s %s, which is not supported: give an address that this machine reaches", node.Host, key, via)
		}
	}
	port := settings.Port
	if text := alias("Port"); port == 0 && text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			at.add("ssh.configFile", "Port %q of %s is not a port", text, node.Host)
			return
		}
		port = int(n)
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
	// What no setting names is the alias's, and that is the node's own.
	reporter := func(setting string) report {
		if setting == "" && settings.ConfigFile != "" {
			return at.here
		}
		return at.add
	}
	e.PrivateKey = f.privateKey(first(settings.PrivateKeyFile, alias("IdentityFile")), reporter(settings.PrivateKeyFile))
	file, host := first(settings.KnownHostsFile, alias("UserKnownHostsFile")), first(alias("HostKeyAlias"), e.Address)
	e.HostKey = f.hostKey(file, host, e.Port, at, reporter(settings.KnownHostsFile))
}

// report tells what is wrong at a path.
type report func(path, format string, args ...any)

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

// privateKey returns the key in the file.
func (f sshFiles) privateKey(file string, wrong report) string {
	const path = "ssh.privateKeyFile"
	if file == "" {
		wrong(path, "required: name the private key that the node accepts, here, in ssh.privateKeyFile or as IdentityFile in ssh.configFile")
		return ""
	}
	key, err := readPrivateKey(abs(f.root, file))
	if err != nil {
		wrong(path, "%v", err)
	}
	return key
}

// readSecret reads a file that nobody but its owner may read.
func readSecret(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others (mode %#o): chmod 600 %s", file, mode, file)
	}
	content, err := os.ReadFile(file)
	return string(content), err
}

func readPrivateKey(file string) (string, error) {
	content, err := readSecret(file)
	if err != nil {
		return "", err
	}
	if _, err := ssh.ParsePrivateKey([]byte(content)); err != nil {
		var locked *ssh.PassphraseMissingError
		if errors.As(err, &locked) {
			return "", fmt.Errorf("%s has a passphrase: give a key without one that is meant for this alone", file)
		}
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return content, nil
}

// hostKey returns the key that the file pins for the host.
func (f sshFiles) hostKey(file, host string, port int, at scope, wrong report) string {
	const path = "ssh.knownHostsFile"
	if file == "" {
		wrong(path, "required: host keys are always checked; pin them with `ssh-keyscan %s>> known_hosts` and name that file", scanArgs(host, port))
		return ""
	}
	// OpenSSH takes several files here; the first is the user's own.
	file = abs(f.root, strings.Fields(file)[0])
	check, err := knownhosts.New(file)
	if err != nil {
		wrong(path, "%v", err)
		return ""
	}
	// The package can only judge a key that is shown to it, and names the ones that it wants instead.
	var wanted *knownhosts.KeyError
	address := net.JoinHostPort(host, strconv.Itoa(port))
	if err := check(address, &net.TCPAddr{IP: net.IPv4zero, Port: port}, noKey{}); !errors.As(err, &wanted) {
		at.here(path, "%s: %v", file, err)
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
	at.here(path, "%s pins %s of %s: compare what `ssh-keyscan -t ed25519,ecdsa %s` prints with the host's own, then add it", file, what, address, strings.TrimSpace(scanArgs(host, port)))
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
