package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

// two is a region of cities a, with nodes a-1 and a-2, and b, with node b-1.
func two() object {
	return object{
		"name":   "east",
		"battle": object{"archive": "battle.tar", "replicas": 1, "portAllocator": object{"archive": "ports.tar"}},
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

func TestASettingIsTheInnermostLayers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path                string
		region, city        any // as they are written
		first, second, last any // as they are read: the default, the region's, the city's
		read                func(s config.Settings) any
	}{
		"ssh":             {"ssh.dialAttempts", 3, 4, 10, 3, 4, func(s config.Settings) any { return s.SSH.DialAttempts }},
		"ssh, a duration": {"ssh.dialTimeout", "30s", "1m", 15 * time.Second, 30 * time.Second, time.Minute, func(s config.Settings) any { return s.SSH.DialTimeout }},
		"size":            {"size.cpu", "8", "16", "4", "8", "16", func(s config.Settings) any { return s.Size.CPU }},
		"size, a number":  {"size.cpu", 8, 16, "4", "8", "16", func(s config.Settings) any { return s.Size.CPU }},
		"k3s":             {"k3s.version", "v1.30.5+k3s1", "v1.30.6+k3s1", config.DefaultK3sVersion, "v1.30.5+k3s1", "v1.30.6+k3s1", func(s config.Settings) any { return s.K3s.Version }},
		"k3s, a list":     {"k3s.disable", []any{"traefik"}, []any{}, []string{"traefik", "servicelb"}, []string{"traefik"}, []string{}, func(s config.Settings) any { return s.K3s.Disable }},
		"k3s, of the nodes": {"k3s.readyTimeout", "6m", "7m", 5 * time.Minute, 6 * time.Minute, 7 * time.Minute,
			func(s config.Settings) any { return s.K3s.ReadyTimeout }},
		"wasm":     {"wasm.version", "0.14.2", "0.14.3", "0.14.1", "0.14.2", "0.14.3", func(s config.Settings) any { return s.Wasm.Version }},
		"policies": {"policies.enforcement", "warn", "dryrun", config.EnforceDeny, config.EnforceWarn, config.EnforceDryRun, func(s config.Settings) any { return s.Policies.Enforcement }},
		"policies, a list": {"policies.registries", []any{"one/", "two/"}, []any{"three/"}, []string(nil), []string{"one/", "two/"}, []string{"three/"},
			func(s config.Settings) any { return s.Policies.Registries }},
		"monitoring":        {"monitoring.reserve.memory", "1Gi", "2Gi", "350Mi", "1Gi", "2Gi", func(s config.Settings) any { return s.Monitoring.Reserve.Memory }},
		"battle":            {"battle.replicas", 2, 3, 1, 2, 3, func(s config.Settings) any { return s.Battle.Replicas }},
		"battle, deep down": {"battle.resources.limits.cpu", "900m", "800m", "1", "900m", "800m", func(s config.Settings) any { return s.Battle.Resources.Limits.CPU }},
		"slo":               {"slo.duration", "1m", "2m", 30 * time.Second, time.Minute, 2 * time.Minute, func(s config.Settings) any { return s.SLO.Duration }},
		"slo, the gate":     {"slo.gate.rollback", true, false, false, true, false, func(s config.Settings) any { return s.SLO.Gate.Rollback }},
		"prices":            {"prices.nodeMonth", 50, 60.5, 40.0, 50.0, 60.5, func(s config.Settings) any { return s.Prices.NodeMonth }},
		"prices, a zero":    {"prices.nodeMonth", 0, 1, 40.0, 0.0, 1.0, func(s config.Settings) any { return s.Prices.NodeMonth }},
		"offline":           {"offline", "skip", "fail", config.OfflineFail, config.OfflineSkip, config.OfflineFail, func(s config.Settings) any { return s.Offline }},
		"protect":           {"protect", false, true, true, false, true, func(s config.Settings) any { return s.Protect }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := two()
			require.Equal(t, tt.first, tt.read(parse(t, tree).Cities[0].Settings), "the default")
			set(tree, tt.path, nil)
			if tt.path != "battle.replicas" { // which two() gives
				require.Equal(t, tt.first, tt.read(parse(t, tree).Cities[0].Settings), "null says nothing")
			}
			set(tree, tt.path, tt.region)
			set(at(tree, "cities", 1), tt.path, tt.city)
			r := parse(t, tree)
			require.Equal(t, tt.second, tt.read(r.Settings), "the region's")
			require.Equal(t, tt.second, tt.read(r.Cities[0].Settings), "of a city that says nothing")
			require.Equal(t, tt.last, tt.read(r.Cities[1].Settings), "of a city that overrides it")
			set(at(tree, "cities", 1), tt.path, nil)
			require.Equal(t, tt.second, tt.read(parse(t, tree).Cities[1].Settings), "null says nothing")
		})
	}
}

func TestANodeOverridesItsCity(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path       string
		city, node any
		last       any
		read       func(n config.NodeSettings) any
	}{
		"ssh":         {"ssh.user", "ops", "me", "me", func(n config.NodeSettings) any { return n.SSH.User }},
		"size":        {"size.memory", "16Gi", "32Gi", "32Gi", func(n config.NodeSettings) any { return n.Size.Memory }},
		"k3s":         {"k3s.readyTimeout", "6m", "7m", 7 * time.Minute, func(n config.NodeSettings) any { return n.K3s.ReadyTimeout }},
		"k3s, a list": {"k3s.kubeletArgs", []any{"max-pods=200", "v=2"}, []any{"max-pods=50"}, []string{"max-pods=50"}, func(n config.NodeSettings) any { return n.K3s.KubeletArgs }},
		"wasm":        {"wasm.version", "0.14.2", "0.14.3", "0.14.3", func(n config.NodeSettings) any { return n.Wasm.Version }},
		"prices":      {"prices.nodeMonth", 50, 0, 0.0, func(n config.NodeSettings) any { return n.Prices.NodeMonth }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := two()
			set(at(tree, "cities", 0), tt.path, tt.city)
			set(at(tree, "cities", 0, "nodes", 1), tt.path, tt.node)
			a, before := parse(t, tree).Cities[0], two()
			set(before, tt.path, tt.city)
			require.Equal(t, tt.read(parse(t, before).Cities[0].Nodes[0].NodeSettings), tt.read(a.Nodes[0].NodeSettings), "the city's")
			require.Equal(t, tt.last, tt.read(a.Nodes[1].NodeSettings), "the node's own")
		})
	}
}

func TestAListIsReplacedAndLeavesTheOthersAsTheyWere(t *testing.T) {
	t.Parallel()
	tree := two()
	set(tree, "k3s.kubeletArgs", []any{"v=1", "max-pods=100"})
	set(at(tree, "cities", 0), "k3s.kubeletArgs", []any{"v=2"})
	set(at(tree, "cities", 0, "nodes", 0), "k3s.kubeletArgs", []any{"v=3", "max-pods=99", "seccomp-default=true"})
	r := parse(t, tree)
	require.Equal(t, []string{"v=1", "max-pods=100"}, r.K3s.KubeletArgs)
	require.Equal(t, []string{"v=2"}, r.Cities[0].K3s.KubeletArgs)
	require.Equal(t, []string{"v=3", "max-pods=99", "seccomp-default=true"}, r.Cities[0].Nodes[0].K3s.KubeletArgs)
	require.Equal(t, []string{"v=2"}, r.Cities[0].Nodes[1].K3s.KubeletArgs)
	require.Equal(t, []string{"v=1", "max-pods=100"}, r.Cities[1].Nodes[0].K3s.KubeletArgs)
}

func TestTheDefaultsAreNobodysToChange(t *testing.T) {
	t.Parallel()
	tree := two()
	set(tree, "k3s.disable", []any{"metrics-server"})
	parse(t, tree)
	require.Equal(t, []string{"traefik", "servicelb"}, config.Defaults().K3s.Disable)
}

func TestALayerTakesBackWhatItContradicts(t *testing.T) {
	t.Parallel()
	image := "r/b@sha256:" + strings.Repeat("0a", 32)

	tree := two()
	set(at(tree, "cities", 0), "battle.image", image)
	set(at(tree, "cities", 1), "battle.portAllocator.image", image)
	r := parse(t, tree)
	require.Equal(t, config.Source{Image: image}, r.Cities[0].Battle.Source)
	require.Equal(t, config.Source{Archive: "ports.tar"}, r.Cities[0].Battle.PortAllocator)
	require.Equal(t, config.Source{Archive: "battle.tar"}, r.Cities[1].Battle.Source)
	require.Equal(t, config.Source{Image: image}, r.Cities[1].Battle.PortAllocator)

	tree = two()
	at(tree)["battle"] = object{"replicas": 1, "image": image, "portAllocator": object{"image": image}}
	set(at(tree, "cities", 0), "battle.archive", "battle.tar")
	require.Equal(t, config.Source{Archive: "battle.tar"}, parse(t, tree).Cities[0].Battle.Source)

	tree = two()
	set(tree, "k3s.mirror", object{"url": "http://region", "checksumsFile": "sums"})
	set(at(tree, "cities", 0), "k3s.mirror.urlFile", "city.url")
	set(at(tree, "cities", 0, "nodes", 0), "k3s.mirror.url", "http://node")
	set(at(tree, "cities", 1, "nodes", 0), "k3s.mirror.url", "")
	r = parse(t, tree)
	require.Equal(t, config.Mirror{URL: "http://node", ChecksumsFile: "sums"}, r.Cities[0].Nodes[0].K3s.Mirror)
	require.Equal(t, config.Mirror{URLFile: "city.url", ChecksumsFile: "sums"}, r.Cities[0].Nodes[1].K3s.Mirror)
	require.Equal(t, config.Mirror{ChecksumsFile: "sums"}, r.Cities[1].Nodes[0].K3s.Mirror, "back to the release")

	tree = two()
	set(tree, "wasm", object{"engine": "shim", "version": "0.14.0", "shim": object{"sha256": strings.Repeat("0a", 32)}})
	set(at(tree, "cities", 0, "nodes", 1), "wasm", object{"engine": "crun", "version": "0.14.1"})
	r = parse(t, tree)
	require.Equal(t, config.Wasm{Engine: config.EngineCrun, Version: "0.14.1"}, r.Cities[0].Nodes[1].Wasm)
	require.Contains(t, r.Cities[0].Nodes[0].Wasm.Shim.URL, "runwasi", "the default of the engine")
}

func TestWhatFollowsFromASettingFollowsFromTheInnermost(t *testing.T) {
	t.Parallel()
	tree := two()
	set(tree, "battle.maxPlayers", 8)
	set(at(tree, "cities", 0), "battle.maxPlayers", 4)
	r := parse(t, tree)
	require.Equal(t, 8, r.SLO.BotsPerPod)
	require.Equal(t, 4, r.Cities[0].SLO.BotsPerPod)
	require.Equal(t, 8, r.Cities[1].SLO.BotsPerPod)
}

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
