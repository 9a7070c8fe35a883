package rules

// prometheus are the alerts of a city's Prometheus on itself.
func prometheus() []alert {
	return []alert{
		{
			name: "RemoteWriteBehind", severity: Ticket, wait: "2m",
			expr: `max_over_time(prometheus_remote_storage_queue_highest_timestamp_seconds{job="prometheus"}[5m])
  - max_over_time(prometheus_remote_storage_queue_highest_sent_timestamp_seconds{job="prometheus"}[5m])
> 120`,
			summary:     "Metrics of city {{ $externalLabels.city }} reach the hub {{ $value | humanizeDuration }} late",
			description: "The WAN is cut or slow, or the hub does not take them. They wait on the city's disk for 2 hours; after that the oldest are lost to the hub.",
		},
		{
			name: "RemoteWriteFails", severity: Ticket, expr: `increase(prometheus_remote_storage_samples_failed_total{job="prometheus"}[10m]) > 0`, wait: "1m",
			summary:     "The hub refuses metrics of city {{ $externalLabels.city }}",
			description: "{{ $value | humanize }} samples in 10 minutes, and they are not sent again.",
		},
		{
			name: "PrometheusRulesFail", severity: Ticket, expr: `increase(prometheus_rule_evaluation_failures_total[10m]) > 0`, wait: "1m",
			summary:     "Rules of group {{ $labels.rule_group }} fail in Prometheus of city {{ $externalLabels.city }}",
			description: "{{ $value | humanize }} evaluations in 10 minutes. Alerts of this group may be silent.",
		},
		{
			name: "PrometheusConfigBroken", severity: Ticket, expr: `prometheus_config_last_reload_successful{job="prometheus"} == 0`, wait: "2m",
			summary:     "Prometheus of city {{ $externalLabels.city }} could not read its new configuration",
			description: "It goes on with the one before, and does not start again with the new one.",
		},
		{
			name: "AlertsNotDelivered", severity: Ticket, expr: `increase(prometheus_notifications_errors_total{job="prometheus"}[5m]) > 0`, wait: "2m",
			summary:     "Prometheus of city {{ $externalLabels.city }} cannot reach Alertmanager",
			description: "{{ $value | humanize }} alerts in 5 minutes. Alerts of the city reach nobody. This one is seen once the way is open again; until then CitySilent of the hub tells.",
		},
		{
			name: "TargetDown", severity: Ticket, expr: `up{job!~"battle|lobby|nats|gatekeeper|apiserver|kubelet|log-shipper|loki|alertmanager|grafana"} == 0`, wait: "5m",
			summary:     "{{ $labels.job }} of city {{ $externalLabels.city }} does not answer Prometheus",
			description: "For 5 minutes {{ $labels.instance }} has not been scraped. What it would tell is missing from alerts and dashboards.",
		},
	}
}

// shipper are the alerts on the way of the logs.
func shipper() []alert {
	return []alert{
		{
			name: "LogShipperDown", severity: Ticket, expr: `up{job="log-shipper"} == 0 or absent(up{job="log-shipper"})`, wait: "5m",
			summary:     "The log shipper of city {{ $externalLabels.city }} is down",
			description: "For 5 minutes. The kubelet keeps each container's last log files; lines that it rotates away meanwhile are lost.",
		},
		{
			name: "LogShipperDrops", severity: Ticket, wait: "1m",
			expr: `(sum(increase(otelcol_exporter_enqueue_failed_log_records{job="log-shipper"}[10m])) or vector(0))
  + (sum(increase(otelcol_receiver_refused_log_records{job="log-shipper"}[10m])) or vector(0)) > 0`,
			summary:     "The log shipper of city {{ $externalLabels.city }} has dropped {{ $value | humanize }} log lines",
			description: "In the last 10 minutes. Its queue on the disk is full, or it is out of memory.",
		},
		{
			name: "LogShipperBehind", severity: Ticket, expr: `max by (exporter) (otelcol_exporter_queue_size{job="log-shipper"} / (otelcol_exporter_queue_capacity{job="log-shipper"} > 0)) > 0.8`, wait: "2m",
			summary:     "The log shipper of city {{ $externalLabels.city }} has {{ $value | humanizePercentage }} of its queue in use",
			description: "The WAN is cut or slow, or Loki does not take the lines. They wait on the node's disk; when the queue is full lines are dropped.",
		},
	}
}
