package dashboards

func services() board {
	return board{
		file: "services", title: "Lobby, NATS, ledger", description: "How players come in, and how results are kept.", variables: regionAndCity(),
		rows: []row{
			{"Lobby", []panel{
				graph("Joins", "reqps", "Requests to join in a second by what became of them.", q(`sum by (result) (rate(lobby_joins_total{@city}[$__rate_interval]))`, "{{result}}")),
				graph("Time to join", "s", "Half of the requests, and all but one in a hundred, are answered faster.",
					q(`histogram_quantile(0.5, sum by (le) (rate(lobby_join_duration_seconds_bucket{@city}[$__rate_interval])))`, "P50"),
					q(`histogram_quantile(0.99, sum by (le) (rate(lobby_join_duration_seconds_bucket{@city}[$__rate_interval])))`, "P99")).below(0.05),
				graph("Answers", "reqps", "Requests to the API in a second by status.", q(`sum by (route, code) (rate(lobby_http_requests_total{@city}[$__rate_interval]))`, "{{route}} {{code}}")),
				graph("Battle pods that the lobby sees", "none", "Pods that have said within 1.75 s that they are there, and those of them that are about to go.",
					q(`lobby_pods{@city}`, "{{city}} there"), q(`lobby_pods_draining{@city}`, "{{city}} about to go")),
				graph("Seats", "none", "Players in battles, and seats kept for players whose ticket is on its way.", q(`lobby_players{@city}`, "{{city}} taken"), q(`lobby_seats_reserved{@city}`, "{{city}} kept")),
				graph("Presences", "ops", "What battle pods say of themselves, in a second, by what became of it. Forged ones have a wrong signature.",
					q(`sum by (result) (rate(lobby_presences_total{@city}[$__rate_interval]))`, "{{result}}")),
				graph("Memory of the lobby", "bytes", "Memory that is in use, page cache left out.", q(`process_resident_memory_bytes{job="lobby",@city}`, "{{city}}")),
				graph("Processor of the lobby", "none", "Processor cores that are in use.", q(`rate(process_cpu_seconds_total{job="lobby",@city}[$__rate_interval])`, "{{city}}")),
				graph("Connected to NATS", "bool_yes_no", "Whether the lobby hears the battle pods, and whether its ledger reads results.",
					q(`lobby_nats_connected{@city}`, "{{city}} presences"), q(`lobby_results_connected{@city}`, "{{city}} results")).asShare(),
			}},
			{"Ledger", []panel{
				graph("Results recorded", "ops", "Results that came to the ledger in a second. Duplicates are sent again because an acknowledgement was lost; they count once.",
					q(`sum by (result) (rate(lobby_results_recorded_total{@city}[$__rate_interval]))`, "{{result}}")),
				graph("Results that wait", "none", "Results in the stream that are not yet in the ledger.", q(`lobby_results_lag{@city}`, "{{city}}")),
				graph("Way to the ledger", "s", "How long the last result took from the stream to the ledger.", q(`lobby_results_delay_seconds{@city}`, "{{city}}")),
				graph("Refused and missed", "ops", "Messages in a second that are no results, and results that the stream had forgotten before they were read.",
					q(`sum by (result) (rate(lobby_results_refused_total{@city}[$__rate_interval]))`, "{{result}}"), q(`sum(rate(lobby_results_missed_total{@city}[$__rate_interval]))`, "missed")),
				number("Last backup", "s", "Age of the newest good backup, and the longest time from one to the next that a stack file asks for.",
					q(`max(time() - lobby_ledger_last_backup_timestamp_seconds{@city})`, "age"), q(`max(edge_arena_city_ledger_backup_interval_seconds{@city})`, "asked for")).wide(4).tall(8),
				number("Backups, last day", "none", "Backups by whether they were good.", q(`sum by (result) (increase(lobby_ledger_backups_total{@city}[1d]))`, "{{result}}")).wide(4).tall(8),
			}},
			{"NATS", []panel{
				graph("Messages", "ops", "Messages in and out in a second.", q(`sum(rate(gnatsd_varz_in_msgs{@city}[$__rate_interval]))`, "in"), q(`sum(rate(gnatsd_varz_out_msgs{@city}[$__rate_interval]))`, "out")),
				graph("Traffic", "Bps", "Bytes in and out in a second.", q(`sum(rate(gnatsd_varz_in_bytes{@city}[$__rate_interval]))`, "in"), q(`sum(rate(gnatsd_varz_out_bytes{@city}[$__rate_interval]))`, "out")),
				graph("Connections", "none", "Clients: one for each battle pod, and the lobby's. Leaf connections go to the hub.",
					q(`sum(gnatsd_varz_connections{@city})`, "clients"), q(`sum(gnatsd_varz_leafnodes{@city})`, "leaf"), q(`sum(increase(gnatsd_varz_slow_consumers{@city}[$__rate_interval]))`, "cut off for being slow")),
				graph("Messages kept", "none", "Messages in each stream. Results stay for 7 days.", q(`sum by (stream_name) (jetstream_stream_total_messages{@city})`, "{{stream_name}}")),
				graph("Storage in use", "percentunit", "The share of JetStream's storage that is in use. When it is full no result is taken.",
					q(`sum by (region, city) (jetstream_stream_total_bytes{@city}) / sum by (region, city) (jetstream_server_max_storage{@city})`, "{{city}}")).below(0.8).asShare(),
				graph("Memory and processor of NATS", "bytes", "Memory that is in use, page cache left out.", q(`sum(gnatsd_varz_mem{@city})`, "memory")),
			}},
		},
	}
}
