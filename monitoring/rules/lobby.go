package rules

// lobby are the alerts on the way in.
func lobby() []alert {
	const down = `up{job="lobby"} == 0 or absent(up{job="lobby"})`
	return []alert{
		{
			name: "LobbyDown", severity: Page, expr: down, wait: "1m",
			summary:     "The lobby of city {{ $externalLabels.city }} is down",
			description: "It has not answered for a minute. Battles go on; nobody gets into a new one.",
		},
		{
			name: "LobbyJoinErrors", severity: Page, wait: "2m",
			expr:        `sum(rate(lobby_joins_total{job="lobby",result="error"}[5m])) / (sum(rate(lobby_joins_total{job="lobby"}[5m])) > 0) > 0.05`,
			summary:     "The lobby of city {{ $externalLabels.city }} fails at {{ $value | humanizePercentage }} of the requests to join",
			description: "The fault is the lobby's, not the players'.",
		},
		{
			name: "LobbyJoinsSlow", severity: Ticket, wait: "10m",
			expr:        `histogram_quantile(0.99, sum by (le) (rate(lobby_join_duration_seconds_bucket{job="lobby"}[5m]))) > 0.05`,
			summary:     "Joining takes {{ $value | humanizeDuration }} at P99 in city {{ $externalLabels.city }}",
			description: "For 10 minutes one in a hundred requests to join has taken more than 50 ms. It takes one or two on a node that has time.",
		},
		{
			name: "LobbyNATSDisconnected", severity: Page, expr: `max_over_time(lobby_nats_connected{job="lobby"}[30s]) == 0`, wait: "1m",
			summary:     "The lobby of city {{ $externalLabels.city }} has no connection to NATS",
			description: "It does not hear which battle pods are there, so it has no room to give. Battles go on.",
		},
		{
			name: "LobbySeesNoPods", severity: Page, expr: `max(lobby_pods{job="lobby"}) == 0 and on () sum(up{job="battle"}) > 0`, wait: "1m",
			summary:     "The lobby of city {{ $externalLabels.city }} sees none of the battle pods",
			description: "They answer Prometheus, but what they say over NATS does not reach the lobby or is refused. Nobody gets into a battle.",
		},
		{
			name: "JoinPolicyStale", severity: Ticket, expr: `lobby_policy_stale{job="lobby"} == 1`, wait: "2m",
			summary:     "The lobby of city {{ $externalLabels.city }} uses an old join policy: the new one is broken",
			description: "The file has a policy that does not compile or fails its tests. The one before stays in force.",
		},
		{
			name: "JoinPolicyErrors", severity: Page, expr: `sum(rate(lobby_policy_decisions_total{job="lobby",result="error"}[5m])) > 0`, wait: "2m",
			summary:     "The join policy of city {{ $externalLabels.city }} fails {{ $value | humanize }} times a second",
			description: "It cannot be evaluated for some players, and who cannot be judged is not let in.",
		},
		{
			name: "PlayerKeysRefused", severity: Ticket, expr: `increase(lobby_player_key_reloads_total{job="lobby",result="refused"}[30m]) > 0`,
			summary:     "The lobby of city {{ $externalLabels.city }} cannot read the new keys of players' tokens",
			description: "The keys before stay in force. Players whose tokens are signed by a new key are not let in.",
		},
		{
			name: "ForgedMessages", severity: Ticket,
			expr: `(sum(increase(lobby_presences_total{job="lobby",result="forged"}[15m])) or vector(0))
  + (sum(increase(lobby_results_refused_total{job="lobby",result="forged"}[15m])) or vector(0)) > 0`,
			summary:     "The lobby of city {{ $externalLabels.city }} has refused {{ $value | humanize }} messages with a wrong signature",
			description: "Somebody who may publish to NATS does not know the city's ticket key: a pod of an old generation of credentials, or an intruder.",
		},
	}
}

// ledger are the alerts on what is kept.
func ledger() []alert {
	return []alert{
		{
			name: "LedgerNotReading", severity: Ticket, expr: `max_over_time(lobby_results_connected{job="lobby"}[30s]) == 0`, wait: "2m",
			summary:     "The ledger of city {{ $externalLabels.city }} does not read the stream of results",
			description: "Results are safe in JetStream meanwhile. Players' battles stand as not recorded.",
		},
		{
			name: "LedgerBehind", severity: Ticket, expr: `min_over_time(lobby_results_lag{job="lobby"}[1m]) > 0`, wait: "10m",
			summary:     "The ledger of city {{ $externalLabels.city }} is {{ $value }} results behind",
			description: "It has not caught up with the stream in 10 minutes. The disk is slow, or results come faster than it can sync.",
		},
		{
			name: "LedgerResultsMissed", severity: Page, expr: `increase(lobby_results_missed_total{job="lobby"}[1h]) > 0`,
			summary:     "The ledger of city {{ $externalLabels.city }} has missed {{ $value | humanize }} results",
			description: "The stream had forgotten them before the ledger read them. They are in no ledger.",
		},
		{
			name: "LedgerMended", severity: Ticket, expr: `lobby_ledger_mended{job="lobby"} == 1`,
			summary:     "The ledger of city {{ $externalLabels.city }} was damaged or missing when the lobby started",
			description: "It was restored from a backup, and reads again what came later. The damaged file is kept beside it. The alert ends with the lobby's next start.",
		},
		{
			// One is made at the lobby's start, and then as often as the stack file says. One that is late is no reason yet, two are.
			name: "LedgerBackupOld", severity: Ticket, wait: "10m",
			expr: `time() - lobby_ledger_last_backup_timestamp_seconds{job="lobby"}
  > on () group_left () 2 * max(edge_arena_city_ledger_backup_interval_seconds) + 3600`,
			summary:     "The last backup of the ledger of city {{ $externalLabels.city }} is {{ $value | humanizeDuration }} old",
			description: "More than twice the time between two backups that the stack file asks for (`lobby.backups.every`). When the ledger is lost, what is older than the stream remembers comes from a backup.",
		},
		{
			name: "LedgerBackupFails", severity: Ticket, expr: `increase(lobby_ledger_backups_total{job="lobby",result="failed"}[6h]) > 0`,
			summary:     "A backup of the ledger of city {{ $externalLabels.city }} has failed",
			description: "In the last 6 hours. A backup that does not pass its integrity check counts as failed.",
		},
	}
}

// nats are the alerts on the message queue.
func nats() []alert {
	return []alert{
		{
			name: "NATSDown", severity: Page, expr: `up{job="nats"} == 0 or absent(up{job="nats"})`, wait: "1m",
			summary:     "NATS of city {{ $externalLabels.city }} is down",
			description: "For a minute. Battles go on; the lobby loses sight of the pods within two seconds and lets nobody in; results wait in the pods, 256 each.",
		},
		{
			name: "NATSStorageFull", severity: Ticket,
			expr: `sum(jetstream_stream_total_bytes{job="nats"}) / sum(jetstream_server_max_storage{job="nats"}) > 0.8`, wait: "10m",
			summary:     "JetStream of city {{ $externalLabels.city }} has used {{ $value | humanizePercentage }} of its storage",
			description: "When it is full it takes no more results.",
		},
		{
			name: "NATSSlowConsumers", severity: Ticket, expr: `increase(gnatsd_varz_slow_consumers{job="nats"}[15m]) > 0`,
			summary:     "NATS of city {{ $externalLabels.city }} has cut off {{ $value | humanize }} clients that read too slowly",
			description: "In the last 15 minutes. The lobby or a leaf connection does not keep up.",
		},
	}
}
