package dashboards

import "github.com/edge-arena/edge-arena/monitoring"

// quantile is a percentile of a histogram of the battle pods.
func quantile(of, metric string) string {
	return `histogram_quantile(` + of + `, sum by (le) (rate(` + metric + `_bucket{@battle}[$__rate_interval])))`
}

func battle() board {
	t := monitoring.Objectives()
	const each = "{{pod}}"
	return board{
		file: "battle", title: "Battle pod", description: "The tick loop of battle pods, and what goes in and out of them.", variables: append(regionAndCity(), podVariable()),
		rows: []row{
			{"The tick", []panel{
				heat("Tick time", "s", "How long ticks take, packets apart. A tick has 8.3 ms; a pod with room to spare stays below 2.",
					q(`sum by (le) (rate(battle_tick_duration_seconds_bucket{@battle}[$__rate_interval]))`, "")),
				heat("Tick lateness", "s", "How late ticks start. Up to 4 ms count as on time; beyond that players see the game stutter.",
					q(`sum by (le) (rate(battle_tick_lateness_seconds_bucket{@battle}[$__rate_interval]))`, "")),
				graph("Tick rate", "hertz", "Ticks a second of each pod, those included that it rests through while nobody plays.", q(`pod:battle_tick_rate:rate1m{@pod}`, each)).above(t.LeastTickRate),
				graph("Tick time and lateness, P99", "s", "What one in a hundred ticks takes, and is late, at least.",
					q(quantile("0.99", "battle_tick_duration_seconds"), "time"), q(quantile("0.99", "battle_tick_lateness_seconds"), "lateness")),
				graph("Ticks left out", "ops", "Ticks in a second that came so late that they were not made up for. It should be nothing.",
					q(`sum by (pod) (rate(battle_ticks_skipped_total{@battle}[$__rate_interval]))`, each)),
			}},
			{"Players", []panel{
				graph("Players", "none", "Players in the pod's rooms.", q(`battle_players{@battle}`, each)),
				graph("Rooms", "none", "Rooms with a battle.", q(`battle_rooms{@battle}`, each)),
				graph("Tick budget", "percentunit", "How much of a tick's time ticks need, at P95. Above its limit a pod takes no more battles.", q(`battle_tick_budget_ratio{@battle}`, each)).colored(step{0, green}, step{1, red}),
				graph("Overloaded", "bool_yes_no", "Whether the pod takes no more battles because its ticks need too much of their time.", q(`battle_overloaded{@battle}`, each)).asShare(),
				graph("Rooms refused", "ops", "Battles in a second that were not begun because the pod had no room.", q(`sum by (pod) (rate(battle_rooms_refused_total{@battle}[$__rate_interval]))`, each)),
				heat("Round trips", "s", "What players wait from an input to its answer, seen by the pod: the network both ways, and the wait for the tick, which is 4.2 ms on average.",
					q(`sum by (le) (rate(battle_rtt_seconds_bucket{@battle}[$__rate_interval]))`, "")),
				graph("Round trips, percentiles", "s", "Percentiles of the same. Promised are "+ms(t.RTTP50.Limit)+", "+ms(t.RTTP99.Limit)+" and "+ms(t.RTTP999.Limit)+".",
					q(quantile("0.5", "battle_rtt_seconds"), "P50"), q(quantile("0.99", "battle_rtt_seconds"), "P99"), q(quantile("0.999", "battle_rtt_seconds"), "P999"),
					q(quantile("0.99", "battle_input_wait_seconds"), "P99 of the wait for the tick alone")).wide(12).tall(9),
			}},
			{"Packets", []panel{
				graph("Received", "pps", "Datagrams received in a second by kind.", q(`sum by (kind) (rate(battle_packets_received_total{@battle}[$__rate_interval]))`, "{{kind}}")),
				graph("Sent", "pps", "Datagrams sent in a second by kind.", q(`sum by (kind) (rate(battle_packets_sent_total{@battle}[$__rate_interval]))`, "{{kind}}")),
				graph("Refused", "pps", "Datagrams in a second that were not taken, by why.", q(`sum by (reason) (rate(battle_packets_rejected_total{@battle}[$__rate_interval]))`, "{{reason}}")),
				graph("Inputs lost", "ops", "Inputs in a second that players sent and that did not become part of their battle.", q(`sum by (pod) (rate(battle_inputs_lost_total{@battle}[$__rate_interval]))`, each)),
				graph("Snapshot size", "bytes", "Half of the snapshots, and all but one in a hundred, are no larger. One that is larger than 1,200 bytes would be split on its way.",
					q(quantile("0.5", "battle_snapshot_bytes"), "P50"), q(quantile("0.99", "battle_snapshot_bytes"), "P99")),
				graph("Traffic", "Bps", "Bytes of datagrams in a second.", q(`sum(rate(battle_bytes_received_total{@battle}[$__rate_interval]))`, "received"), q(`sum(rate(battle_bytes_sent_total{@battle}[$__rate_interval]))`, "sent")),
				graph("Failed sends and receptions", "ops", "Datagrams in a second that the node did not take or give. It should be nothing.",
					q(`sum by (pod) (rate(battle_send_errors_total{@battle}[$__rate_interval]))`, each+" sends"), q(`sum by (pod) (rate(battle_receive_errors_total{@battle}[$__rate_interval]))`, each+" receptions")),
				graph("Silent players dropped", "ops", "Players in a second who were dropped because nothing came from them any more.", q(`sum by (pod) (rate(battle_players_idle_total{@battle}[$__rate_interval]))`, each)),
				graph("Log lines dropped", "ops", "Lines in a second that were not written because too many came between two ticks.", q(`sum by (pod) (rate(battle_log_lines_dropped_total{@battle}[$__rate_interval]))`, each)),
				graph("HTTP answers", "reqps", "Probes, scrapes and others by class of status.", q(`sum by (code) (rate(battle_http_requests_total{@battle}[$__rate_interval]))`, "{{code}}")),
			}},
			{"Memory and processor", []panel{
				graph("Garbage collections", "ops", "Collections in a second inside the Wasm guest.", q(`sum by (pod) (rate(battle_gc_cycles_total{@battle}[$__rate_interval]))`, each)),
				graph("Time lost to collections", "percentunit", "The share of time in which the guest stood still for its collector.", q(`sum by (pod) (rate(battle_gc_pause_seconds_total{@battle}[$__rate_interval]))`, each)),
				graph("Heap", "bytes", "The guest's heap.", q(`battle_heap_bytes{@battle}`, each)),
				graph("Processor", "none", "Cores in use. The limit is 1.", q(`pod:container_cpu_cores:rate5m{@pod}`, each)).below(monitoring.Pod().Cores),
				graph("Memory", "bytes", "Memory in use, runtime and shim's share included. The limit is 512 MiB.", q(`pod:container_memory_working_set_bytes:sum{@pod}`, each)).below(monitoring.Pod().MemoryBytes),
				graph("Held back", "percentunit", "The share of processor periods in which the pod had used up its limit and had to wait.",
					q(`sum by (pod) (rate(container_cpu_cfs_throttled_periods_total{container!="",@pod}[$__rate_interval])) / (sum by (pod) (rate(container_cpu_cfs_periods_total{container!="",@pod}[$__rate_interval])) > 0) and on (pod) battle_rooms{@battle}`, each)),
			}},
			{"Results", []panel{
				graph("Results that wait", "none", "Results that JetStream has not acknowledged. 256 can wait.", q(`battle_results_pending{@battle}`, each)),
				graph("Results stored", "ops", "Results in a second that JetStream acknowledged, refused, and that were given up.",
					q(`sum(rate(battle_results_recorded_total{@battle}[$__rate_interval]))`, "stored"), q(`sum(rate(battle_results_refused_total{@battle}[$__rate_interval]))`, "refused"), q(`sum(rate(battle_results_lost_total{@battle}[$__rate_interval]))`, "lost")),
				graph("Connected to NATS", "bool_yes_no", "Whether the pod can publish.", q(`battle_nats_connected{@battle}`, each)).asShare(),
			}},
		},
	}
}
