package config_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

func TestParseCompletesARegion(t *testing.T) {
	t.Parallel()
	root := project(t)
	r, err := config.Parse(region(func(r object) {
		r["k3s"] = object{"mirror": object{"urlFile": "mirror.url", "checksumsFile": "sums"}}
		r["cities"] = []any{object{"name": "a", "nodes": []any{
			object{"name": "z", "host": "two", "role": "agent", "externalAddress": "198.51.100.7"},
			object{"name": "b", "host": "one", "role": "server", "ssh": object{"dialTimeout": "3s"}},
		}}}
	}), root)
	require.NoError(t, err)

	require.Equal(t, "v1.30.4+k3s1", r.K3s.Version)
	require.Equal(t, []string{"traefik", "servicelb"}, r.K3s.Disable)
	require.Equal(t, "http://192.0.2.3", r.Cities[0].Nodes[0].K3s.Mirror.URL)
	require.Equal(t, strings.Repeat("0a", 32), r.Cities[0].Nodes[0].K3s.Mirror.Checksums["install.sh"])
	require.Equal(t, config.EngineCrun, r.Wasm.Engine)
	require.Equal(t, "0.14.1", r.Wasm.Version)
	require.Equal(t, config.Quantities{CPU: "200m", Memory: "256Mi"}, r.Battle.Resources.Requests)
	require.Equal(t, config.Quantities{CPU: "1", Memory: "512Mi"}, r.Battle.Resources.Limits)
	require.Equal(t, filepath.Join(root, "battle.tar"), r.Cities[0].Battle.Archive)
	require.Equal(t, 10, r.Cities[0].SLO.BotsPerPod)
	require.Equal(t, 119.5, r.SLO.TickRate)
	require.Equal(t, 5*time.Minute, r.Battle.Duration)
	require.Equal(t, 5*time.Minute, r.Battle.DrainTimeout)
	require.Equal(t, "docker.io/library/nats:2.10.22-alpine", r.Messaging.Image)
	require.Equal(t, "docker.io/openpolicyagent/gatekeeper:v3.15.1", r.Policies.Gatekeeper.Image)
	require.Equal(t, filepath.Join(root, "lobby.tar"), r.Cities[0].Lobby.Archive)
	require.Equal(t, playerKeys("2026-07"), r.Cities[0].Lobby.PlayerKeys)
	require.Equal(t, config.Backups{Every: 6 * time.Hour, Keep: 28}, r.Lobby.Backups)

	server, agent := r.Cities[0].Servers()[0].Endpoint, r.Cities[0].Agents()[0].Endpoint
	require.Equal(t, "192.0.2.1", server.Address)
	require.Equal(t, 22, server.Port)
	require.Equal(t, "root", server.User)
	require.Equal(t, 3*time.Second, server.DialTimeout)
	require.Contains(t, server.PrivateKey, "PRIVATE KEY")
	require.True(t, strings.HasPrefix(server.HostKey, "ssh-ed25519 "), server.HostKey)
	require.Equal(t, "192.0.2.2", agent.Address)
	require.Equal(t, 2222, agent.Port)
	require.Equal(t, "ops", agent.User)
	require.Equal(t, 15*time.Second, agent.DialTimeout)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edit func(r object)
		want string
	}{
		"an unknown key": {
			func(r object) { node(r)["hots"] = "one" }, "cities[0].nodes[0].hots: unknown key"},
		"a key in another case": {
			func(r object) { r["Name"] = "east" }, "Name: unknown key"},
		"a bad duration": {
			func(r object) { r["k3s"] = object{"readyTimeout": "5 minutes"} }, `k3s.readyTimeout: "5 minutes" is not a duration: write it with its unit, as "15s", "2m" or "10ms"`},
		"a duration without a unit": {
			func(r object) { r["slo"] = object{"rttP50": 10} }, `slo.rttP50: 10 is not a duration`},
		"half a replica": {
			func(r object) { r["battle"].(object)["replicas"] = 1.5 }, "battle.replicas: a whole number is wanted, not 1.5"},
		"a word for a number": {
			func(r object) { r["battle"].(object)["replicas"] = "ten" }, `battle.replicas: a whole number is wanted, not "ten"`},
		"a word for a list": {
			func(r object) { r["cities"] = "a" }, "cities: a list is wanted"},
		"no replicas": {
			func(r object) { r["battle"].(object)["replicas"] = 0 }, "battle.replicas: 0 is less than 1"},
		"no name": {
			func(r object) { delete(r, "name") }, "name: required"},
		"a name that is no DNS label": {
			func(r object) { node(r)["name"] = "A_1" }, `cities[0].nodes[0].name: "A_1" is not a DNS label`},
		"no city": {
			func(r object) { delete(r, "cities") }, "cities: required"},
		"a city twice": {
			func(r object) {
				r["cities"] = append(r["cities"].([]any), object{"name": "a", "nodes": []any{object{"name": "n", "host": "two"}}})
			}, `cities[1].name: "a" is already cities[0].name`},
		"a node twice": {
			func(r object) {
				r["cities"] = []any{object{"name": "a", "nodes": []any{
					object{"name": "n", "host": "one", "role": "server"}, object{"name": "n", "host": "two", "role": "agent"}}}}
			}, `cities[0].nodes[1].name: "n" is already cities[0].nodes[0].name`},
		"a host twice": {
			func(r object) {
				r["cities"] = append(r["cities"].([]any), object{"name": "b", "nodes": []any{object{"name": "n", "host": "one"}}})
			}, `cities[1].nodes[0].host: "192.0.2.1:22" is already cities[0].nodes[0].host`},
		"a host under another name": {
			func(r object) {
				r["cities"] = append(r["cities"].([]any), object{"name": "b", "nodes": []any{object{"name": "n", "host": "192.0.2.1"}}})
			}, `cities[1].nodes[0].host: "192.0.2.1:22" is already cities[0].nodes[0].host`},
		"a city without nodes": {
			func(r object) { r["cities"] = []any{object{"name": "a"}} }, "cities[0].nodes: required"},
		"no host": {
			func(r object) { delete(node(r), "host") }, "cities[0].nodes[0].host: required"},
		"roles left open": {
			func(r object) {
				r["cities"] = []any{object{"name": "a", "nodes": []any{object{"name": "n", "host": "one"}, object{"name": "m", "host": "two"}}}}
			}, "cities[0].nodes[1].role: required in a city of several nodes"},
		"an unknown role": {
			func(r object) { node(r)["role"] = "master" }, `cities[0].nodes[0].role: "master" is neither server nor agent`},
		"two servers": {
			func(r object) {
				r["cities"] = []any{object{"name": "a", "nodes": []any{
					object{"name": "n", "host": "one", "role": "server"}, object{"name": "m", "host": "two", "role": "server"}}}}
			}, "cities[0].nodes: 2 of them are servers: give one, or three or five"},
		"an external address that is none": {
			func(r object) { node(r)["externalAddress"] = "edge" }, `cities[0].nodes[0].externalAddress: "edge" is not an IP address`},
		"no private key": {
			func(r object) { delete(r["ssh"].(object), "privateKeyFile") }, "cities[0].nodes[0].ssh.privateKeyFile: required"},
		"a private key that is missing": {
			func(r object) { r["ssh"].(object)["privateKeyFile"] = "gone" }, "ssh.privateKeyFile: stat"},
		"a private key that others can read": {
			func(r object) { r["ssh"].(object)["privateKeyFile"] = "open" }, "can be read by others (mode 0644): chmod 600"},
		"a private key with a passphrase": {
			func(r object) { r["ssh"].(object)["privateKeyFile"] = "locked" }, "has a passphrase"},
		"no known hosts": {
			func(r object) { delete(r["ssh"].(object), "knownHostsFile") }, "ssh.knownHostsFile: required: host keys are always checked; pin them with `ssh-keyscan 192.0.2.1 >> known_hosts`"},
		"a host that is not pinned": {
			func(r object) { node(r)["host"] = "192.0.2.7" }, "pins no key of 192.0.2.7:22: compare what `ssh-keyscan -t ed25519,ecdsa 192.0.2.7` prints"},
		"a host that is pinned by RSA alone": {
			func(r object) { node(r)["host"] = "192.0.2.9" }, "pins no ed25519 or ecdsa key of 192.0.2.9:22"},
		"a port that is not pinned": {
			func(r object) { node(r)["ssh"] = object{"port": 2200} }, "ssh-keyscan -t ed25519,ecdsa -p 2200 192.0.2.1"},
		"a jump host": {
			func(r object) { node(r)["host"] = "jump" }, "cities[0].nodes[0].host: jump is reached through ProxyJump bastion, which is not supported"},
		"an SSH config that is missing": {
			func(r object) { r["ssh"].(object)["configFile"] = "gone" }, "  ssh.configFile: open"},
		"another K3s": {
			func(r object) { r["k3s"] = object{"version": "1.30"} }, `k3s.version: "1.30" is not a K3s release such as v1.30.4+k3s1`},
		"a mirror twice": {
			func(r object) {
				r["k3s"] = object{"mirror": object{"url": "http://m", "urlFile": "mirror.url", "checksumsFile": "sums"}}
			}, "k3s.mirror.urlFile: give url or urlFile, not both"},
		"a mirror without checksums": {
			func(r object) { r["k3s"] = object{"mirror": object{"url": "http://m"}} }, "k3s.mirror.checksumsFile: required with a mirror"},
		"checksums that lack one": {
			func(r object) { r["k3s"] = object{"mirror": object{"url": "http://m", "checksumsFile": "half"}} }, "has no checksum of install.sh"},
		"checksums that are none": {
			func(r object) { r["k3s"] = object{"mirror": object{"url": "http://m", "checksumsFile": "odd"}} }, `"what is this" is not a line of sha256sum's`},
		"a mirror that is no address": {
			func(r object) { r["k3s"] = object{"mirror": object{"url": "m", "checksumsFile": "sums"}} }, `k3s.mirror.url: "m" is not an http or https address`},
		"a flag that is ours": {
			func(r object) { r["k3s"] = object{"serverFlags": []any{"--disable=traefik"}} }, "k3s.serverFlags[0]: --disable is k3s.disable"},
		"a flag with a space": {
			func(r object) { r["k3s"] = object{"agentFlags": []any{"--node-label a=b"}} }, `k3s.agentFlags[0]: "--node-label a=b" is not of the form`},
		"a kubelet setting that is none": {
			func(r object) { r["k3s"] = object{"kubeletArgs": []any{"max-pods"}} }, `k3s.kubeletArgs[0]: "max-pods" is not of the form name=value`},
		"an unknown engine": {
			func(r object) { r["wasm"] = object{"engine": "wasmtime"} }, `wasm.engine: "wasmtime" is neither crun nor shim`},
		"a shim without a checksum": {
			func(r object) { r["wasm"] = object{"engine": "shim", "version": "0.14.0"} }, `wasm.shim.sha256: "" is not a SHA-256`},
		"a shim with another WasmEdge": {
			func(r object) {
				r["wasm"] = object{"engine": "shim", "shim": object{"sha256": strings.Repeat("0a", 32)}}
			}, "holds WasmEdge 0.14.0, not 0.14.1"},
		"a shim that is not used": {
			func(r object) { r["wasm"] = object{"shim": object{"sha256": "x"}} }, "wasm.shim: only engine shim has one"},
		"no image": {
			func(r object) { delete(r["battle"].(object), "archive") }, "battle.archive: required: give archive (a file of this machine) or image"},
		"two images": {
			func(r object) { r["battle"].(object)["image"] = "r/b@sha256:" + strings.Repeat("0a", 32) }, "battle.image: give archive or image, not both"},
		"an image by its tag": {
			func(r object) { r["battle"].(object)["portAllocator"] = object{"image": "r/p:latest"} }, `battle.portAllocator.image: "r/p:latest" does not name its digest`},
		"an archive that is missing": {
			func(r object) { r["battle"].(object)["archive"] = "gone.tar" }, "battle.archive: stat"},
		"too many players": {
			func(r object) { r["battle"].(object)["maxPlayers"] = 11 }, "battle.maxPlayers: 11 is not from 1 to 10"},
		"too few ports": {
			func(r object) { r["battle"].(object)["ports"] = object{"first": 20000, "last": 20014} }, "battle.ports: 20000 to 20014 are 15 ports; 10 replicas need 23"},
		"ports of K3s's": {
			func(r object) { r["battle"].(object)["ports"] = object{"first": 6000, "last": 7000} }, "overlaps 6443 to 6444, which belong to K3s's API server"},
		"ports the wrong way around": {
			func(r object) { r["battle"].(object)["ports"] = object{"first": 21000} }, "battle.ports: 21000 to 20999 is not a range"},
		"a request above its limit": {
			func(r object) {
				r["battle"].(object)["resources"] = object{"requests": object{"cpu": "2"}}
			}, "battle.resources.requests.cpu: 2 is more than its limit, 1"},
		"a quantity that is none": {
			func(r object) {
				r["battle"].(object)["resources"] = object{"limits": object{"memory": "much"}}
			}, `battle.resources.limits.memory: "much" is not a quantity`},
		"objectives the wrong way around": {
			func(r object) { r["slo"] = object{"rttP99": "5ms"} }, "slo.rttP99: 5ms is shorter than slo.rttP50, 10ms"},
		"more ticks than there are": {
			func(r object) { r["slo"] = object{"tickRate": 121} }, "slo.tickRate: 121 is not above 0 and at most battle.tickRate, 120"},
		"a battle without end": {
			func(r object) { r["battle"].(object)["duration"] = "2h" }, "battle.duration: 2h0m0s is not from 1s to 1h0m0s"},
		"a drain without end": {
			func(r object) { r["battle"].(object)["drainTimeout"] = "2h" }, "battle.drainTimeout: 2h0m0s is not from 1s to 1h0m0s"},
		"no drain": {
			func(r object) { r["battle"].(object)["drainTimeout"] = "0s" }, "battle.drainTimeout: 0s is not from 1s to 1h0m0s"},
		"no reserve for the services": {
			func(r object) { r["services"] = object{"reserve": object{"memory": "0"}} }, `services.reserve.memory: "0" is not a quantity`},
		"a generation before the first": {
			func(r object) { r["credentials"] = object{"generation": 0} }, "credentials.generation: 0 is not from 1 to 255"},
		"an image of others without a tag": {
			func(r object) { r["messaging"] = object{"image": "docker.io/library/nats"} }, `messaging.image: "docker.io/library/nats" names no release`},
		"an image of others that moves": {
			func(r object) { r["policies"] = object{"gatekeeper": object{"image": "r/gatekeeper:latest"}} }, `policies.gatekeeper.image: "r/gatekeeper:latest" names no release`},
		"no image of others": {
			func(r object) { r["messaging"] = object{"image": ""} }, "messaging.image: required: give archive (a file of this machine) or image (a reference by tag or digest)"},
		"two images of others": {
			func(r object) { r["messaging"] = object{"image": "r/nats:2", "archive": "battle.tar"} }, "messaging.image: give archive or image, not both"},
		"an archive of others that is missing": {
			func(r object) { r["policies"] = object{"gatekeeper": object{"archive": "gone.tar"}} }, "policies.gatekeeper.archive: stat"},
		"too little storage": {
			func(r object) { r["messaging"] = object{"storage": "100Mi"} }, "messaging.storage: 100Mi is less than 300Mi"},
		"storage that is none": {
			func(r object) { r["messaging"] = object{"storage": "some"} }, `messaging.storage: "some" is not a quantity`},
		"a leaf in the clear": {
			func(r object) {
				r["messaging"] = object{"leaf": object{"url": "nats://hub", "credentialsFile": "hub.creds"}}
			}, `messaging.leaf.url: "nats://hub" is not an address of the form tls://host:port or wss://host`},
		"a leaf with a password in its address": {
			func(r object) {
				r["messaging"] = object{"leaf": object{"url": "tls://me:secret@hub", "credentialsFile": "hub.creds"}}
			}, "is not an address of the form"},
		"a leaf without credentials": {
			func(r object) { r["messaging"] = object{"leaf": object{"url": "tls://hub:7422"}} }, "messaging.leaf.credentialsFile: required with url"},
		"a leaf without an address": {
			func(r object) { r["messaging"] = object{"leaf": object{"credentialsFile": "hub.creds"}} }, "messaging.leaf.url: required with credentialsFile"},
		"credentials that others can read": {
			func(r object) {
				r["messaging"] = object{"leaf": object{"url": "tls://hub:7422", "credentialsFile": "open.creds"}}
			}, "can be read by others (mode 0644): chmod 600"},
		"credentials that are none": {
			func(r object) {
				r["messaging"] = object{"leaf": object{"url": "tls://hub:7422", "credentialsFile": "key"}}
			}, "key has no line `-----BEGIN NATS USER JWT-----`"},
		"no lobby": {
			func(r object) { delete(r, "lobby") }, "lobby.archive: required"},
		"a lobby by its tag": {
			func(r object) { r["lobby"] = object{"image": "r/lobby:1"} }, `lobby.image: "r/lobby:1" does not name its digest`},
		"a lobby's archive that is missing": {
			func(r object) { r["lobby"].(object)["archive"] = "gone.tar" }, "lobby.archive: stat"},
		"no player keys": {
			func(r object) { delete(r["lobby"].(object), "playerKeysFile") }, "lobby.playerKeysFile: required"},
		"player keys that are missing": {
			func(r object) { r["lobby"].(object)["playerKeysFile"] = "gone" }, "lobby.playerKeysFile: open"},
		"player keys that are none": {
			func(r object) { r["lobby"].(object)["playerKeysFile"] = "sums" }, "sums: it is not a JSON Web Key Set"},
		"no issuer": {
			func(r object) { delete(r["lobby"].(object), "issuer") }, "lobby.issuer: required"},
		"an issuer with a space": {
			func(r object) { r["lobby"].(object)["issuer"] = "me " }, `lobby.issuer: "me " begins or ends with a space`},
		"a node port": {
			func(r object) { r["lobby"].(object)["nodePort"] = 8080 }, "lobby.nodePort: 8080 is not from 30000 to 32767"},
		"tickets for ever": {
			func(r object) { r["lobby"].(object)["ticketLifetime"] = "1m" }, "lobby.ticketLifetime: 1m0s is not from 1s to 30s"},
		"no joins": {
			func(r object) { r["lobby"].(object)["joinRate"] = "0/s" }, `lobby.joinRate: "0/s" is not a rate: write requests/time, such as 10/10s`},
		"any number of requests": {
			func(r object) { r["lobby"].(object)["addressRate"] = "many" }, `lobby.addressRate: "many" is not a rate`},
		"backups all the time": {
			func(r object) { r["lobby"].(object)["backups"] = object{"every": "1s"} }, "lobby.backups.every: 1s is less than 1m0s"},
		"no backups": {
			func(r object) { r["lobby"].(object)["backups"] = object{"keep": 0} }, "lobby.backups.keep: 0 is less than 1"},
		"more bots than seats": {
			func(r object) { r["slo"] = object{"botsPerPod": 11} }, "slo.botsPerPod: 11 is not from 1 to 10"},
	}
	root := project(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse(region(tt.edit), root)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestParseReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Parse(region(func(r object) {
		delete(r, "name")
		node(r)["host"] = "192.0.2.7"
		node(r)["role"] = "master"
		r["battle"].(object)["tickRate"] = 0
		r["wasm"] = object{"engine": "none"}
	}), project(t))
	for _, path := range []string{"  name: ", "  cities[0].nodes[0].ssh.knownHostsFile: ", "  cities[0].nodes[0].role: ", "  battle.tickRate: ", "  wasm.engine: "} {
		require.ErrorContains(t, err, "\n"+path)
	}
	_, err = config.Parse(region(func(r object) {
		r["nome"] = "x"
		r["battle"].(object)["replicas"] = "ten"
		r["slo"] = object{"duration": "long", "rttP50": "short"}
	}), project(t))
	for _, path := range []string{"  nome: unknown key", "  battle.replicas: ", "  slo.duration: ", "  slo.rttP50: "} {
		require.ErrorContains(t, err, "\n"+path)
	}
}

func TestParseRefusesWhatIsNoObject(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "[]", `"x"`, "null", "{"} {
		_, err := config.Parse([]byte(raw), t.TempDir())
		require.ErrorContains(t, err, "decode region", raw)
	}
}
