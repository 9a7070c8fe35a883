package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

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
		"monitoring":         {"monitoring.reserve.memory", "1Gi", "2Gi", "350Mi", "1Gi", "2Gi", func(s config.Settings) any { return s.Monitoring.Reserve.Memory }},
		"battle":             {"battle.replicas", 2, 3, 1, 2, 3, func(s config.Settings) any { return s.Battle.Replicas }},
		"battle, deep down":  {"battle.resources.limits.cpu", "900m", "800m", "1", "900m", "800m", func(s config.Settings) any { return s.Battle.Resources.Limits.CPU }},
		"services":           {"services.reserve.cpu", "300m", "400m", "200m", "300m", "400m", func(s config.Settings) any { return s.Services.Reserve.CPU }},
		"credentials":        {"credentials.generation", 2, 3, 1, 2, 3, func(s config.Settings) any { return s.Credentials.Generation }},
		"messaging":          {"messaging.storage", "2Gi", "3Gi", "1Gi", "2Gi", "3Gi", func(s config.Settings) any { return s.Messaging.Storage }},
		"lobby":              {"lobby.joinRate", "2/s", "9/m", "10/10s", "2/s", "9/m", func(s config.Settings) any { return s.Lobby.JoinRate }},
		"lobby, its backups": {"lobby.backups.keep", 7, 14, 28, 7, 14, func(s config.Settings) any { return s.Lobby.Backups.Keep }},
		"slo":                {"slo.duration", "1m", "2m", 30 * time.Second, time.Minute, 2 * time.Minute, func(s config.Settings) any { return s.SLO.Duration }},
		"slo, the gate":      {"slo.gate.rollback", true, false, false, true, false, func(s config.Settings) any { return s.SLO.Gate.Rollback }},
		"prices":             {"prices.nodeMonth", 50, 60.5, 40.0, 50.0, 60.5, func(s config.Settings) any { return s.Prices.NodeMonth }},
		"prices, a zero":     {"prices.nodeMonth", 0, 1, 40.0, 0.0, 1.0, func(s config.Settings) any { return s.Prices.NodeMonth }},
		"offline":            {"offline", "skip", "fail", config.OfflineFail, config.OfflineSkip, config.OfflineFail, func(s config.Settings) any { return s.Offline }},
		"protect":            {"protect", false, true, true, false, true, func(s config.Settings) any { return s.Protect }},
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
	set(tree, "messaging.archive", "nats.tar")
	set(at(tree, "cities", 0), "messaging.image", "r/nats:2.10")
	set(at(tree, "cities", 1), "policies.gatekeeper.archive", "gatekeeper.tar")
	r = parse(t, tree)
	require.Equal(t, config.Upstream{Archive: "nats.tar"}, r.Messaging.Upstream, "the region's over the default")
	require.Equal(t, config.Upstream{Image: "r/nats:2.10"}, r.Cities[0].Messaging.Upstream)
	require.Equal(t, config.Upstream{Archive: "nats.tar"}, r.Cities[1].Messaging.Upstream)
	require.Equal(t, config.Upstream{Archive: "gatekeeper.tar"}, r.Cities[1].Policies.Gatekeeper)

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
