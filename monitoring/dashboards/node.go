package dashboards

func node() board {
	const each = "{{node}}"
	return board{
		file: "node", title: "K3s node", description: "The machines, and K3s on them.", variables: append(regionAndCity(), nodeVariable()),
		rows: []row{
			{"Machine", []panel{
				graph("Processors in use", "percentunit", "The share of the node's processors that is in use.", q(`1 - avg by (node) (rate(node_cpu_seconds_total{mode="idle",@node}[$__rate_interval]))`, each)).below(0.9).asShare(),
				graph("What the processors do", "percentunit", "The share of time by what it is spent on, all nodes together. Steal is what a hypervisor has taken.",
					q(`avg by (mode) (rate(node_cpu_seconds_total{mode!="idle",@node}[$__rate_interval]))`, "{{mode}}")),
				graph("Load", "none", "Processes that run or want to, a minute's average.", q(`node_load1{@node}`, each)),
				graph("Memory left", "bytes", "Memory that can be had without taking it from anybody.", q(`node_memory_MemAvailable_bytes{@node}`, each)),
				graph("Disk left", "percentunit", "The share of the root file system that is free. The kubelet evicts pods below 10 %.",
					q(`node_filesystem_avail_bytes{mountpoint="/",@node} / node_filesystem_size_bytes{mountpoint="/",@node}`, each)).above(0.1).asShare(),
				graph("Disk", "Bps", "Bytes read and written in a second.", q(`sum by (node) (rate(node_disk_read_bytes_total{@node}[$__rate_interval]))`, each+" read"), q(`sum by (node) (rate(node_disk_written_bytes_total{@node}[$__rate_interval]))`, each+" written")),
				graph("Network", "Bps", "Bytes in and out in a second, loopback and pods' links left out.",
					q(`sum by (node) (rate(node_network_receive_bytes_total{device!~"lo|veth.*|cni.*|flannel.*",@node}[$__rate_interval]))`, each+" in"),
					q(`sum by (node) (rate(node_network_transmit_bytes_total{device!~"lo|veth.*|cni.*|flannel.*",@node}[$__rate_interval]))`, each+" out")),
				graph("UDP packets dropped", "pps", "Packets in a second that arrived and found the socket's buffer full: a battle pod does not come to read them.",
					q(`rate(node_netstat_Udp_RcvbufErrors{@node}[$__rate_interval])`, each)),
				graph("Clock", "s", "How far the node's clock is off, as its kernel reckons.", q(`node_timex_offset_seconds{@node}`, each)),
			}},
			{"Kubelet", []panel{
				graph("Pods", "none", "Pods that run on the node.", q(`kubelet_running_pods{@node}`, each)),
				graph("Time to start a pod", "s", "All but one in a hundred start faster, images and volumes apart.",
					q(`histogram_quantile(0.99, sum by (node, le) (rate(kubelet_pod_start_sli_duration_seconds_bucket{@node}[30m])))`, each)),
				graph("Runtime's errors", "ops", "Calls of containerd in a second that failed, by what was asked.", q(`sum by (node, operation_type) (rate(kubelet_runtime_operations_errors_total{@node}[$__rate_interval]))`, each+" {{operation_type}}")),
			}},
			{"Kubernetes API", []panel{
				graph("Requests", "reqps", "Requests in a second by status.", q(`sum by (code) (rate(apiserver_request_total{@city}[$__rate_interval]))`, "{{code}}")),
				graph("Time to answer, P99", "s", "All but one in a hundred requests are answered faster, by verb; those that wait for changes are left out.",
					q(`histogram_quantile(0.99, sum by (verb, le) (rate(apiserver_request_duration_seconds_bucket{verb!~"WATCH|CONNECT",@city}[$__rate_interval])))`, "{{verb}}")),
				graph("Time of the datastore, P99", "s", "All but one in a hundred operations of kine, on the first server's SQLite, are faster.",
					q(`histogram_quantile(0.99, sum by (operation, le) (rate(etcd_request_duration_seconds_bucket{@city}[$__rate_interval])))`, "{{operation}}")),
			}},
		},
	}
}
