package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

// region parses a region of which only the cities and what else is said are of interest.
func region(t *testing.T, more, cities string) *config.Region {
	t.Helper()
	image := "r.example/a@sha256:" + strings.Repeat("0a", 32)
	r, err := config.ParseWithoutFiles(fmt.Appendf(nil, `{"name": "east", "lobby": {"image": %q, "playerKeysFile": "k", "issuer": "i"}, "monitoring": {"hub": {"gateway": {"image": %q}}}, %s "cities": [%s]}`, image, image, more, strings.ReplaceAll(cities, "IMAGES",
		fmt.Sprintf(`"image": %q, "portAllocator": {"image": %q}`, image, image))))
	require.NoError(t, err)
	return r
}

func TestOf(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		city string
		want City
	}{
		// An edge box of 4 cores and 8 GiB, which is the region's hub, keeps 400m + 200m + 200m + 200m and 880Mi + 350Mi + 400Mi + 900Mi free: 3 cores and
		// 5662Mi are left. Battle pods of 200m and 256Mi: 3000/200 = 15 by CPU, 5662/256 = 22 by memory.
		// Containers of 2 cores and 2 GiB: 3000/2000 = 1 by CPU, 5662/2048 = 2 by memory. So 10 of them need 10 nodes: 400, of which 40 is a tenth.
		"one edge box": {
			city: `{"name": "a", "nodes": [{"name": "n", "host": "h"}], "battle": {IMAGES}}`,
			want: City{
				Name: "a",
				Totals: Totals{
					Cities: 1, Nodes: 1, Pods: 10, Fit: 15, Free: 5,
					Cost:      Cost{Month: 40, ContainerNodes: 10, ContainerMonth: 400, Saving: 90},
					StorageMB: 500, ContainerStorageMB: 2000,
				},
				Bound: "cpu", Rooms: []Room{{Node: "n", CPU: 3000, Memory: 5662 << 20, Fit: 15, Bound: "cpu"}},
			},
		},
		// The first node: 8 - 1 = 7 cores, 4 GiB - 2530Mi = 1566Mi: pods 35 by CPU, 6 by memory; a container does not fit, and is held nevertheless.
		// The second, which has neither services nor the hub: 3.4 cores and 6962Mi: 17 pods, 1 container. 20 containers: 1 on the first at 100, and 19 like the second at 50: 1050.
		// 150 instead of 1050 saves 900/1050 = 85.714 %.
		"nodes that differ": {
			city: `{"name": "a", "battle": {"replicas": 20, IMAGES}, "nodes": [
				{"name": "n1", "host": "h1", "role": "server", "size": {"cpu": "8", "memory": "4Gi"}, "prices": {"nodeMonth": 100}},
				{"name": "n2", "host": "h2", "role": "agent", "prices": {"nodeMonth": 50}}]}`,
			want: City{
				Name: "a",
				Totals: Totals{
					Cities: 1, Nodes: 2, Pods: 20, Fit: 23, Free: 3,
					Cost:      Cost{Month: 150, ContainerNodes: 20, ContainerMonth: 1050, Saving: 100 * 900. / 1050},
					StorageMB: 1000, ContainerStorageMB: 4000,
				},
				Bound: "memory, cpu",
				Rooms: []Room{
					{Node: "n1", CPU: 7000, Memory: 1566 << 20, Fit: 6, Bound: "memory"}, {Node: "n2", CPU: 3400, Memory: 6962 << 20, Fit: 17, Bound: "cpu"},
				},
			},
		},
		// 64 - 1 = 63 cores, 128 GiB - 2530Mi = 128542Mi: 315 pods by CPU, 502 by memory, but 110 - 10 = 100 by the kubelet.
		// Containers: 31 by CPU, 62 by memory: 100 of them need 4 nodes, 3 of 31 and one of 7. 300 instead of 1200 saves 75 %.
		"the kubelet's limit": {
			city: `{"name": "a", "nodes": [{"name": "n", "host": "h"}], "size": {"cpu": "64", "memory": "128Gi"}, "prices": {"nodeMonth": 300},
				"battle": {"replicas": 100, IMAGES}}`,
			want: City{
				Name: "a",
				Totals: Totals{
					Cities: 1, Nodes: 1, Pods: 100, Fit: 100,
					Cost:      Cost{Month: 300, ContainerNodes: 4, ContainerMonth: 1200, Saving: 75},
					StorageMB: 5000, ContainerStorageMB: 20000,
				},
				Bound: "pods", Rooms: []Room{{Node: "n", CPU: 63000, Memory: 128542 << 20, Fit: 100, Bound: "pods"}},
			},
		},
		// 2 - 1 = 1 core holds no container, so one node is reckoned for each of the 5; 1000/200 = 5 pods fit.
		"a node too small for a container": {
			city: `{"name": "a", "nodes": [{"name": "n", "host": "h"}], "size": {"cpu": "2"}, "battle": {"replicas": 5, IMAGES}}`,
			want: City{
				Name: "a",
				Totals: Totals{
					Cities: 1, Nodes: 1, Pods: 5, Fit: 5,
					Cost:      Cost{Month: 40, ContainerNodes: 5, ContainerMonth: 200, Saving: 80},
					StorageMB: 250, ContainerStorageMB: 1000,
				},
				Bound: "cpu", Rooms: []Room{{Node: "n", CPU: 1000, Memory: 5662 << 20, Fit: 5, Bound: "cpu"}},
			},
		},
		// Three servers for two pods: containers would do with two nodes. 120 instead of 80 is half as much again.
		"more nodes than needed": {
			city: `{"name": "a", "battle": {"replicas": 2, IMAGES}, "nodes": [
				{"name": "n1", "host": "h1", "role": "server"}, {"name": "n2", "host": "h2", "role": "server"}, {"name": "n3", "host": "h3", "role": "server"}]}`,
			want: City{
				Name: "a",
				Totals: Totals{
					Cities: 1, Nodes: 3, Pods: 2, Fit: 49, Free: 47,
					Cost:      Cost{Month: 120, ContainerNodes: 2, ContainerMonth: 80, Saving: -50},
					StorageMB: 100, ContainerStorageMB: 400,
				},
				Bound: "cpu",
				Rooms: []Room{
					{Node: "n1", CPU: 3000, Memory: 5662 << 20, Fit: 15, Bound: "cpu"}, {Node: "n2", CPU: 3400, Memory: 6962 << 20, Fit: 17, Bound: "cpu"},
					{Node: "n3", CPU: 3400, Memory: 6962 << 20, Fit: 17, Bound: "cpu"},
				},
			},
		},
		"for nothing": {
			city: `{"name": "a", "nodes": [{"name": "n", "host": "h"}], "prices": {"nodeMonth": 0}, "battle": {"replicas": 1, IMAGES}}`,
			want: City{
				Name: "a", Totals: Totals{Cities: 1, Nodes: 1, Pods: 1, Fit: 15, Free: 14, Cost: Cost{ContainerNodes: 1}, StorageMB: 50, ContainerStorageMB: 200},
				Bound: "cpu", Rooms: []Room{{Node: "n", CPU: 3000, Memory: 5662 << 20, Fit: 15, Bound: "cpu"}},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Of(region(t, "", tt.city))
			require.Equal(t, []Wave{{Name: "rest", Totals: tt.want.Totals, Members: []City{tt.want}}}, got.Waves)
			require.Equal(t, tt.want.Totals, got.Totals)
			require.Equal(t, "USD", got.Currency)
		})
	}
}

// elevenCities has what a region may have: waves, an override of nearly everything, policies that are broken with leave.
func elevenCities(t *testing.T) *config.Region {
	t.Helper()
	var cities []string
	for i, name := range []string{"shanghai", "hangzhou", "nanjing", "suzhou", "ningbo", "wuxi", "hefei", "jinan", "qingdao", "xiamen", "fuzhou"} {
		more := ""
		switch name {
		case "shanghai":
			more = `, "prices": {"nodeMonth": 1250.5}, "battle": {"replicas": 60, IMAGES}, "size": {"cpu": "16", "memory": "32Gi"}`
		case "hefei":
			more = `, "offline": "skip", "slo": {"gate": {"enabled": false}}, "size": {"cpu": "2500m"}, "battle": {"replicas": 8, IMAGES}`
		case "wuxi":
			more = `, "policies": {"enforcement": "dryrun"}, "battle": {"tickRate": 60, IMAGES}, "slo": {"tickRate": 59}, "protect": false`
		case "xiamen":
			more = `, "policies": {"enforcement": "warn"}, "battle": {"resources": {"limits": {"cpu": "2"}}, IMAGES}, "prices": {"currency": "EUR"}`
		}
		cities = append(cities, fmt.Sprintf(`{"name": %q, "nodes": [{"name": "n1", "host": "h%d-1", "role": "server"},
			{"name": "n2", "host": "h%d-2", "role": "agent", "size": {"memory": "16Gi"}}]%s}`, name, i, i, more))
	}
	return region(t, `"canary": true, "waves": [{"name": "canary", "cities": ["suzhou"]}, {"name": "half", "percent": 50}], "battle": {"replicas": 20, `+
		`"image": "r.example/a@sha256:`+strings.Repeat("0a", 32)+`", "portAllocator": {"image": "r.example/a@sha256:`+strings.Repeat("0b", 32)+`"}},`,
		strings.Join(cities, ","))
}

func TestTable(t *testing.T) {
	t.Parallel()
	r := Of(elevenCities(t))
	other := Of(region(t, `"prices": {"currency": "EUR", "nodeMonth": 30},`, `{"name": "b", "nodes": [{"name": "n", "host": "h"}], "battle": {IMAGES}}`))
	var out strings.Builder
	r.Table(&out)
	for line := range strings.Lines(out.String()) {
		if strings.ContainsAny(line, "│┌└├") {
			require.LessOrEqual(t, len([]rune(strings.TrimRight(line, "\n"))), 120, line)
		}
	}
	other.Table(&out)
	Fleet(&out, []Region{r, other, other})
	golden(t, "table.golden", out.String())
}

func TestJSON(t *testing.T) {
	t.Parallel()
	content, err := json.MarshalIndent(Of(region(t, "", `{"name": "a", "nodes": [{"name": "n", "host": "h"}], "battle": {IMAGES}}`)), "", "  ")
	require.NoError(t, err)
	golden(t, "region.json.golden", string(content)+"\n")
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for amount, want := range map[float64]string{0: "0", 39.5: "40", 999: "999", 1000: "1,000", 1234567.4: "1,234,567"} {
		require.Equal(t, want, money(amount))
	}
}
