package monitoring

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	data "github.com/edge-arena/edge-arena/monitoring"
)

// metric is the name of a metric of a program that tells more than a city has memory for.
var metric = regexp.MustCompile(`\b(?:alertmanager|apiserver|container|etcd|gatekeeper|go|grafana|kubelet|loki|machine|node|otelcol|process|prometheus|rest_client|workqueue)_[a-zA-Z0-9_]+`)

// always are kept whatever the rules read: by them it is seen whether the monitoring itself works.
var always = []string{
	"process_resident_memory_bytes", "process_cpu_seconds_total", "prometheus_build_info", "prometheus_tsdb_head_series",
	"prometheus_remote_storage_samples_total", "prometheus_remote_storage_samples_failed_total", "prometheus_remote_storage_samples_dropped_total",
	"prometheus_remote_storage_samples_pending", "prometheus_remote_storage_highest_timestamp_in_seconds",
	"prometheus_remote_storage_queue_highest_sent_timestamp_seconds", "otelcol_exporter_sent_log_records", "otelcol_exporter_sent_log_records_total",
	"otelcol_exporter_queue_size", "otelcol_exporter_send_failed_log_records_total", "otelcol_receiver_accepted_log_records_total",
}

// used are the metrics of such programs that a rule or a dashboard reads, in order.
func used() []string {
	names := map[string]bool{}
	for _, name := range always {
		names[name] = true
	}
	for _, texts := range []map[string]string{data.CityRules(), data.HubRules(), data.Dashboards()} {
		for _, text := range texts {
			for _, name := range metric.FindAllString(text, -1) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// usedOf is the regular expression of those that begin with one of the prefixes. It is none where nothing does: all that the program tells is
// dropped then, and what is left is whether it answers.
func usedOf(prefixes ...string) string {
	var names []string
	for _, name := range used() {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}
