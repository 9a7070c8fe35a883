package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

func TestAnErrorIsReportedOnceInTheLayerThatMakesIt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edit func(r object)
		want []string
	}{
		"of the region": {
			func(r object) { set(r, "ssh.dialAttempts", 0) }, []string{"ssh.dialAttempts: 0 is less than 1"}},
		"of a city": {
			func(r object) { set(at(r, "cities", 0), "ssh.dialAttempts", 0) }, []string{"cities[0].ssh.dialAttempts: 0 is less than 1"}},
		"of a node": {
			func(r object) { set(at(r, "cities", 0, "nodes", 1), "ssh.dialAttempts", 0) }, []string{"cities[0].nodes[1].ssh.dialAttempts: 0 is less than 1"}},
		"of all three, differently": {
			func(r object) {
				set(r, "size.cpu", "much")
				set(at(r, "cities", 0), "size.cpu", "more")
				set(at(r, "cities", 0, "nodes", 1), "size.cpu", "most")
			}, []string{`size.cpu: "much" is not`, `cities[0].size.cpu: "more" is not`, `cities[0].nodes[1].size.cpu: "most" is not`}},
		"in a list of the region's": {
			func(r object) { set(r, "k3s.serverFlags", []any{"--debug", "oops"}) }, []string{`k3s.serverFlags[1]: "oops" is not of the form`}},
		"in a list of a city's": {
			func(r object) { set(at(r, "cities", 1), "policies.registries", []any{""}) }, []string{"cities[1].policies.registries[0]: is empty"}},
		"between a setting of the region and one of a city": {
			func(r object) {
				set(r, "policies.minTickRate", 60)
				set(at(r, "cities", 0), "battle.tickRate", 100)
			}, []string{"cities[0].slo.tickRate: 119.5 is not above 0 and at most battle.tickRate, 100"}},
		"between two objectives": {
			func(r object) {
				set(r, "slo.rttP99", "15ms")
				set(at(r, "cities", 1), "slo.rttP50", "16ms")
			}, []string{"cities[1].slo.rttP99: 15ms is shorter than slo.rttP50, 16ms"}},
		"bots without a seat": {
			func(r object) {
				set(r, "slo.botsPerPod", 10)
				set(at(r, "cities", 1), "battle.maxPlayers", 5)
			}, []string{"cities[1].slo.botsPerPod: 10 is not from 1 to 5"}},
		"an engine that lacks its shim": {
			func(r object) { set(at(r, "cities", 0, "nodes", 0), "wasm.engine", "shim") },
			[]string{`cities[0].nodes[0].wasm.shim.sha256: "" is not a SHA-256`, "cities[0].nodes[0].wasm.version: the shim of"}},
		"a mirror that lacks checksums": {
			func(r object) { set(at(r, "cities", 0), "k3s.mirror.urlFile", "mirror.url") },
			[]string{"cities[0].k3s.mirror.checksumsFile: required with a mirror"}},
		"archive and image in one layer": {
			func(r object) {
				set(at(r, "cities", 0), "battle.archive", "other.tar")
				set(at(r, "cities", 0), "battle.image", "r/b")
			}, []string{"cities[0].battle.image: give archive or image, not both"}},
		"no image in any layer": {
			func(r object) { delete(at(r, "battle"), "archive") }, []string{"battle.archive: required"}},
		"a gate that never plays": {
			func(r object) { set(r, "slo.gate.attempts", 0) }, []string{"slo.gate.attempts: 0 is less than 1"}},
		"a port": {
			func(r object) { set(at(r, "cities", 0), "ssh.port", 70000) }, []string{"cities[0].ssh.port: 70000 is not from 0 to 65535"}},
		"an offline that is neither": {
			func(r object) { set(r, "offline", "wait") }, []string{`offline: "wait" is neither fail nor skip`}},
		"an enforcement that is none": {
			func(r object) { set(r, "policies.enforcement", "audit") }, []string{`policies.enforcement: "audit" is neither deny, warn nor dryrun`}},
		"prices": {
			func(r object) {
				set(r, "prices", object{"currency": "yuan", "nodeMonth": -1})
			}, []string{`prices.currency: "yuan" is not a code of three capital letters`, "prices.nodeMonth: -1 is less than nothing"}},
		"a word for a switch": {
			func(r object) { set(at(r, "cities", 1), "protect", "no") }, []string{`cities[1].protect: true or false is wanted, not "no"`}},
		"a word for a city": {
			func(r object) { r["cities"] = []any{"a"} }, []string{`cities[0]: an object is wanted, not "a"`}},
		"a number for a node": {
			func(r object) { at(r, "cities", 1)["nodes"] = []any{1} }, []string{"cities[1].nodes[0]: an object is wanted, not 1"}},
		"an object for nodes": {
			func(r object) { at(r, "cities", 1)["nodes"] = object{"b-1": object{}} }, []string{"cities[1].nodes: a list is wanted"}},
		"unknown keys at every level": {
			func(r object) {
				set(r, "nome", 1)
				set(r, "battle.replica", 1)
				set(at(r, "cities", 0), "nome", 1)
				set(at(r, "cities", 0), "slo.gate.on", 1)
				set(at(r, "cities", 0, "nodes", 1), "nome", 1)
				set(at(r, "cities", 0, "nodes", 1), "policies.enforcement", "warn")
				set(at(r, "cities", 0, "nodes", 1), "k3s.version", "v1.30.4+k3s1")
				r["waves"] = []any{object{"name": "w", "cities": []any{"a"}, "pct": 1}}
			}, []string{"nome: unknown key", "battle.replica: unknown key", "cities[0].nome: unknown key", "cities[0].slo.gate.on: unknown key", "cities[0].nodes[1].nome: unknown key",
				"cities[0].nodes[1].policies: unknown key", "cities[0].nodes[1].k3s.version: unknown key", "waves[0].pct: unknown key"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := two()
			tt.edit(tree)
			requireProblems(t, tree, tt.want...)
		})
	}
}

// requireProblems asserts that these are the region's problems and that there are no others, in any order.
func requireProblems(t *testing.T, tree object, want ...string) {
	t.Helper()
	_, err := config.ParseWithoutFiles(raw(tree))
	require.Error(t, err)
	for _, text := range want {
		require.ErrorContains(t, err, "\n  "+text)
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 1+len(want), err.Error())
}

func TestAFileThatIsWrongIsReportedInTheLayerThatNamesIt(t *testing.T) {
	t.Parallel()
	root := project(t)
	tests := map[string]struct {
		edit func(r object)
		want string
	}{
		"the region's key":     {func(r object) { set(r, "ssh.privateKeyFile", "gone") }, "\n  ssh.privateKeyFile: stat "},
		"a city's key":         {func(r object) { set(at(r, "cities", 1), "ssh.privateKeyFile", "open") }, "\n  cities[1].ssh.privateKeyFile: "},
		"a node's key":         {func(r object) { set(at(r, "cities", 0, "nodes", 1), "ssh.privateKeyFile", "locked") }, "\n  cities[0].nodes[1].ssh.privateKeyFile: "},
		"the region's hosts":   {func(r object) { set(r, "ssh.knownHostsFile", "gone") }, "\n  ssh.knownHostsFile: open "},
		"the region's config":  {func(r object) { set(r, "ssh.configFile", "gone") }, "\n  ssh.configFile: open "},
		"a city's archive":     {func(r object) { set(at(r, "cities", 0), "battle.archive", "gone") }, "\n  cities[0].battle.archive: stat "},
		"the region's mirror":  {func(r object) { set(r, "k3s.mirror", object{"urlFile": "gone", "checksumsFile": "sums"}) }, "\n  k3s.mirror.urlFile: open "},
		"an empty mirror file": {func(r object) { set(r, "k3s.mirror", object{"urlFile": "battle.tar", "checksumsFile": "sums"}) }, "battle.tar is empty: write the mirror's address there"},
		"no key, no aliases":   {func(r object) { r["ssh"] = object{"knownHostsFile": "known_hosts"} }, "\n  ssh.privateKeyFile: required: name the private key"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := two()
			tree["ssh"] = object{"privateKeyFile": "key", "knownHostsFile": "known_hosts"}
			tt.edit(tree)
			_, err := config.Parse(raw(tree), root)
			require.ErrorContains(t, err, tt.want)
			path, _, _ := strings.Cut(strings.TrimSpace(tt.want), ":")
			require.LessOrEqual(t, strings.Count(err.Error(), "  "+path+":"), 1, err.Error())
		})
	}
}
