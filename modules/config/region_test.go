package config_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/edge-arena/edge-arena/modules/config"
)

// project is a root with a key, two pinned hosts, an alias for each, and image archives.
func project(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	write := func(name, content string, mode os.FileMode) {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), mode))
		require.NoError(t, os.Chmod(path, mode))
	}
	private, public := keys(t, "")
	write("key", private, 0o600)
	write("open", private, 0o644)
	locked, _ := keys(t, "secret")
	write("locked", locked, 0o600)
	write("known_hosts", fmt.Sprintf("192.0.2.1 %s\n[192.0.2.2]:2222 %s\n192.0.2.9 %s\n", public, public, rsaKey(t)), 0o644)
	write("ssh_config", "Host one\n  HostName 192.0.2.1\nHost two\n  HostName 192.0.2.2\n  Port 2222\n  User ops\n  IdentityFile key\n"+
		"Host jump\n  HostName 192.0.2.1\n  ProxyJump bastion\n", 0o644)
	write("battle.tar", "", 0o644)
	write("ports.tar", "", 0o644)
	write("lobby.tar", "", 0o644)
	write("players.json", playerKeys("2026-07"), 0o644)
	write("hub.creds", "-----BEGIN NATS USER JWT-----\nx\n-----BEGIN USER NKEY SEED-----\ny\n", 0o600)
	write("open.creds", "", 0o644)
	write("mirror.url", "http://192.0.2.3\n", 0o644)
	sum := strings.Repeat("0a", 32)
	write("sums", sum+"  k3s\n"+sum+" *install.sh\n"+sum+"  k3s-airgap-images-amd64.tar\n", 0o644)
	write("half", sum+"  k3s\n", 0o644)
	write("odd", "what is this\n", 0o644)
	return root
}

func keys(t testing.TB, passphrase string) (private, public string) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(priv, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(priv, "", []byte(passphrase))
	}
	require.NoError(t, err)
	key, err := ssh.NewPublicKey(pub)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(block)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func rsaKey(t testing.TB) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	key, err := ssh.NewPublicKey(&private.PublicKey)
	require.NoError(t, err)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// playerKeys is a set of public keys with these kids.
func playerKeys(kids ...string) string {
	keys := []any{}
	for _, kid := range kids {
		keys = append(keys, object{"kid": kid, "kty": "OKP", "crv": "Ed25519", "x": strings.Repeat("A", 43)})
	}
	return string(raw(object{"keys": keys}))
}

type object = map[string]any

// lobby is the shortest that is valid.
func lobby() object {
	return object{"archive": "lobby.tar", "playerKeysFile": "players.json", "issuer": "https://id.example.com"}
}

// region is a valid one, changed by edit.
func region(edit func(r object)) []byte {
	r := object{
		"name":   "east",
		"ssh":    object{"configFile": "ssh_config", "privateKeyFile": "key", "knownHostsFile": "known_hosts"},
		"battle": object{"archive": "battle.tar", "portAllocator": object{"archive": "ports.tar"}},
		"lobby":  lobby(),
		"cities": []any{object{"name": "a", "nodes": []any{object{"name": "a-1", "host": "one"}}}},
	}
	if edit != nil {
		edit(r)
	}
	return raw(r)
}

func raw(tree object) []byte {
	text, err := json.Marshal(tree)
	if err != nil {
		panic(err)
	}
	return text
}

func node(r object) object {
	return r["cities"].([]any)[0].(object)["nodes"].([]any)[0].(object)
}

// two is a region of cities a, with nodes a-1 and a-2, and b, with node b-1.
func two() object {
	return object{
		"name":   "east",
		"battle": object{"archive": "battle.tar", "replicas": 1, "portAllocator": object{"archive": "ports.tar"}},
		"lobby":  lobby(),
		// What the second city sends to the first goes through it.
		"monitoring": object{"hub": object{"gateway": object{"image": "registry.example.com/hub-gateway@sha256:" + strings.Repeat("4d", 32)}}},
		"cities": []any{
			object{"name": "a", "nodes": []any{object{"name": "a-1", "host": "one", "role": "server"}, object{"name": "a-2", "host": "two", "role": "agent"}}},
			object{"name": "b", "nodes": []any{object{"name": "b-1", "host": "three"}}},
		},
	}
}

// at is the part of a region at a path of keys and indexes; objects that are missing on the way are made.
func at(tree object, path ...any) object {
	var here any = tree
	for _, step := range path {
		switch step := step.(type) {
		case int:
			here = here.([]any)[step]
		case string:
			inner, ok := here.(object)[step]
			if !ok {
				inner = object{}
				here.(object)[step] = inner
			}
			here = inner
		}
	}
	return here.(object)
}

// set gives the setting of the layer a value, at a path such as `ssh.port`.
func set(layer object, path string, value any) {
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		layer = at(layer, key)
	}
	layer[keys[len(keys)-1]] = value
}

func parse(t *testing.T, tree object) *config.Region {
	t.Helper()
	r, err := config.ParseWithoutFiles(raw(tree))
	require.NoError(t, err)
	return r
}
