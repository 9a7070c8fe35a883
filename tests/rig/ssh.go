package rig

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// keyPair is a new ed25519 key: its private half in OpenSSH's format, its public one as a line of authorized_keys.
type keyPair struct{ private, public []byte }

func newKeyPair(comment string) (keyPair, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return keyPair{}, fmt.Errorf("make SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return keyPair{}, fmt.Errorf("make SSH key: %w", err)
	}
	pub, err := ssh.NewPublicKey(public)
	if err != nil {
		return keyPair{}, fmt.Errorf("make SSH key: %w", err)
	}
	return keyPair{private: pem.EncodeToMemory(block), public: ssh.MarshalAuthorizedKey(pub)}, nil
}

// ensureKey returns the rig's key, which it makes in the folder where it is missing.
func ensureKey(dir string) (ssh.Signer, error) {
	path := filepath.Join(dir, "id_ed25519")
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		pair, err := newKeyPair("edge-arena rig")
		if err != nil {
			return nil, err
		}
		content = pair.private
		if err := writeFile(path, content, 0o600); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, fmt.Errorf("read the rig's key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(content)
	if err != nil {
		return nil, fmt.Errorf("read the rig's key %s: %w", path, err)
	}
	return signer, nil
}

// renderKnownHosts gives the pinned host keys of the nodes.
func renderKnownHosts(nodes []Node) ([]byte, error) {
	var out bytes.Buffer
	for _, n := range nodes {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(n.HostKey))
		if err != nil {
			return nil, fmt.Errorf("host key of node %s: %w", n.Name, err)
		}
		fmt.Fprintln(&out, knownhosts.Line([]string{n.Address}, key))
	}
	return out.Bytes(), nil
}

// renderSSHConfig gives an ssh_config with the nodes' names as aliases. Each block is complete, for the programs that read it.
func renderSSHConfig(dir string, nodes []Node) []byte {
	var out bytes.Buffer
	for _, n := range nodes {
		fmt.Fprintf(&out, `Host %s
    HostName %s
    Port 22
    User root
    IdentityFile %s
    IdentitiesOnly yes
    UserKnownHostsFile %s
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    LogLevel ERROR
`, n.Name, n.Address, quote(filepath.Join(dir, "id_ed25519")), quote(filepath.Join(dir, "known_hosts")))
	}
	return out.Bytes()
}

// quote keeps a path with a space one word in ssh_config.
func quote(path string) string {
	if strings.ContainsAny(path, " \t") {
		return `"` + path + `"`
	}
	return path
}

// sshAnswers logs in to the node once, with its host key pinned.
func sshAnswers(ctx context.Context, n Node, key ssh.Signer) error {
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey([]byte(n.HostKey))
	if err != nil {
		return fmt.Errorf("host key of node %s: %w", n.Name, err)
	}
	address := net.JoinHostPort(n.Address, "22")
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	// The handshake itself takes no context.
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	c, chans, reqs, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User:              "root",
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback:   ssh.FixedHostKey(hostKey),
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	})
	if err != nil {
		return err
	}
	return ssh.NewClient(c, chans, reqs).Close()
}
