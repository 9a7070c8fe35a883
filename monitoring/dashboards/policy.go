package dashboards

func policy() board {
	return board{
		file: "policy", title: "Policy", description: "Gatekeeper: what may run. The join policy: who may play.", variables: regionAndCity(), from: "now-6h",
		rows: []row{
			{"What may run", []panel{
				number("Objects against a policy now", "none", "What Gatekeeper's last audit found, by what the policy says to it.",
					q(`sum by (enforcement_action) (gatekeeper_violations{@city})`, "{{enforcement_action}}")).below(1).wide(6),
				number("Policies", "none", "Constraints by how they are enforced.", q(`sum by (enforcement_action) (gatekeeper_constraints{@city})`, "{{enforcement_action}}")).wide(6),
				number("Templates", "none", "Templates of policies by whether they can be used.", q(`sum by (status) (gatekeeper_constraint_templates{@city})`, "{{status}}")).wide(6),
				number("Last audit", "s", "How long ago the last audit ended. One runs every five minutes.", q(`max(time() - (gatekeeper_audit_last_run_end_time{@city} > 0))`, "")).below(900).wide(6),
				graph("Requests to the webhook", "reqps", "Objects judged in a second by the answer.", q(`sum by (admission_status) (rate(gatekeeper_validation_request_count_total{@city}[$__rate_interval]))`, "{{admission_status}}")),
				graph("Time to judge", "s", "All but one in a hundred are judged faster. The API server waits for 3 s, and goes on without an answer.",
					q(`histogram_quantile(0.99, sum by (le) (rate(gatekeeper_validation_request_duration_seconds_bucket{@city}[$__rate_interval])))`, "P99")),
				graph("Time to audit", "s", "How long the last audit took. While one runs there is a gap.",
					q(`max by (region, city) (gatekeeper_audit_last_run_end_time{@city} - (gatekeeper_audit_last_run_time{@city} > 0) >= 0)`, "{{city}}")),
				graph("Objects against a policy", "none", "How many there were, by what the policy says to it.", q(`sum by (city, enforcement_action) (gatekeeper_violations{@city})`, "{{city}} {{enforcement_action}}")).wide(12),
				graph("Calls that failed", "ops", "Calls of an admission webhook in a second that brought no answer: let through, or refused, as the webhook's failure policy says.",
					q(`sum by (name) (rate(apiserver_admission_webhook_fail_open_count{@city}[$__rate_interval]))`, "{{name}} let through"),
					q(`sum by (name) (rate(apiserver_admission_webhook_rejection_count{error_type!="no_error",@city}[$__rate_interval]))`, "{{name}} refused")).wide(12),
			}},
			{"Who may play", []panel{
				graph("Decisions", "ops", "Decisions of the join policy in a second.", q(`sum by (result) (rate(lobby_policy_decisions_total{@city}[$__rate_interval]))`, "{{result}}")),
				graph("Time to decide", "s", "Half of the decisions, and all but one in a hundred, take less.",
					q(`histogram_quantile(0.5, sum by (le) (rate(lobby_policy_evaluation_duration_seconds_bucket{@city}[$__rate_interval])))`, "P50"),
					q(`histogram_quantile(0.99, sum by (le) (rate(lobby_policy_evaluation_duration_seconds_bucket{@city}[$__rate_interval])))`, "P99")),
				graph("Changes of the policy", "none", "Changes in an hour, by whether they were taken. A broken policy never replaces a working one.",
					q(`sum by (result) (increase(lobby_policy_reloads_total{@city}[1h]))`, "{{result}}"), q(`sum(lobby_policy_stale{@city})`, "cities with an old policy in use")),
			}},
		},
	}
}
