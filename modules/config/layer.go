package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/go-viper/mapstructure/v2"
)

// decodeRegion decodes in layers: the region's settings over the defaults, a city's over a copy of the region's, a node's over a copy of
// the city's. What follows from other settings is filled in when all layers are in place.
func decodeRegion(tree map[string]any) (*Region, problems) {
	var found problems
	unknownKeys("", tree, reflect.TypeFor[Region](), &found)
	r := &Region{Settings: Defaults()}
	yield(&r.Settings, tree)
	decode("", without(tree, "cities"), r, &found)
	cities, ok := tree["cities"].([]any)
	if !ok && tree["cities"] != nil {
		decode("", map[string]any{"cities": tree["cities"]}, r, &found)
	}
	for i, item := range cities {
		path := fmt.Sprintf("cities[%d]", i)
		object, ok := item.(map[string]any)
		if !ok {
			found.add(path, "an object is wanted, not %s", valueName(item))
			continue
		}
		r.Cities = append(r.Cities, decodeCity(path, object, r.Settings, &found))
	}
	r.complete()
	r.appointHub()
	return r, found
}

func decodeCity(path string, tree map[string]any, region Settings, found *problems) City {
	c := City{Settings: region, own: tree}
	yield(&c.Settings, tree)
	decode(path, without(tree, "nodes"), &c, found)
	nodes, ok := tree["nodes"].([]any)
	if !ok && tree["nodes"] != nil {
		decode(path, map[string]any{"nodes": tree["nodes"]}, &c, found)
	}
	for j, item := range nodes {
		at := fmt.Sprintf("%s.nodes[%d]", path, j)
		object, ok := item.(map[string]any)
		if !ok {
			found.add(at, "an object is wanted, not %s", valueName(item))
			continue
		}
		n := Node{NodeSettings: c.forNodes(), own: object}
		yieldShim(&n.Wasm, object)
		yieldMirror(&n.K3s.Mirror, object)
		decode(at, object, &n, found)
		n.complete()
		c.Nodes = append(c.Nodes, n)
	}
	if len(c.Nodes) == 1 {
		or(&c.Nodes[0].Role, RoleServer)
	}
	c.complete()
	return c
}

// forNodes are the settings that the city's nodes begin with.
func (s Settings) forNodes() NodeSettings {
	return NodeSettings{SSH: s.SSH, Size: s.Size, K3s: s.K3s.NodeK3s, Wasm: s.Wasm, Prices: s.Prices}
}

// yield takes back what the layers before have said where this one says the opposite: of an archive and an image only one can be.
func yield(s *Settings, tree map[string]any) {
	yieldShim(&s.Wasm, tree)
	yieldSource(&s.Battle.Source, tree, "battle")
	yieldSource(&s.Battle.PortAllocator, tree, "battle.portAllocator")
	yieldSource(&s.Lobby.Source, tree, "lobby")
	yieldSource((*Source)(&s.Messaging.Upstream), tree, "messaging")
	yieldSource((*Source)(&s.Policies.Gatekeeper), tree, "policies.gatekeeper")
	m := &s.Monitoring
	yieldSource((*Source)(&m.Prometheus.Upstream), tree, "monitoring.prometheus")
	yieldSource((*Source)(&m.NodeExporter), tree, "monitoring.nodeExporter")
	yieldSource((*Source)(&m.NATSExporter), tree, "monitoring.natsExporter")
	yieldSource((*Source)(&m.LogShipper), tree, "monitoring.logShipper")
	yieldSource(&m.Hub.Gateway, tree, "monitoring.hub.gateway")
	yieldSource((*Source)(&m.Hub.Loki.Upstream), tree, "monitoring.hub.loki")
	yieldSource((*Source)(&m.Hub.Alertmanager.Upstream), tree, "monitoring.hub.alertmanager")
	yieldSource((*Source)(&m.Hub.Grafana.Upstream), tree, "monitoring.hub.grafana")
	yieldMirror(&s.K3s.Mirror, tree)
}

func yieldSource(s *Source, tree map[string]any, path string) {
	if has(tree, path+".archive") || has(tree, path+".image") {
		*s = Source{}
	}
}

// yieldShim leaves the shim to the layer that chooses its engine.
func yieldShim(w *Wasm, tree map[string]any) {
	if has(tree, "wasm.engine") {
		w.Shim = Shim{}
	}
}

func yieldMirror(m *Mirror, tree map[string]any) {
	if has(tree, "k3s.mirror.url") || has(tree, "k3s.mirror.urlFile") {
		m.URL, m.URLFile = "", ""
	}
}

// decode writes the tree over into, whose values stay where the tree has none.
func decode(path string, tree map[string]any, into any, found *problems) {
	dec, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result:     into,
		DecodeHook: durationHook,
		// A list replaces the one of the layer before, which must stay as it was for others.
		ZeroFields: true,
		// The keys are those of the documentation to the letter: `Replicas` is a mistake, not a spelling.
		MatchName: func(key, field string) bool { return key == field },
	})
	if err != nil {
		*found = append(*found, err)
		return
	}
	for _, problem := range decodeProblems(dec.Decode(tree)) {
		if path != "" {
			problem = fmt.Errorf("%s.%w", path, problem)
		}
		*found = append(*found, problem)
	}
}

// without is the object without one key.
func without(tree map[string]any, key string) map[string]any {
	rest := make(map[string]any, len(tree))
	for k, v := range tree {
		if k != key {
			rest[k] = v
		}
	}
	return rest
}

// withoutNulls removes what is null from the object, at every depth: in YAML that is a key whose value was left out.
func withoutNulls(tree map[string]any) {
	for key, value := range tree {
		switch v := value.(type) {
		case nil:
			delete(tree, key)
		case map[string]any:
			withoutNulls(v)
		case []any:
			for _, item := range v {
				if object, ok := item.(map[string]any); ok {
					withoutNulls(object)
				}
			}
		}
	}
}

// has tells whether the object has the key, such as `battle.ports.first`. Indexes of lists do not count.
func has(tree map[string]any, path string) bool {
	var at any = tree
	for key := range strings.SplitSeq(path, ".") {
		key, _, _ = strings.Cut(key, "[")
		object, ok := at.(map[string]any)
		if !ok {
			return false
		}
		if at, ok = object[key]; !ok {
			return false
		}
	}
	return true
}
