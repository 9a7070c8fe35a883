package rig

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/kevinburke/ssh_config"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func TestKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := ensureKey(dir)
	require.NoError(t, err)
	second, err := ensureKey(dir)
	require.NoError(t, err)
	require.Equal(t, first.PublicKey().Marshal(), second.PublicKey().Marshal())
	info, err := os.Stat(filepath.Join(dir, "id_ed25519"))
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
}

func TestKnownHostsPinEachNode(t *testing.T) {
	t.Parallel()
	a, b := testNode(t, "a", "10.213.7.11"), testNode(t, "b", "10.213.7.12")
	content, err := renderKnownHosts([]Node{a, b})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	check, err := knownhosts.New(path)
	require.NoError(t, err)
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(a.HostKey))
	require.NoError(t, err)
	address := func(n Node) *net.TCPAddr { return &net.TCPAddr{IP: net.ParseIP(n.Address), Port: 22} }
	require.NoError(t, check(a.Address+":22", address(a), key))
	require.Error(t, check(b.Address+":22", address(b), key), "b has another key")

	_, err = renderKnownHosts([]Node{{Name: "c", Address: "10.213.7.13"}})
	require.ErrorContains(t, err, "host key of node c")
}

func TestSSHConfigIsReadByOthers(t *testing.T) {
	t.Parallel()
	content := renderSSHConfig("/rig", []Node{{Name: "a", Address: "10.213.7.11"}, {Name: "b", Address: "10.213.7.12"}})
	cfg, err := ssh_config.Decode(bytes.NewReader(content))
	require.NoError(t, err)
	for key, want := range map[string]string{
		"HostName": "10.213.7.12", "User": "root", "Port": "22", "IdentityFile": "/rig/id_ed25519",
		"UserKnownHostsFile": "/rig/known_hosts", "StrictHostKeyChecking": "yes",
	} {
		got, err := cfg.Get("b", key)
		require.NoError(t, err)
		require.Equal(t, want, got, key)
	}
	require.Contains(t, string(renderSSHConfig("/a rig", []Node{{Name: "a"}})), `IdentityFile "/a rig/id_ed25519"`)
}

func testNode(t *testing.T, name, address string) Node {
	pair, err := newKeyPair(name)
	require.NoError(t, err)
	return Node{Name: name, Address: address, HostKey: string(pair.public)}
}
