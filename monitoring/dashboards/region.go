package dashboards

import "github.com/edge-arena/edge-arena/monitoring"

func region() board {
	t := monitoring.Objectives()
	const each = "{{city}}"
	return board{
		file: "region", title: "Region", description: "The cities of a region beside each other.", variables: regionAndCity(), from: "now-3h",
		rows: []row{
			{"Players", []panel{
				graph("Players", "none", "Players in battles, bots that measure included.", q(`city:battle_players:sum{@city}`, each)),
				graph("Rooms in use", "percentunit", "The share of a city's rooms that have a battle. At 100 % players are turned away.",
					q(`city:battle_rooms:sum{@city} / city:battle_rooms_limit:sum{@city}`, each)).below(0.9).asShare(),
				graph("Battles ended", "ops", "Battles that end in a second, by how. Finished ones were played to their end; drained ones had to make room for a roll-out.",
					q(`sum by (city, outcome) (city:battle_battles_ended:rate5m{@city})`, each+" {{outcome}}")),
			}},
			{"Promises", []panel{
				graph("RTT P50", "s", "What half of the inputs wait for their answer at least, seen by the battle pods. Promised are "+ms(t.RTTP50.Limit)+".",
					q(`city:battle_rtt_seconds:quantile5m{quantile="0.5",@city}`, each)).below(t.RTTP50.Limit),
				graph("RTT P99", "s", "What one in a hundred inputs waits at least. Promised are "+ms(t.RTTP99.Limit)+".",
					q(`city:battle_rtt_seconds:quantile5m{quantile="0.99",@city}`, each)).below(t.RTTP99.Limit),
				graph("RTT P999", "s", "What one in a thousand inputs waits at least. Promised are "+ms(t.RTTP999.Limit)+".",
					q(`city:battle_rtt_seconds:quantile5m{quantile="0.999",@city}`, each)).below(t.RTTP999.Limit),
				graph("Slowest pod", "hertz", "The ticks a second of each city's slowest pod. Promised are 120.", q(`city:battle_tick_rate:min{@city}`, each)).above(t.LeastTickRate),
				graph("Budget spent", "percentunit", "How much of what may go wrong in 30 days has gone wrong. At 100 % nothing is rolled out that is not a mend.",
					q(`city:slo_budget_spent:ratio30d{@city}`, each+" {{objective}}")).colored(spentSteps()...),
				graph("Region's bad events", "percentunit", "The share of bad events in the last hour, all cities together, by promise.",
					q(`region:slo_error_ratio:rate1h{@region}`, "{{region}} {{objective}}")),
			}},
			{"Room and machines", []panel{
				graph("Battle pods that answer", "none", "A dip is a roll-out, a crash or a lost node.", q(`city:battle_pods_up:sum{@city}`, each)),
				graph("Processors in use", "percentunit", "The share of the processors of a city's nodes that is in use. Containers use 30 %, the case promises 85 %.",
					q(`1 - avg by (region, city) (rate(node_cpu_seconds_total{mode="idle",@city}[$__rate_interval]))`, each)).asShare(),
				graph("Memory in use", "percentunit", "The share of the memory of a city's nodes that is in use.",
					q(`1 - sum by (region, city) (node_memory_MemAvailable_bytes{@city}) / sum by (region, city) (node_memory_MemTotal_bytes{@city})`, each)).below(0.9).asShare(),
			}},
			{"The way to the hub", []panel{
				graph("Metrics behind", "s", "How far the newest sample that the hub has of a city is behind. It grows while the WAN is cut, and falls when what waited is sent.",
					q(`max by (region, city) (time() - timestamp(up{job="prometheus",@city}))`, each)).below(120).wide(12),
				graph("Log lines shipped", "ops", "Lines that a city's log shipper has handed to Loki in a second.",
					q(`sum by (region, city) (rate(otelcol_exporter_sent_log_records{@city}[$__rate_interval]))`, each)).wide(12),
			}},
			{"What fires", []panel{alerts("@city")}},
		},
	}
}
