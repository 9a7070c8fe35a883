package dashboards

import (
	"strconv"

	"github.com/edge-arena/edge-arena/monitoring"
)

// ms writes a time of the table.
func ms(seconds float64) string { return strconv.FormatFloat(seconds*1000, 'g', -1, 64) + " ms" }

// beside is a promise of RTT from inside and outside.
func beside(o monitoring.Objective, quantile string) panel {
	return graph(o.Title+", inside and outside", "s",
		"What the battle pods see, and what the bots of `arena slo` or the gate saw when they last played within a day. Promised are "+ms(o.Limit)+
			". Outside has the way to the player in it as the bots have it; inside has it as the pods reckon it from acknowledgements.",
		q(`city:battle_rtt_seconds:quantile5m{quantile="`+quantile+`",@city}`, "{{city}} inside"),
		q(`last_over_time(arena_slo_rtt_seconds{quantile="`+quantile+`",@city}[1d])`, "{{city}} outside"),
	).below(o.Limit)
}

func city() board {
	t := monitoring.Objectives()
	return board{
		file: "city", title: "City", description: "One city from inside, by its own metrics, and from outside, as bots measured it.", variables: regionAndCity(),
		rows: []row{
			{"Now", []panel{
				number("Battle pods", "none", "Battle pods that answer, and those that the stack file asks for.",
					q(`sum(city:battle_pods_up:sum{@city})`, "answer"), q(`sum(edge_arena_city_battle_pods_desired{@city})`, "asked for")),
				number("Players", "none", "Players in battles, and seats that there are.",
					q(`sum(city:battle_players:sum{@city})`, "players"), q(`sum(city:battle_players_limit:sum{@city})`, "seats")),
				number("Available, last hour", "percentunit", "The share of the last hour in which the city took players in and had a battle for them. Promised are 99.99 % of a month.",
					q(`1 - max(city:slo_error_ratio:rate1h{objective="availability",@city})`, "")).above(t.Availability.Target),
				number("Cold start, from outside", "s", "P99 from the start of the runtime to the first answer on the slowest node, where `arena slo --cold-starts` measured it within a day. Promised are "+ms(t.ColdStart.Limit)+".",
					q(`max(last_over_time(arena_slo_cold_start_seconds{@city}[1d]))`, "")).below(t.ColdStart.Limit),
				number("Last look from outside", "s", "How long ago bots last measured the city.", q(`time() - max(last_over_time(arena_slo_last_run_timestamp_seconds{@city}[7d]))`, "")),
				number("Outside: promises met", "none", "What the bots found when they last played within a day.",
					q(`min(last_over_time(arena_slo_objective_met{@city}[1d]))`, "")).saying(map[string]word{"0": {"missed", red}, "1": {"met", green}}),
			}},
			{"Inside and outside", []panel{
				beside(t.RTTP50, "0.5"), beside(t.RTTP99, "0.99"), beside(t.RTTP999, "0.999"),
				graph("Tick rate, inside and outside", "hertz", "The slowest pod by its own count, and as bots counted snapshots. Promised are 120.",
					q(`city:battle_tick_rate:min{@city}`, "{{city}} inside"), q(`last_over_time(arena_slo_ticks_per_second{@city}[1d])`, "{{city}} outside")).above(t.LeastTickRate),
				graph("Inputs lost, inside and outside", "percentunit", "The share of inputs that did not become part of a battle, as the pods see it, and as the bots did.",
					q(`sum by (region, city) (rate(battle_inputs_lost_total{@city}[$__rate_interval])) / (sum by (region, city) (rate(battle_packets_received_total{kind="input",@city}[$__rate_interval])) > 0)`, "{{city}} inside"),
					q(`last_over_time(arena_slo_loss_ratio{@city}[1d])`, "{{city}} outside")),
				table("Outside, by promise", "none", "Each promise as bots found it when they last played within a day.",
					[]column{{field: "city", title: "City"}, {field: "objective", title: "Promise"}, {field: "Value", title: "Found", unit: "none", words: map[string]word{"0": {"missed", red}, "1": {"met", green}}}},
					q(`min by (region, city, objective) (last_over_time(arena_slo_objective_met{@city}[1d]))`, "")).wide(8).tall(8),
			}},
			{"Promises and their budgets", []panel{
				graph("Bad events, last 5 minutes", "percentunit", "The share of round trips, ticks and moments that broke a promise.", q(`city:slo_error_ratio:rate5m{@city}`, "{{city}} {{objective}}")).wide(12),
				graph("Bad events, last hour", "percentunit", "The same over an hour. A budget burns too fast when both are high: then an alert pages.",
					q(`city:slo_error_ratio:rate1h{@city}`, "{{city}} {{objective}}")).wide(12),
				sloTable().wide(24).tall(9),
			}},
			{"Who comes in", []panel{
				graph("Joins", "reqps", "Requests to join in a second by what became of them. `no_room` and `error` are ours.",
					q(`sum by (result) (rate(lobby_joins_total{@city}[$__rate_interval]))`, "{{result}}")),
				graph("Rooms", "none", "Rooms with a battle, and rooms that there are.", q(`city:battle_rooms:sum{@city}`, "{{city}} in use"), q(`city:battle_rooms_limit:sum{@city}`, "{{city}} there are")),
				graph("Battles ended", "ops", "Battles that end in a second, by how.", q(`sum by (outcome) (city:battle_battles_ended:rate5m{@city})`, "{{outcome}}")),
			}},
			{"What it takes", []panel{
				graph("Processors of the battle pods", "none", "Cores in use by all battle pods together.", q(`city:battle_cpu_cores:sum{@city}`, "{{city}}")).wide(12),
				graph("Memory of the battle pods", "bytes", "Memory in use by all battle pods together.", q(`city:battle_memory_bytes:sum{@city}`, "{{city}}")).wide(12),
			}},
			{"What fires", []panel{alerts("@city")}},
		},
	}
}
