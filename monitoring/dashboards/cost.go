package dashboards

import (
	"fmt"
	"strconv"

	"github.com/edge-arena/edge-arena/monitoring"
)

func cost() board {
	container, pod := monitoring.Container(), monitoring.Pod()
	num := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	pods := `sum by (region, city) (city:battle_pods_up:sum{@city})`
	// saved is how much less the battle pods use than as many containers would be given.
	saved := func(used string, of float64) string {
		return fmt.Sprintf(`1 - sum by (region, city) (%s{@city}) / (%s * %s)`, used, pods, num(of))
	}
	return board{
		file: "cost", title: "Cost and utilization", variables: regionAndCity(), from: "now-6h",
		description: "What the cities take and cost, beside the case's containers: 2 cores, 2 GiB and 200 MB for each battle, of which 30 % are used.",
		rows: []row{
			{"Money", []panel{
				number("Nodes, a month", "none", "What the nodes cost a month, by the stack files' prices.", q(`sum by (currency) (edge_arena_city_node_cost{@city})`, "{{currency}}")).wide(6),
				number("The same as containers, a month", "none", "What the nodes would cost if each battle pod were a container of 2 cores and 2 GiB. `arena plan` reckons the same.",
					q(`sum by (currency) (edge_arena_city_container_node_cost{@city})`, "{{currency}}")).wide(6),
				number("Saved", "percentunit", "By how much the nodes are cheaper. The case promises 70 %. A city of one node cannot save: it needs a node in any case.",
					q(`1 - sum(edge_arena_city_node_cost{@city}) / sum(edge_arena_city_container_node_cost{@city})`, "")).above(monitoring.Saving).wide(6),
				number("Battle pods on a node", "none", "Battle pods on the average node.", q(`sum(city:battle_pods_up:sum{@city}) / count(node_memory_MemTotal_bytes{@city})`, "")).wide(6),
				graph("Saved, by city", "percentunit", "By how much each city is cheaper than containers.",
					q(`1 - sum by (region, city) (edge_arena_city_node_cost{@city}) / sum by (region, city) (edge_arena_city_container_node_cost{@city})`, "{{city}}")).above(monitoring.Saving).wide(12),
				graph("Cost of a player, a month", "none", "What the nodes cost a month for each player who is in a battle now.",
					q(`sum by (region, city) (edge_arena_city_node_cost{@city}) / on (region, city) (city:battle_players:sum{@city} > 0)`, "{{city}}")).wide(12),
			}},
			{"Utilization", []panel{
				graph("Processors of the nodes in use", "percentunit", "The case's containers use 30 %; promised are 85 %. A node whose battles must keep 120 ticks a second has less to give than one that only computes: see docs/benchmarks.md.",
					q(`1 - avg by (region, city) (rate(node_cpu_seconds_total{mode="idle",@city}[$__rate_interval]))`, "{{city}}")).
					colored(step{0, red}, step{container.Utilization, yellow}, step{pod.Utilization, green}).asShare(),
				graph("Memory of the nodes in use", "percentunit", "The share of the nodes' memory that is in use.",
					q(`1 - sum by (region, city) (node_memory_MemAvailable_bytes{@city}) / sum by (region, city) (node_memory_MemTotal_bytes{@city})`, "{{city}}")).asShare(),
				graph("Rooms in use", "percentunit", "The share of the rooms that have a battle.", q(`city:battle_rooms:sum{@city} / city:battle_rooms_limit:sum{@city}`, "{{city}}")).asShare(),
			}},
			{"A battle pod beside a container", []panel{
				graph("Cores", "none", "Cores that a battle pod uses on average. Its limit is 1; a container has 2.",
					q(`sum by (region, city) (city:battle_cpu_cores:sum{@city}) / `+pods, "{{city}}")).colored(step{0, green}, step{pod.Cores, yellow}, step{container.Cores, red}).wide(12),
				graph("Memory", "bytes", "Memory that a battle pod uses on average. Its limit is 512 MiB; a container has 2 GiB.",
					q(`sum by (region, city) (city:battle_memory_bytes:sum{@city}) / `+pods, "{{city}}")).colored(step{0, green}, step{pod.MemoryBytes, yellow}, step{container.MemoryBytes, red}).wide(12),
				graph("Cores saved", "percentunit", "How much less than 2 cores a battle pod uses.", q(saved("city:battle_cpu_cores:sum", container.Cores), "{{city}}")).above(monitoring.Saving).asShare().wide(12),
				graph("Memory saved", "percentunit", "How much less than 2 GiB a battle pod uses.", q(saved("city:battle_memory_bytes:sum", container.MemoryBytes), "{{city}}")).above(monitoring.Saving).asShare().wide(12),
			}},
			{"What watching costs", []panel{
				graph("Memory of monitoring", "bytes", "Memory of the namespace `monitoring`. In a city that is no hub it is to stay below 350 MiB.",
					q(`sum by (region, city) (container_memory_working_set_bytes{namespace="monitoring",container!="",@city})`, "{{city}}")).below(350 << 20).wide(12),
				graph("Processor of monitoring", "none", "Cores in use by the namespace `monitoring`. In a city that is no hub it is to stay below 0.2.",
					q(`sum by (region, city) (rate(container_cpu_usage_seconds_total{namespace="monitoring",container!="",@city}[$__rate_interval]))`, "{{city}}")).below(0.2).wide(12),
			}},
		},
	}
}
