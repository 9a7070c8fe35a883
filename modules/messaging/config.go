package messaging

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
)

// Stream is the JetStream stream that the lobby makes for the results of battles.
const Stream = "BATTLE_RESULTS"

// maxMemoryStore bounds what JetStream keeps in memory: our streams are in files, so next to nothing.
const maxMemoryStore = 16 << 20

// settings are what the server's configuration follows from, all known.
type settings struct {
	city          string
	storage       string
	leaf          string
	battle, lobby users
}

// users are a client's user and, while the city is rolled from one generation of credentials to the next, the one before.
type users struct{ user, hash, previousUser, previousHash string }

// serverConfig is the configuration of the NATS server. It holds hashes of passwords.
func serverConfig(s settings) (string, error) {
	storage, err := resource.ParseQuantity(s.storage)
	if err != nil {
		return "", fmt.Errorf("storage: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `server_name: %s
listen: "0.0.0.0:%d"
http: "0.0.0.0:%d"

# A result is some KB.
max_payload: 262144
max_connections: 2048

# The lobby and a leaf connection speak TLS. Battle pods cannot: WASI has no TLS, and Go's would be most of their module. What they say is
# signed under the city's ticket key, and their password gives no more than the permissions below.
tls {
  cert_file: "%[4]s/tls.crt"
  key_file: "%[4]s/tls.key"
  timeout: 5
}
allow_non_tls: true

jetstream {
  store_dir: "%[5]s"
  max_memory_store: %[6]d
  # The file system needs some room besides.
  max_file_store: %[7]d
  # A result that has been acknowledged is on the disk: the default is to sync every 2 minutes.
  sync_interval: always
`, quote(s.city), ClientPort, MonitorPort, configDir, dataDir, maxMemoryStore, storage.Value()/10*9)
	if s.leaf != "" {
		// The hub has a JetStream of its own.
		fmt.Fprintf(&b, "  domain: %s\n", quote(s.city))
	}
	b.WriteString("}\n\nauthorization {\n  timeout: 5\n  users: [\n")
	for _, client := range []struct {
		users
		publish, subscribe []string
	}{
		{s.battle, []string{report.PresenceSubject + "*", report.ResultSubject + "*"}, []string{"_INBOX.battle.>"}},
		{s.lobby, lobbyMayPublish(), []string{report.PresenceSubject + "*", "_INBOX.lobby.>"}},
	} {
		for _, u := range [][2]string{{client.user, client.hash}, {client.previousUser, client.previousHash}} {
			if u[0] == "" {
				continue
			}
			fmt.Fprintf(&b, "    {user: %s, password: %s, permissions: {\n      publish: {allow: %s}\n      subscribe: {allow: %s}\n    }}\n",
				quote(u[0]), quote(u[1]), list(client.publish), list(client.subscribe))
		}
	}
	b.WriteString("  ]\n}\n")
	if s.leaf != "" {
		// The city tells the hub how its battles ended, and takes nothing from it: whoever has the hub must not have the city.
		fmt.Fprintf(&b, `
leafnodes {
  remotes: [
    {
      urls: [%s]
      credentials: "%s/hub.creds"
      deny_imports: [">"]
      deny_exports: ["_INBOX.>", "$JS.>", "%s>"]
    }
  ]
}
`, quote(s.leaf), configDir, report.PresenceSubject)
	}
	return b.String(), nil
}

// lobbyMayPublish are the subjects by which the lobby manages and reads its one stream, and its own.
func lobbyMayPublish() []string {
	return []string{
		"lobby.>",
		"$JS.API.INFO",
		"$JS.API.STREAM.NAMES",
		"$JS.API.STREAM.*." + Stream,
		"$JS.API.STREAM.MSG.GET." + Stream,
		"$JS.API.DIRECT.GET." + Stream,
		"$JS.API.DIRECT.GET." + Stream + ".>",
		"$JS.API.CONSUMER.*." + Stream,
		"$JS.API.CONSUMER.*." + Stream + ".>",
		"$JS.API.CONSUMER.*.*." + Stream + ".>",
		"$JS.ACK." + Stream + ".>",
		"$JS.FC." + Stream + ".>",
	}
}

// quote makes a string of NATS's configuration, whose escapes are JSON's as far as ours go.
func quote(s string) string {
	text, _ := json.Marshal(s) // a string does not fail
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
}

func list(subjects []string) string {
	quoted := make([]string, len(subjects))
	for i, s := range subjects {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
