package fleet

import (
	"fmt"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/modules/config"
)

// regionKey is the region's key in a stack file.
const regionKey = "edge-arena:" + config.Key

// Local is what this machine has in place of what a region's file names.
type Local struct {
	// SSHConfig reaches the nodes, which are named as by [nodeName].
	SSHConfig string
	// MirrorURL and Checksums are those of the K3s release.
	MirrorURL, Checksums string
	// Battle and PortAllocator are the images' archives.
	Battle, PortAllocator string
	// Gatekeeper, NATS and Lobby are the archives of the city's services.
	Gatekeeper, NATS, Lobby string
	// PlayerKeys are the keys of players' tokens.
	PlayerKeys string
	// Salt is that of the passphrase that the stack is opened with.
	Salt string
}

// What is not the file's, since all nodes of a region share the cores of this machine with the bots.
const (
	// cpuRequest lets the scheduler put all of a city's pods onto a node that has no more cores than this machine. The plan's size of a
	// node, and all else that pods ask for, is the file's.
	cpuRequest = "10m"
	// readyTimeout gives nodes that start at the same time on the same cores theirs.
	readyTimeout = "15m"
)

// objectives are wide: a gate that misses would end the region, and what is looked for is how far it goes. The report holds what was
// measured against the promised 20 ms.
func objectives() map[string]any {
	return map[string]any{"rttP50": "2s", "rttP99": "4s", "rttP999": "8s", "tickRate": 1, "botsPerPod": 1, "duration": "5s"}
}

// replaced are the settings that this machine has its own of, wherever a file has them: in the region, a city or a node.
var replaced = [][]string{
	{"ssh"}, {"protect"}, {"externalAddress"},
	{"slo", "rttP50"}, {"slo", "rttP99"}, {"slo", "rttP999"}, {"slo", "tickRate"}, {"slo", "botsPerPod"}, {"slo", "duration"}, {"slo", "gate", "attempts"},
	{"k3s", "mirror"}, {"k3s", "readyTimeout"},
	{"battle", "archive"}, {"battle", "image"}, {"battle", "portAllocator"}, {"battle", "resources", "requests", "cpu"},
	{"policies", "gatekeeper"}, {"messaging", "archive"}, {"messaging", "image"}, {"messaging", "leaf"},
	{"lobby", "archive"}, {"lobby", "image"}, {"lobby", "playerKeysFile"}, {"monitoring"},
}

// overlay is a region's file with this machine's nodes, release and images in it.
func overlay(sample []byte, l Local) ([]byte, error) {
	file, region, err := parseFile(sample)
	if err != nil {
		return nil, err
	}
	remove(region)
	for _, city := range listed(region, "cities") {
		remove(city)
		for _, node := range listed(city, "nodes") {
			remove(node)
			node["host"] = nodeName(fmt.Sprint(city["name"]), fmt.Sprint(node["name"]))
		}
	}
	region["ssh"] = map[string]any{"configFile": l.SSHConfig, "dialTimeout": "60s"}
	slo := at(region, "slo")
	for key, value := range objectives() {
		slo[key] = value
	}
	at(slo, "gate")["attempts"] = 3
	region["protect"] = false
	k3s := at(region, "k3s")
	k3s["mirror"] = map[string]any{"url": l.MirrorURL, "checksumsFile": l.Checksums}
	k3s["readyTimeout"] = readyTimeout
	battle := at(region, "battle")
	battle["archive"], battle["portAllocator"] = l.Battle, map[string]any{"archive": l.PortAllocator}
	at(at(battle, "resources"), "requests")["cpu"] = cpuRequest
	at(region, "policies")["gatekeeper"] = map[string]any{"archive": l.Gatekeeper}
	at(region, "messaging")["archive"] = l.NATS
	// What watches a city would take the memory of two cities here; what it costs is measured in one.
	at(region, "monitoring")["enabled"] = false
	lobby := at(region, "lobby")
	lobby["archive"], lobby["playerKeysFile"] = l.Lobby, l.PlayerKeys
	file["encryptionsalt"] = l.Salt
	content, err := yaml.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("write region: %w", err)
	}
	return content, nil
}

// parseFile gives a stack file, and the region in it.
func parseFile(content []byte) (file, region map[string]any, err error) {
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, nil, fmt.Errorf("read region: %w", err)
	}
	settings, _ := file["config"].(map[string]any)
	region, ok := settings[regionKey].(map[string]any)
	if !ok {
		return nil, nil, fmt.Errorf("read region: the file has no config %s", regionKey)
	}
	return file, region, nil
}

// nodeName is a node's name on this machine, where those of all cities are one beside the other.
func nodeName(city, node string) string {
	if strings.HasPrefix(node, city+"-") {
		return node
	}
	return city + "-" + node
}

// nodesOf are the names of a region's nodes on this machine.
func nodesOf(region map[string]any) []string {
	var names []string
	for _, city := range listed(region, "cities") {
		for _, node := range listed(city, "nodes") {
			names = append(names, nodeName(fmt.Sprint(city["name"]), fmt.Sprint(node["name"])))
		}
	}
	return names
}

// remove takes out of a layer of settings what this machine has its own of.
func remove(layer map[string]any) {
	for _, path := range replaced {
		tree := layer
		for _, key := range path[:len(path)-1] {
			tree, _ = tree[key].(map[string]any)
		}
		delete(tree, path[len(path)-1])
	}
}

// at is a tree's branch, which is made where there is none.
func at(tree map[string]any, key string) map[string]any {
	branch, ok := tree[key].(map[string]any)
	if !ok {
		branch = map[string]any{}
		tree[key] = branch
	}
	return branch
}

// listed are the objects of a list.
func listed(tree map[string]any, key string) []map[string]any {
	list, _ := tree[key].([]any)
	var all []map[string]any
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

// sampleFile is the file of a sample region.
func sampleFile(root, region string) string {
	return filepath.Join(root, "stacks", "Pulumi."+region+".yaml")
}
