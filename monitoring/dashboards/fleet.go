package dashboards

import "github.com/edge-arena/edge-arena/monitoring"

// place is each city that has been there in the last day, once, with its place on Earth.
const place = `max by (region, city, latitude, longitude) (last_over_time(edge_arena_city_info{@city}[1d]))`

// firing selects what fires and is wrong: a sign of life fires always.
const firing = `alertstate="firing",severity=~"page|ticket"`

// state is 2 where an alert pages, 1 where one writes a ticket, 0 where none fires.
const state = `(
    2 * (count by (region, city) (ALERTS{@city,alertstate="firing",severity="page"}) > bool 0)
  or
    (count by (region, city) (ALERTS{@city,` + firing + `}) > bool 0)
  or
    0 * max by (region, city) (last_over_time(edge_arena_city_info{@city}[1d]))
)`

func states() map[string]word {
	return map[string]word{"0": {"well", green}, "1": {"a ticket", yellow}, "2": {"paging", red}}
}

func stateSteps() []step { return []step{{0, green}, {1, yellow}, {2, red}} }

// spentSteps color a budget: 1 is all of it.
func spentSteps() []step { return []step{{0, green}, {0.5, yellow}, {1, red}} }

func fleet() board {
	t := monitoring.Objectives()
	return board{
		file: "fleet", title: "Fleet", description: "All cities: where something is wrong, and whether promises are kept.",
		variables: regionAndCity(), from: "now-6h",
		rows: []row{
			{"Now", []panel{
				number("Cities", "none", "Cities that have sent metrics in the last two minutes.", q(`sum(region:cities:count{@region})`, "")),
				number("Silent cities", "none", "Cities that have sent nothing for 3 minutes. They may well be playing: the WAN is what is missing.",
					q(`count(ALERTS{alertname="CitySilent",alertstate="firing",@city}) or vector(0)`, "")).below(1),
				number("Battle pods", "none", "Battle pods that answer.", q(`sum(city:battle_pods_up:sum{@city})`, "")),
				number("Players", "none", "Players in battles now, bots that measure included.", q(`sum(city:battle_players:sum{@city})`, "")),
				number("Battles a day", "none", "Battles that end in a day, if it goes on as in the last 5 minutes. The case's number is 500,000.",
					q(`sum(city:battle_battles_ended:rate5m{@city}) * 86400`, "")),
				number("Alerts that page", "none", "Alerts that somebody has been woken for.",
					q(`count(ALERTS{alertstate="firing",severity="page",@city}) or vector(0)`, "")).below(1),
			}},
			{"Where", []panel{
				worldMap("Cities", "none", "Each city at its place. Red is where an alert pages, yellow where one has written a ticket. A city without a location in its stack file is not on the map.",
					q(place+" * 0 + on (region, city) group_left () "+state, "")).colored(stateSteps()...).saying(states()),
				sloTable(),
			}},
			{"Promises", []panel{
				graph("RTT P99 by city", "s", "What one in a hundred inputs waits for its answer at least, seen by the battle pods. Promised are "+ms(t.RTTP99.Limit)+".",
					q(`city:battle_rtt_seconds:quantile5m{quantile="0.99",@city}`, "{{region}} {{city}}")).below(t.RTTP99.Limit).wide(12),
				graph("Slowest pod of each city", "hertz", "The ticks a second of the slowest pod. Promised are 120.",
					q(`city:battle_tick_rate:min{@city}`, "{{region}} {{city}}")).above(t.LeastTickRate).wide(12),
				graph("Bad moments by city", "percentunit", "The share of the last hour in which a city did not take players in, or had no battle for them.",
					q(`city:slo_error_ratio:rate1h{objective="availability",@city}`, "{{region}} {{city}}")).below(t.Availability.Budget()).wide(12),
				graph("Players by region", "none", "Players in battles.", q(`region:battle_players:sum{@region}`, "{{region}}")).wide(12),
			}},
			{"What fires", []panel{alerts("@city")}},
		},
	}
}

// sloTable has each promise of each city: how much of it was broken in the last hour, and how much of the month's budget that has cost.
func sloTable() panel {
	t := monitoring.Objectives()
	return table("Promises kept", "percentunit",
		"Each promise of each city. The budget is what may go wrong in 30 days; at 100 % it is spent. Two promises are a limit on each time and have no budget: the worst of a day is the slowest cold start that `arena slo --cold-starts` has found at P99, and the longest failure, 0 where none was seen. The last column is what was measured by bots from outside within a day.",
		[]column{
			{field: "region", title: "Region"}, {field: "city", title: "City"}, {field: "objective", title: "Promise"},
			{field: "Value #A", title: "Bad in the last hour", unit: "percentunit"},
			{field: "Value #B", title: "Budget spent", unit: "percentunit", steps: spentSteps()},
			{field: "Value #C", title: "Worst of a day", unit: "s"},
			{field: "Value #D", title: "From outside", unit: "none", words: map[string]word{"0": {"missed", red}, "1": {"met", green}}},
		},
		q(`max by (region, city, objective) (city:slo_error_ratio:rate1h{@city})`, ""),
		q(`max by (region, city, objective) (city:slo_budget_spent:ratio30d{@city})`, ""),
		q(`label_replace(max by (region, city) (last_over_time(arena_slo_cold_start_seconds{@city}[1d])), "objective", "`+t.ColdStart.Name+`", "", "")
or label_replace(max by (region, city) (max_over_time(city:outage_seconds:current{@city}[1d])), "objective", "`+t.Recovery.Name+`", "", "")`, ""),
		q(`min by (region, city, objective) (last_over_time(arena_slo_objective_met{@city}[1d]))`, ""),
	).tall(16)
}

// alerts lists what fires.
func alerts(scope string) panel {
	return table("Alerts", "none", "What fires now. Each has its entry in docs/runbooks.md, under its name in lower case.",
		[]column{
			{field: "region", title: "Region"}, {field: "city", title: "City"}, {field: "alertname", title: "Alert"},
			{field: "severity", title: "Severity", words: map[string]word{Page: {Page, red}, Ticket: {Ticket, yellow}}}, {field: "pod", title: "Pod"}, {field: "node", title: "Node"},
		},
		q(`max by (region, city, alertname, severity, pod, node) (ALERTS{`+firing+`,`+scope+`})`, ""),
	).wide(24).tall(8)
}
