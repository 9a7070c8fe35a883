package config_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

// metro is a city, shanghai, with so many nodes and battle pods, in a region whose hub is another.
func metro(nodes, replicas int, edit func(city object)) object {
	tree := two()
	list := []any{}
	for i := range nodes {
		role := "agent"
		if i == 0 {
			role = "server"
		}
		list = append(list, object{"name": fmt.Sprintf("shanghai-%d", i+1), "host": fmt.Sprintf("host-%d", i+1), "role": role})
	}
	city := object{"name": "shanghai", "nodes": list}
	set(city, "battle.replicas", replicas)
	if edit != nil {
		edit(city)
	}
	tree["cities"] = []any{city, object{"name": "hub", "battle": object{"replicas": 1}, "nodes": []any{object{"name": "hub-1", "host": "hub-1"}}}}
	set(tree, "monitoring.hub.city", "hub")
	return tree
}

func TestMorePodsThanFit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		nodes, replicas int
		edit            func(city object)
		want            string
	}{
		"too few cores": {1, 50, nil,
			"replicas 50 x 200m = 10 cores, shanghai has 3.2 free on 1 node: at most 16, or 4 nodes"},
		"one too many": {1, 17, nil,
			"replicas 17 x 200m = 3.4 cores, shanghai has 3.2 free on 1 node: at most 16, or 2 nodes"},
		"too few cores on several nodes": {3, 100, nil,
			"replicas 100 x 200m = 20 cores, shanghai has 10 free on 3 nodes: at most 50, or 6 nodes"},
		"too little memory": {1, 10, func(c object) {
			set(c, "battle.resources.requests.memory", "1Gi")
			set(c, "battle.resources.limits.memory", "1Gi")
			set(c, "policies.maxLimits.memory", "1Gi")
		}, "replicas 10 x 1Gi = 10.0Gi, shanghai has 6.4Gi free on 1 node: at most 6, or 2 nodes"},
		"more than a kubelet runs": {1, 150, func(c object) {
			set(c, "battle.resources.requests", object{"cpu": "10m", "memory": "16Mi"})
		}, "replicas 150, shanghai has room for 100 pods on 1 node: at most 100, or 2 nodes"},
		"a kubelet with a limit of its own": {2, 25, func(c object) {
			set(c, "k3s.kubeletArgs", []any{"max-pods=50", "max-pods=20"})
		}, "replicas 25, shanghai has room for 20 pods on 2 nodes: at most 20, or 3 nodes"},
		"nodes of different sizes": {2, 40, func(c object) {
			set(at(c, "nodes", 0), "size.cpu", "2")
		}, "replicas 40 x 200m = 8 cores, shanghai has 4.6 free on 2 nodes: at most 23, or 3 nodes"},
		"a further node is like the roomiest, wherever it stands": {2, 40, func(c object) {
			set(at(c, "nodes", 1), "size.cpu", "2")
		}, "replicas 40 x 200m = 8 cores, shanghai has 4.6 free on 2 nodes: at most 23, or 4 nodes"},
		"enough in all, but in parts that are too small": {2, 7, func(c object) {
			set(c, "battle.resources.requests.cpu", "1")
			set(c, "size.cpu", "4300m")
		}, "replicas 7, shanghai has room for 6 pods on 2 nodes: at most 6, or 3 nodes"},
		"no room at all": {1, 1, func(c object) {
			set(c, "size.cpu", "500m")
		}, "replicas 1 x 200m = 0.2 cores, shanghai has 0 free on 1 node: at most 0, or smaller requests, or larger nodes"},
		"a reserve that is larger": {1, 16, func(c object) {
			set(at(c, "nodes", 0), "k3s.reserve.cpu", "1")
		}, "replicas 16 x 200m = 3.2 cores, shanghai has 2.6 free on 1 node: at most 13, or 2 nodes"},
		"services that need more": {3, 50, func(c object) {
			set(c, "services.reserve.cpu", "500m")
		}, "replicas 50 x 200m = 10 cores, shanghai has 9.7 free on 3 nodes: at most 48, or 4 nodes"},
		"services are on the first server alone, by its name": {2, 33, func(c object) {
			at(c, "nodes", 0)["role"], at(c, "nodes", 1)["role"] = "agent", "server"
			set(c, "services.reserve.cpu", "1")
		}, "replicas 33 x 200m = 6.6 cores, shanghai has 5.8 free on 2 nodes: at most 29, or 3 nodes"},
		"monitoring that needs more": {1, 16, func(c object) {
			set(c, "monitoring.reserve.cpu", "500m")
		}, "replicas 16 x 200m = 3.2 cores, shanghai has 2.9 free on 1 node: at most 14, or 2 nodes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.ParseWithoutFiles(raw(metro(tt.nodes, tt.replicas, tt.edit)))
			require.ErrorContains(t, err, "\n  cities[0].battle.replicas: "+tt.want)
		})
	}
}

func TestRooms(t *testing.T) {
	t.Parallel()
	c := parse(t, metro(3, 30, func(c object) {
		set(at(c, "nodes", 1), "size", object{"cpu": 8, "memory": "4Gi"})
		set(at(c, "nodes", 2), "k3s.kubeletArgs", []any{"max-pods=15"})
	})).Cities[0]
	require.Equal(t, []config.Room{
		{Node: "shanghai-1", CPU: 3200, Memory: (8192 - 1280 - 350) << 20, Pods: 16, Bound: "cpu"},
		{Node: "shanghai-2", CPU: 7400, Memory: (4096 - 880 - 350) << 20, Pods: 11, Bound: "memory"},
		{Node: "shanghai-3", CPU: 3400, Memory: (8192 - 880 - 350) << 20, Pods: 5, Bound: "pods"},
	}, c.Rooms())
	require.Equal(t, 32, c.Fits())
}

// The hub's share is kept free on its first server, and nowhere else.
func TestRoomOfTheHub(t *testing.T) {
	t.Parallel()
	tree := metro(2, 10, nil)
	set(tree, "monitoring.hub.city", "shanghai")
	r := parse(t, tree)
	require.Equal(t, []config.Room{
		{Node: "shanghai-1", CPU: 3000, Memory: (8192 - 1280 - 350 - 900) << 20, Pods: 15, Bound: "cpu"},
		{Node: "shanghai-2", CPU: 3400, Memory: (8192 - 880 - 350) << 20, Pods: 17, Bound: "cpu"},
	}, r.Cities[0].Rooms())
	set(tree, "monitoring.enabled", false)
	require.Equal(t, int64(3400), parse(t, tree).Cities[0].Rooms()[0].CPU, "who is not watched needs no room for it")
}

// docs/operations.md shows these settings.
func TestTwoThousandPodsOnOneNode(t *testing.T) {
	t.Parallel()
	c := parse(t, metro(1, 2000, func(c object) {
		set(c, "size.memory", "72Gi")
		set(c, "k3s.kubeletArgs", []any{"max-pods=2010"})
		set(c, "battle.ports", object{"first": 20000, "last": 24999})
		set(c, "battle.resources.requests", object{"cpu": "1m", "memory": "32Mi"})
	})).Cities[0]
	require.Equal(t, 2000, c.Fits())
}

func TestUnits(t *testing.T) {
	t.Parallel()
	require.Equal(t, "3.2", config.Cores(3200))
	require.Equal(t, "10", config.Cores(10000))
	require.Equal(t, "0.05", config.Cores(50))
	require.Equal(t, "6.4Gi", config.GiB(6562<<20))
	require.Equal(t, "0.0Gi", config.GiB(0))
}
