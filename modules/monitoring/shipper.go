package monitoring

import (
	"strconv"

	"github.com/edge-arena/edge-arena/internal/mint"
)

// The log shipper's place on its node: how far it has read, and what it has not got rid of, are there. It goes with K3s, as the pods' logs do.
const shipperDir = "/var/lib/rancher/k3s/edge-arena/log-shipper"

// queueBytes bounds what waits there for the hub. When that is full the shipper stops reading: then what waits is the pods' own log files, until the
// kubelet takes the oldest away.
const queueBytes = 256 << 20

// shipperConfig is the configuration of the log shipper.
func shipperConfig(region, city string, to target) (string, error) {
	move := func(from, to string) object {
		return object{"type": "move", "from": "resource[\"" + from + "\"]", "to": "resource." + to}
	}
	add := func(name, value string) object {
		return object{"type": "add", "field": "resource." + name, "value": value}
	}
	remove := func(field string) object { return object{"type": "remove", "field": field, "on_error": "send_quiet"} }
	exporter := object{
		"endpoint": to.url, "compression": "gzip", "timeout": "10s",
		"sending_queue": object{
			"storage": "file_storage", "sizer": "bytes", "queue_size": queueBytes, "block_on_overflow": true, "num_consumers": 2,
			"batch": object{"sizer": "bytes", "flush_timeout": "1s", "min_size": 64 << 10, "max_size": 512 << 10},
		},
		// For as long as it takes.
		"retry_on_failure": object{"initial_interval": "1s", "max_interval": "15s", "max_elapsed_time": "0s"},
	}
	if to.certificate {
		exporter["tls"] = object{
			"ca_file": accessDir + "/" + caFile, "cert_file": accessDir + "/" + certificateFile, "key_file": accessDir + "/" + keyFile,
			"server_name_override": mint.HubName,
		}
	}
	if to.token != "" {
		exporter["headers"] = object{"Authorization": "Bearer ${file:" + accessDir + "/" + to.token + "}"}
	}
	return marshal(object{
		"extensions": object{
			"health_check": object{"endpoint": "0.0.0.0:" + strconv.Itoa(shipperHealthPort)},
			"file_storage": object{"directory": shipperDir, "create_directory": true, "timeout": "5s", "compaction": object{"on_start": true, "directory": shipperDir}},
		},
		"receivers": object{"file_log": object{
			"include": []string{"/var/log/pods/*/*/*.log"},
			// Its own: each line that it could not send would make another.
			"exclude":           []string{"/var/log/pods/" + Namespace + "_" + logShipper + "-*/*/*.log"},
			"start_at":          "beginning",
			"include_file_path": true, "include_file_name": false,
			"storage":          "file_storage",
			"poll_interval":    "500ms",
			"retry_on_failure": object{"enabled": true, "max_elapsed_time": "0s"},
			"operators": []object{
				// The line out of the container runtime's format, and whose it is out of the file's name.
				{"type": "container", "id": "container"},
				move("k8s.namespace.name", "namespace"), move("k8s.pod.name", "pod"), move("k8s.container.name", "container"),
				add("region", region), add("city", city),
				remove("resource[\"k8s.pod.uid\"]"), remove("resource[\"k8s.container.restart_count\"]"),
				remove("attributes[\"log.file.path\"]"), remove("attributes.logtag"),
			},
		}},
		"processors": object{"memory_limiter": object{"check_interval": "1s", "limit_mib": 90, "spike_limit_mib": 20}},
		"exporters":  object{"otlp_http": exporter},
		"service": object{
			"extensions": []string{"health_check", "file_storage"},
			"pipelines": object{"logs": object{
				"receivers": []string{"file_log"}, "processors": []string{"memory_limiter"}, "exporters": []string{"otlp_http"},
			}},
			"telemetry": object{
				"logs": object{"level": "warn"},
				"metrics": object{"level": "basic", "readers": []object{{"pull": object{"exporter": object{"prometheus": object{
					"host": "0.0.0.0", "port": shipperMetricsPort,
				}}}}}},
			},
		},
	})
}

// lokiConfig is the configuration of the region's Loki: one process, its files in a volume.
func lokiConfig(retention string) (string, error) {
	return marshal(object{
		"auth_enabled": false,
		"server":       object{"http_listen_port": lokiPort, "grpc_listen_port": 9095, "grpc_listen_address": "127.0.0.1", "log_level": "warn"},
		"common": object{
			"path_prefix": dataDir, "replication_factor": 1, "instance_addr": "127.0.0.1",
			"ring":    object{"kvstore": object{"store": "inmemory"}},
			"storage": object{"filesystem": object{"chunks_directory": dataDir + "/chunks", "rules_directory": dataDir + "/rules"}},
		},
		"schema_config": object{"configs": []object{{
			"from": "2024-01-01", "store": "tsdb", "object_store": "filesystem", "schema": "v13", "index": object{"prefix": "index_", "period": "24h"},
		}}},
		"ingester":    object{"lifecycler": object{"min_ready_duration": "0s", "final_sleep": "0s"}, "wal": object{"replay_memory_ceiling": "128MB"}},
		"frontend":    object{"max_outstanding_per_tenant": 256},
		"query_range": object{"parallelise_shardable_queries": false},
		"querier":     object{"max_concurrent": 2},
		"compactor":   object{"working_directory": dataDir + "/compactor", "retention_enabled": true, "delete_request_store": "filesystem"},
		"analytics":   object{"reporting_enabled": false},
		"limits_config": object{
			"retention_period": retention, "allow_structured_metadata": true, "discover_service_name": []string{}, "volume_enabled": true,
			"ingestion_rate_mb": 16, "ingestion_burst_size_mb": 32, "split_queries_by_interval": "1h",
			// What was written while the WAN was cut.
			"reject_old_samples_max_age": "168h",
			"otlp_config": object{"resource_attributes": object{
				"ignore_defaults":   true,
				"attributes_config": []object{{"action": "index_label", "attributes": []string{"region", "city", "namespace", "pod", "container"}}},
			}},
		},
	})
}
