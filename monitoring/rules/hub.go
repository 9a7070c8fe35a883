package rules

import (
	"strconv"

	"github.com/edge-arena/edge-arena/monitoring"
)

// What of each budget is spent, and the budgets themselves: the share of events that need not be good.
const (
	budgetSpent = "city:slo_budget_spent:ratio30d"
	budget      = "objective:slo_budget:ratio"
)

// awaited is 1 for each city that is in the stack file and has been heard since: it is to be heard now. A city that is being installed is not yet, and
// one that was taken out of the file is not any more. The hub forgets it when it has been away itself for a day.
const awaited = "city:awaited:bool"

// fleetSeries are sums over cities, and each city's budget of the month.
func fleetSeries() Group {
	g := Group{Name: "fleet-series", Interval: "1m", Rules: []Rule{
		{Record: awaited, Expr: `edge_arena_city_watched
  and on (region, city) (last_over_time(up{job="prometheus"}[2m]) or on (region, city) last_over_time(` + awaited + `[1d]))`},
		{Record: "region:cities:count", Expr: `count by (region) (last_over_time(edge_arena_city_info[2m]))`},
		{Record: "region:battle_players:sum", Expr: `sum by (region) (city:battle_players:sum)`},
		{Record: "region:slo_error_ratio:rate1h", Expr: `sum by (region, objective) (city:slo_errors:rate1h) / (sum by (region, objective) (city:slo_events:rate1h) > 0)`},
	}}
	for _, o := range monitoring.Objectives().Ratios() {
		g.Rules = append(g.Rules, Rule{
			Record: budget, Labels: map[string]string{"objective": o.Name}, Expr: "vector(" + strconv.FormatFloat(o.Budget(), 'g', 6, 64) + ")",
		})
	}
	// 1 is all of the month's budget. Each hour counts by its events.
	g.Rules = append(g.Rules, Rule{Record: budgetSpent, Expr: `(
  sum by (region, city, objective) (sum_over_time(city:slo_errors:rate1h[30d:1h]))
  / (sum by (region, city, objective) (sum_over_time(city:slo_events:rate1h[30d:1h])) > 0)
) / on (objective) group_left () ` + budget})
	return g
}

// fleet are the alerts that no city can raise by itself.
func fleet() []alert {
	const city = "City {{ $labels.city }} of region {{ $labels.region }}"
	return []alert{
		{
			name: "CitySilent", severity: Page, wait: "1m",
			expr:        awaited + ` unless on (region, city) last_over_time(up{job="prometheus"}[2m])`,
			summary:     city + " sends no metrics",
			description: "For 3 minutes. Its WAN is cut, its Prometheus is down, or all of it is. A city that is cut off plays on.",
		},
		{
			// A region's first roll-out may take its time.
			name: "CityNeverHeard", severity: Ticket, expr: `edge_arena_city_watched unless on (region, city) ` + awaited, wait: "2h",
			summary:     city + " is in the stack file, and has sent no metrics yet",
			description: "For 2 hours. It has not been rolled out, or its Prometheus does not come through to the hub: nobody would be told if it failed.",
		},
		{
			name: "ErrorBudgetSpent", severity: Ticket, expr: budgetSpent + ` > 1`, wait: "10m",
			summary:     city + " has used up its error budget of {{ $labels.objective }}",
			description: "{{ $value | humanize }} times the budget of 30 days is spent. Roll nothing out there that is not a mend.",
		},
		{
			name: "OutsideObjectiveMissed", severity: Ticket, expr: `last_over_time(arena_slo_objective_met{objective!="cold-start"}[1d]) == 0`, wait: "1m",
			summary:     city + " missed {{ $labels.objective }} when it was measured from outside",
			description: "The last run of `arena slo` or of the gate within a day found the objective broken, as players would.",
		},
		{
			name: "ColdStartSlow", severity: Ticket, labels: map[string]string{"objective": "cold-start"}, wait: "1m",
			expr:        `last_over_time(arena_slo_cold_start_seconds[1d]) > ` + strconv.FormatFloat(monitoring.Objectives().ColdStart.Limit, 'g', -1, 64),
			summary:     "Node {{ $labels.node }} of city {{ $labels.city }}, region {{ $labels.region }}, starts a battle server in {{ $value | humanizeDuration }}",
			description: "Promised is that " + monitoring.Objectives().ColdStart.Promise + ". It is P99 of the last run of `arena slo --cold-starts` within a day.",
		},
	}
}

// hub are the alerts on the hub's own services.
func hub() []alert {
	return []alert{
		{
			// It says nothing where nothing comes in: a hub that is deaf is as bad as one that is dumb.
			name: Watchdog, severity: Heartbeat, expr: `count by (region) (last_over_time(up{job="prometheus"}[2m]))`,
			summary:     "The hub of region {{ $externalLabels.region }} hears from cities ({{ $value }}), and can tell",
			description: "A sign of life, and always there. When it stays away the hub hears no city, evaluates no rule, or reaches nobody: then no alert of the region does.",
		},
		{
			name: "LokiDown", severity: Ticket, expr: `up{job="loki"} == 0 or absent(up{job="loki"})`, wait: "2m",
			summary:     "Loki is down",
			description: "For 2 minutes. The cities keep their log lines in a queue on disk until it is back.",
		},
		{
			name: "LokiDiscards", severity: Ticket, expr: `sum by (reason) (increase(loki_discarded_samples_total{job="loki"}[10m])) > 0`, wait: "1m",
			summary:     "Loki has thrown {{ $value | humanize }} log lines away: {{ $labels.reason }}",
			description: "In the last 10 minutes. They were too many, too long, or too old for its limits.",
		},
		{
			name: "LokiErrors", severity: Ticket, wait: "5m",
			expr:        `sum(rate(loki_request_duration_seconds_count{job="loki",status_code=~"5.."}[5m])) / sum(rate(loki_request_duration_seconds_count{job="loki"}[5m])) > 0.05`,
			summary:     "Loki fails at {{ $value | humanizePercentage }} of its requests",
			description: "For 5 minutes. Its disk is full or slow.",
		},
		{
			name: "AlertmanagerDown", severity: Page, expr: `up{job="alertmanager"} == 0 or absent(up{job="alertmanager"})`, wait: "2m",
			summary:     "Alertmanager is down",
			description: "For 2 minutes. No alert of any city reaches anybody, this one included, until it is back. Grafana shows what fires.",
		},
		{
			name: "AlertmanagerFailing", severity: Page, expr: `sum by (integration) (increase(alertmanager_notifications_failed_total{job="alertmanager"}[10m])) > 0`, wait: "1m",
			summary:     "Alertmanager fails to notify by {{ $labels.integration }}",
			description: "{{ $value | humanize }} notifications have failed in 10 minutes. Alerts reach nobody by this way.",
		},
		{
			name: "AlertmanagerConfigBroken", severity: Ticket, expr: `alertmanager_config_last_reload_successful{job="alertmanager"} == 0`, wait: "2m",
			summary:     "Alertmanager could not read its new configuration",
			description: "It goes on with the one before, and does not start again with the new one.",
		},
		{
			name: "GrafanaDown", severity: Ticket, expr: `up{job="grafana"} == 0 or absent(up{job="grafana"})`, wait: "5m",
			summary:     "Grafana is down",
			description: "For 5 minutes. Nobody sees dashboards. Alerts go out all the same.",
		},
		{
			name: "HubRulesFail", severity: Ticket, expr: `increase(prometheus_rule_evaluation_failures_total{job="prometheus-hub"}[10m]) > 0`, wait: "1m",
			summary:     "Rules of group {{ $labels.rule_group }} fail in the hub's Prometheus",
			description: "{{ $value | humanize }} evaluations in 10 minutes. Alerts of this group may be silent, and dashboards of the fleet incomplete.",
		},
	}
}
