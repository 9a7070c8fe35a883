package rules

// battlePods narrows cAdvisor's series to the battle pods, whatever their namespace is called.
const battlePods = ` and on (namespace, pod) up{job="battle"}`

// battleSeries are what dashboards of many cities and the hub's long memory read, so that they need not read each pod's.
func battleSeries() Group {
	g := Group{Name: "battle-series", Rules: []Rule{
		{Record: "city:battle_pods_up:sum", Expr: `sum(up{job="battle"})`},
		{Record: "city:battle_players:sum", Expr: `sum(battle_players{job="battle"})`},
		{Record: "city:battle_players_limit:sum", Expr: `sum(battle_players_limit{job="battle"})`},
		{Record: "city:battle_rooms:sum", Expr: `sum(battle_rooms{job="battle"})`},
		{Record: "city:battle_rooms_limit:sum", Expr: `sum(battle_rooms_limit{job="battle"})`},
		{Record: "city:battle_battles_ended:rate5m", Expr: `sum by (outcome) (rate(battle_battles_ended_total{job="battle"}[5m]))`},
		{Record: "pod:battle_tick_rate:rate1m", Expr: `sum by (namespace, pod, node) (rate(battle_ticks_total{job="battle"}[1m]))`},
		{Record: "city:battle_tick_rate:min", Expr: `min(pod:battle_tick_rate:rate1m)`},
		{
			Record: "pod:container_cpu_cores:rate5m",
			Expr:   `sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{job="cadvisor",container!=""}[5m]))` + battlePods,
		},
		{
			Record: "pod:container_memory_working_set_bytes:sum",
			Expr:   `sum by (namespace, pod) (container_memory_working_set_bytes{job="cadvisor",container!=""})` + battlePods,
		},
		{Record: "city:battle_cpu_cores:sum", Expr: `sum(pod:container_cpu_cores:rate5m)`},
		{Record: "city:battle_memory_bytes:sum", Expr: `sum(pod:container_memory_working_set_bytes:sum)`},
	}}
	for _, q := range []string{"0.5", "0.99", "0.999"} {
		g.Rules = append(g.Rules, Rule{
			Record: "city:battle_rtt_seconds:quantile5m", Labels: map[string]string{"quantile": q},
			Expr: `histogram_quantile(` + q + `, sum by (le) (rate(battle_rtt_seconds_bucket{job="battle"}[5m])))`,
		})
	}
	return g
}

// battle are the alerts on what players play on.
func battle() []alert {
	const pod = "pod {{ $labels.pod }} on {{ $labels.node }} of city {{ $externalLabels.city }}"
	return []alert{
		{
			// The promise is 10 s. Two scrapes in a row must have failed before a city counts as away, which takes 30 s, so what is seen here has lasted longer.
			name: "CityUnavailable", severity: Page, expr: badMoment + ` >= 0.5`, wait: "15s", labels: map[string]string{"objective": "recovery"},
			summary:     "City {{ $externalLabels.city }} takes no players in, and has not come back within the 10 s that are promised",
			description: "The lobby or all battle pods have not answered for 30 s or more, or at least half of the players who want to join are turned away.",
		},
		{
			name: "BattlePodDown", severity: Ticket, expr: `up{job="battle"} == 0`, wait: "1m",
			summary:     "Battle " + pod + " does not answer",
			description: "Kubernetes lists the pod as running, but its metrics have not been there for a minute. Its players have been thrown out, or play on a pod that nobody sees.",
		},
		{
			name: "BattlePodsMissing", severity: Ticket, wait: "5m",
			expr:        `max(edge_arena_city_battle_pods_desired) - (sum(up{job="battle"}) or vector(0)) > 0`,
			summary:     "City {{ $externalLabels.city }} has {{ $value }} battle pods too few",
			description: "Fewer battle pods answer than the stack file asks for, for 5 minutes. A roll-out does not lower their number. The city has less room for players.",
		},
		{
			name: "BattlePodNotTicking", severity: Page, wait: "1m",
			expr:        `pod:battle_tick_rate:rate1m < on (namespace, pod, node) 0.9 * battle_tick_rate{job="battle"}`,
			summary:     "Battle " + pod + " runs at {{ $value | humanize }} ticks a second",
			description: "The pod answers, but its battles run at less than nine tenths of their rate for a minute. Players see the game in slow motion.",
		},
		{
			name: "BattlePodLate", severity: Ticket, wait: "5m",
			expr:        `1 - rate(battle_tick_lateness_seconds_bucket{job="battle",le="0.004"}[5m]) / ignoring (le) (rate(battle_tick_lateness_seconds_count{job="battle"}[5m]) > 0) > 0.1`,
			summary:     "Battle " + pod + " starts {{ $value | humanizePercentage }} of its ticks late",
			description: "More than a tenth of the ticks of this one pod start 4 ms late or later, for 5 minutes: it gets too little processor, or has too many rooms.",
		},
		{
			name: "BattlePodOverloaded", severity: Ticket, expr: `min_over_time(battle_overloaded{job="battle"}[1m]) == 1`, wait: "10m",
			summary:     "Battle " + pod + " takes no more battles, because its ticks need too much of their time",
			description: "For 10 minutes. It refuses rooms that it would have, so that those it has come on time. The city has less room than its stack file says.",
		},
		{
			name: "BattlePodInterpreted", severity: Ticket, expr: `battle_interpreted{job="battle"} == 1`, wait: "2m",
			summary:     "Battle " + pod + " is interpreted: its node cannot run the native code of the image",
			description: "The pod plays, but its ticks need many times as much of the processor as they should, and it has room for far fewer battles.",
		},
		{
			name: "BattlePodRestarts", severity: Ticket, expr: `resets(battle_ticks_total{job="battle"}[30m]) >= 3`,
			summary:     "Battle " + pod + " has restarted {{ $value }} times in 30 minutes",
			description: "The battle server ends again and again, each time with the battles that it had.",
		},
		{
			name: "BattlePodMemoryHigh", severity: Ticket, wait: "10m",
			expr: `container_memory_working_set_bytes{job="cadvisor",container!=""} / (container_spec_memory_limit_bytes{job="cadvisor",container!=""} > 0) > 0.9` +
				battlePods,
			summary:     "Battle pod {{ $labels.pod }} of city {{ $externalLabels.city }} uses {{ $value | humanizePercentage }} of its memory limit",
			description: "At the limit the kernel ends the pod, and its battles with it.",
		},
		{
			name: "BattlePodThrottled", severity: Ticket, wait: "10m",
			expr: `rate(container_cpu_cfs_throttled_periods_total{job="cadvisor",container!=""}[5m])
  / (rate(container_cpu_cfs_periods_total{job="cadvisor",container!=""}[5m]) > 0) > 0.05` + battlePods,
			summary:     "Battle pod {{ $labels.pod }} of city {{ $externalLabels.city }} is held back in {{ $value | humanizePercentage }} of its processor periods",
			description: "The pod has used up its processor limit for 10 minutes, and waits for as long as the kernel says while ticks are due.",
		},
		{
			name: "PlayersTurnedAway", severity: Page, expr: `sum(rate(lobby_joins_total{job="lobby",result="no_room"}[2m])) > 0`, wait: "1m",
			summary:     "City {{ $externalLabels.city }} is full: {{ $value | humanize }} players a second are turned away",
			description: "No battle pod has a room for those who want to play.",
		},
		{
			name: "CityNearlyFull", severity: Ticket, expr: `city:battle_rooms:sum / city:battle_rooms_limit:sum > 0.9`, wait: "10m",
			summary:     "City {{ $externalLabels.city }} has {{ $value | humanizePercentage }} of its rooms in use",
			description: "For 10 minutes. When all are in use, players are turned away.",
		},
		{
			name: "InputsLost", severity: Ticket, wait: "10m",
			expr:        `sum(rate(battle_inputs_lost_total{job="battle"}[5m])) / (sum(rate(battle_packets_received_total{job="battle",kind="input"}[5m])) > 0) > 0.05`,
			summary:     "City {{ $externalLabels.city }} loses {{ $value | humanizePercentage }} of its players' inputs",
			description: "For 10 minutes, counted against the packets that came. Players feel shots and turns that did not happen.",
		},
		{
			name: "PacketsRefused", severity: Ticket, wait: "5m",
			expr:        `sum by (reason) (rate(battle_packets_rejected_total{job="battle"}[5m])) > 100`,
			summary:     "City {{ $externalLabels.city }} refuses {{ $value | humanize }} packets a second: {{ $labels.reason }}",
			description: "Somebody floods the battle pods, or many clients speak a version that the pods do not know.",
		},
		{
			name: "BattleSendErrors", severity: Ticket, expr: `sum by (namespace, pod, node) (rate(battle_send_errors_total{job="battle"}[5m])) > 1`, wait: "5m",
			summary:     "Battle " + pod + " fails to send {{ $value | humanize }} packets a second",
			description: "For 5 minutes: the node's network or its socket buffers give way. Players miss snapshots.",
		},
		{
			name: "BattleResultsPending", severity: Ticket, expr: `min_over_time(battle_results_pending{job="battle"}[1m]) > 0`, wait: "5m",
			summary:     "Battle " + pod + " has {{ $value }} results that nobody has taken",
			description: "For 5 minutes there has always been a result that JetStream has not acknowledged. Up to 256 wait; after that the oldest is lost.",
		},
		{
			name: "BattleResultsLost", severity: Page, expr: `increase(battle_results_lost_total{job="battle"}[15m]) > 0`,
			summary:     "Battle " + pod + " has given up {{ $value | humanize }} results of battles",
			description: "More than 256 results waited for NATS, and the oldest were dropped in the last 15 minutes. They are gone.",
		},
		{
			name: "BattleNATSDisconnected", severity: Ticket, expr: `max_over_time(battle_nats_connected{job="battle"}[30s]) == 0`, wait: "2m",
			summary:     "Battle " + pod + " has no connection to NATS",
			description: "For 2 minutes. The lobby does not see the pod, so it gets no new players; results wait in it.",
		},
	}
}
