package rules

// policy are the alerts on Gatekeeper.
func policy() []alert {
	return []alert{
		{
			name: "PolicyWebhookDown", severity: Ticket, expr: `up{job="gatekeeper"} == 0 or absent(up{job="gatekeeper"})`, wait: "3m",
			summary:     "Gatekeeper of city {{ $externalLabels.city }} is down",
			description: "For 3 minutes. Its webhook fails open: pods are admitted unchecked until it is back, and what slipped through is found by its audit.",
		},
		{
			name: "PolicyWebhookErrors", severity: Ticket, wait: "5m",
			expr: `(sum(rate(apiserver_admission_webhook_rejection_count{job="apiserver",error_type!="no_error"}[5m])) or vector(0))
  + (sum(rate(apiserver_admission_webhook_fail_open_count{job="apiserver"}[5m])) or vector(0)) > 0`,
			summary:     "The API server of city {{ $externalLabels.city }} cannot ask its admission webhooks",
			description: "For 5 minutes calls of Gatekeeper's or the port allocator's webhook have failed. Where it is the port allocator's, no new battle pod can start.",
		},
		{
			name: "PolicyViolations", severity: Ticket, expr: `sum by (enforcement_action) (gatekeeper_violations{job="gatekeeper"}) > 0`, wait: "5m",
			summary:     "{{ $value }} objects in city {{ $externalLabels.city }} break a policy that says {{ $labels.enforcement_action }}",
			description: "Gatekeeper's audit has found objects that run although a policy is against them.",
		},
		{
			name: "PolicyAuditStale", severity: Ticket, expr: `time() - max(gatekeeper_audit_last_run_end_time{job="gatekeeper"} > 0) > 900`, wait: "2m",
			summary:     "Gatekeeper of city {{ $externalLabels.city }} has not looked at what runs for {{ $value | humanizeDuration }}",
			description: "The audit runs every five minutes. Until it does, nobody knows of objects that break a policy.",
		},
		{
			name: "PolicyBroken", severity: Ticket, wait: "5m",
			expr:        `max(gatekeeper_constraint_templates{job="gatekeeper",status="error"}) > 0`,
			summary:     "{{ $value }} policies of city {{ $externalLabels.city }} cannot be used",
			description: "Their templates do not compile, so nothing is checked by them.",
		},
	}
}

// k3s are the alerts on the cluster.
func k3s() []alert {
	return []alert{
		{
			name: "K3sAPIDown", severity: Page, expr: `up{job="apiserver"} == 0 or absent(up{job="apiserver"})`, wait: "2m",
			summary:     "The Kubernetes API of city {{ $externalLabels.city }} is down",
			description: "For 2 minutes. Battles and joins go on, but what fails now is not started again.",
		},
		{
			name: "K3sAPIErrors", severity: Ticket, wait: "5m",
			expr:        `sum(rate(apiserver_request_total{job="apiserver",code=~"5.."}[5m])) / sum(rate(apiserver_request_total{job="apiserver"}[5m])) > 0.05`,
			summary:     "The Kubernetes API of city {{ $externalLabels.city }} fails at {{ $value | humanizePercentage }} of its requests",
			description: "For 5 minutes. Its datastore on the first server's disk is slow or damaged, or a webhook is away.",
		},
		{
			name: "KubeletDown", severity: Page, expr: `up{job="kubelet"} == 0 or absent(up{job="kubelet"})`, wait: "2m",
			summary:     "The kubelet of {{ or $labels.node \"every node\" }} in city {{ $externalLabels.city }} is down",
			description: "For 2 minutes. The node, or K3s on it, is away; its battle pods may go on, but nobody starts them again.",
		},
	}
}

// node are the alerts on the machines.
func node() []alert {
	const root = `{job="node",mountpoint="/"}`
	return []alert{
		{
			name: "NodeMemoryLow", severity: Ticket, expr: `node_memory_MemAvailable_bytes{job="node"} / node_memory_MemTotal_bytes{job="node"} < 0.1`, wait: "5m",
			summary:     "Node {{ $labels.node }} of city {{ $externalLabels.city }} has {{ $value | humanizePercentage }} of its memory left",
			description: "For 5 minutes. At 100 MiB left the kubelet evicts pods; battle pods are among them.",
		},
		{
			name: "NodeDiskFull", severity: Page, expr: `node_filesystem_avail_bytes` + root + ` / node_filesystem_size_bytes` + root + ` < 0.1`, wait: "5m",
			summary:     "Node {{ $labels.node }} of city {{ $externalLabels.city }} has {{ $value | humanizePercentage }} of its disk left",
			description: "For 5 minutes. K3s' datastore, the ledger and JetStream stop when it is full; the kubelet evicts pods before.",
		},
		{
			name: "NodeDiskFills", severity: Ticket, wait: "30m",
			expr:        `predict_linear(node_filesystem_avail_bytes` + root + `[6h], 24 * 3600) < 0 and node_filesystem_avail_bytes` + root + ` / node_filesystem_size_bytes` + root + ` < 0.4`,
			summary:     "The disk of node {{ $labels.node }} of city {{ $externalLabels.city }} will be full within a day",
			description: "If it goes on as in the last 6 hours.",
		},
		{
			name: "NodeCPUBusy", severity: Ticket, expr: `1 - avg by (node) (rate(node_cpu_seconds_total{job="node",mode="idle"}[5m])) > 0.9`, wait: "10m",
			summary:     "Node {{ $labels.node }} of city {{ $externalLabels.city }} uses {{ $value | humanizePercentage }} of its processors",
			description: "For 10 minutes. Ticks come late when battle pods have to wait for a processor.",
		},
		{
			name: "NodeDropsPackets", severity: Ticket, expr: `rate(node_netstat_Udp_RcvbufErrors{job="node"}[5m]) > 1`, wait: "5m",
			summary:     "Node {{ $labels.node }} of city {{ $externalLabels.city }} drops {{ $value | humanize }} UDP packets a second",
			description: "For 5 minutes. They arrived, but the socket's buffer was full: a battle pod does not come to read them.",
		},
		{
			// A ticket lives 10 s by default.
			name: "NodeClockOff", severity: Ticket, expr: `abs(node_timex_offset_seconds{job="node"}) > 0.5`, wait: "5m",
			summary:     "The clock of node {{ $labels.node }} of city {{ $externalLabels.city }} is off by {{ $value | humanizeDuration }}",
			description: "For 5 minutes. Tickets live for seconds: on a wrong clock they are refused, or live too long.",
		},
	}
}
