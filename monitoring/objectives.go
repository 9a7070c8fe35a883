package monitoring

import "time"

// The numbers of the case, sections 4.2 to 4.4, and what follows from them. Rules, alerts, dashboards, the gate and `arena slo` take them from here.
const (
	tickRate = 120

	// leastTickRate is the rate that a measurement must reach: it allows for what a player does not notice of 120.
	leastTickRate = 119.5

	// window is the time over which an error budget is counted. The case names none; a month is what the world means by 99.99 %.
	window = 30 * 24 * time.Hour

	// onTime is how late a tick may start and count as on time: half the time between two ticks at 120 a second, which is what clients hide by
	// drawing between two snapshots. The battle server's histogram has a bound there.
	onTime = "0.004"

	// leastEvents is how many events a budget's window must hold before an alert says that it burns: the ticks of one battle in 10 minutes, or the inputs
	// of one player. A share of fewer is that of the moments in which a city was installed, or was measured, and not of a month.
	leastEvents = tickRate * 10 * 60
)

// Objective is one promise.
type Objective struct {
	// Name is the value of the label `objective`.
	Name string
	// Title is what people read.
	Title string
	// Promise is the promise in words, with its number.
	Promise string
	// Source is where the case says so.
	Source string
	// Limit is the number of the promise, in Unit: seconds, or ticks a second. It is 0 where the promise is the share itself.
	Limit float64
	// Unit is that of Limit as Grafana names it: `s`, or `hertz`; `percentunit` where the promise is a share.
	Unit string
	// Target is the share of good events that is promised, below 1. It is 0 for what is no share of events: see Events.
	Target float64
	// LeastEvents is how many events a window must have before its share says anything; 0 where each counts.
	LeastEvents float64
	// Events and Errors are what the share is reckoned from: PromQL for the events a second of a city, and for those of them that were not good.
	// They are empty where a city cannot see the events by itself.
	Events, Errors string
}

// Duration is Limit as a time.
func (o Objective) Duration() time.Duration { return time.Duration(o.Limit * float64(time.Second)) }

// Budget is the share of events that need not be good.
func (o Objective) Budget() float64 { return 1 - o.Target }

// Table has all promises.
type Table struct {
	// RTTP50, RTTP99 and RTTP999 bound what players wait from an input to its answer. A percentile cannot be averaged, nor can a budget be spent
	// on it, so each is held as the share of round trips within the bound: the 99th percentile is below 20 ms if, and only if, 99 % of the
	// round trips are.
	RTTP50, RTTP99, RTTP999 Objective
	// TickRate is the rate at which battles run. It is held as the share of ticks that came, and came on time.
	TickRate Objective
	// ColdStart bounds the time from the start of the runtime to the first answer. No server can see its own cold start, so it is known where
	// `arena slo --cold-starts` has measured it, and held as a limit.
	ColdStart Objective
	// Availability is the share of time in which a city takes players in and has a battle for them.
	Availability Objective
	// Recovery bounds the time from a failure to the city's being whole again. Failures are too few to make a share of, so it is held as a limit on each.
	Recovery Objective
	// LeastTickRate is the rate that measured ticks a second must reach.
	LeastTickRate float64
	// Window is the time over which error budgets are counted.
	Window time.Duration
}

// All are the objectives in the order in which they are shown.
func (t Table) All() []Objective {
	return []Objective{t.RTTP50, t.RTTP99, t.RTTP999, t.TickRate, t.Availability, t.ColdStart, t.Recovery}
}

// Ratios are those with an error budget.
func (t Table) Ratios() []Objective {
	var ratios []Objective
	for _, o := range t.All() {
		if o.Events != "" {
			ratios = append(ratios, o)
		}
	}
	return ratios
}

// Objectives are the promises of the case.
func Objectives() Table {
	return Table{
		RTTP50:  rtt("rtt-p50", "RTT P50", "half of the round trips take less than 10 ms", 0.5, "0.01", 0.010),
		RTTP99:  rtt("rtt-p99", "RTT P99", "99 % of the round trips take less than 20 ms", 0.99, "0.02", 0.020),
		RTTP999: rtt("rtt-p999", "RTT P999", "99.9 % of the round trips take less than 50 ms", 0.999, "0.05", 0.050),
		TickRate: Objective{
			Name: "tick-rate", Title: "Tick rate", Promise: "battles run at 120 ticks a second: of 120 ticks, 119.5 come on time", Source: "4.2, FPS 120+",
			Limit: tickRate, Unit: "hertz", Target: leastTickRate / tickRate,
			LeastEvents: leastEvents,
			// Ticks of a pod that nobody plays on are no events: nobody waits for them. A server has some while it starts, and a few a second while it rests.
			Events: played(`rate(battle_tick_lateness_seconds_count{job="battle"}[1m])`) + ` + ` + played(`rate(battle_ticks_skipped_total{job="battle"}[1m])`),
			Errors: played(`rate(battle_tick_lateness_seconds_count{job="battle"}[1m])`) +
				` - ` + played(`rate(battle_tick_lateness_seconds_bucket{job="battle",le="`+onTime+`"}[1m])`) + ` + ` + played(`rate(battle_ticks_skipped_total{job="battle"}[1m])`),
		},
		ColdStart: Objective{
			Name: "cold-start", Title: "Cold start", Promise: "a battle pod answers within 10 ms of its runtime's start", Source: "4.2, cold start",
			Limit: 0.010, Unit: "s",
		},
		Availability: Objective{
			Name: "availability", Title: "Availability", Promise: "99.99 % of the time a city takes players in and has a battle for them", Source: "4.4, availability",
			Unit: "percentunit", Target: 0.9999,
			// An event is a moment. It is bad as a whole when the lobby, or each of the battle pods, has not answered two scrapes in a row; else as
			// far as requests to join, which were the players' own to make, came to nothing. Moments before the city first was whole do not count.
			Events: `city:in_service:bool`,
			Errors: `clamp_max(
  (1 - (max(max_over_time(up{job="lobby"}[30s])) or vector(0)))
  + (1 - (max(max_over_time(up{job="battle"}[30s])) or vector(0)))
  + (sum(rate(lobby_joins_total{job="lobby",result=~"error|no_room"}[1m]))
    / (sum(rate(lobby_joins_total{job="lobby",result=~"opened|joined|returned|error|no_room"}[1m])) > 0) or vector(0)),
1) * city:in_service:bool`,
		},
		Recovery: Objective{
			Name: "recovery", Title: "Recovery", Promise: "a failure is over within 10 s", Source: "4.4, recovery", Limit: 10, Unit: "s",
		},
		LeastTickRate: leastTickRate,
		Window:        window,
	}
}

// played sums series of battle pods up, of those alone that somebody has played on within the minute over which they are rates.
func played(series string) string {
	return `sum(` + series + ` and on (namespace, pod) max_over_time(battle_players{job="battle"}[1m]) > 0)`
}

// rtt is the objective that a share of the round trips, as battle servers see them, is within a bound of their histogram.
func rtt(name, title, promise string, target float64, bound string, limit float64) Objective {
	return Objective{
		Name: name, Title: title, Promise: promise, Source: "4.2, latency", Limit: limit, Unit: "s", Target: target, LeastEvents: leastEvents,
		Events: `sum(rate(battle_rtt_seconds_count{job="battle"}[1m]))`,
		Errors: `sum(rate(battle_rtt_seconds_count{job="battle"}[1m])) - sum(rate(battle_rtt_seconds_bucket{job="battle",le="` + bound + `"}[1m]))`,
	}
}
