# A node of a K3s cluster, from bare host to Ready and back.

# install_node FLAG... brings the node to what is asked for; the caller sets role and wasm. Where it is there already, nothing changes.
install_node() {
	check_host
	check_owner "$role"
	if [ "$wasm" = yes ]; then check_wasm; fi
	die_of_problems

	service=$(service_name "$role")
	wanted=$(fingerprint "$role" "$wasm" "$@")
	started=$(date +%s)
	read_node
	changes=$(differences "$@") || die "$ARENA_NODE could not be read"
	if [ -z "$changes" ] && has_token; then
		log "$ARENA_NODE: unchanged"
	else
		tell_changes
		check_space
		die_of_problems
		apply "$@"
		log "$ARENA_NODE: K3s $ARENA_K3S_VERSION starts"
		service_restart "$service"
	fi
	await_ready
	finish
	report
}

# fingerprint is of all that a restart of K3s depends on, but for the token: who reads the node for differences does not know that.
fingerprint() {
	{
		printf '%s\n' "$@" "$ARENA_K3S_VERSION" "$ARENA_K3S_SHA256" "$ARENA_INSTALLER_SHA256" "$ARENA_AIRGAP_SHA256" \
			"$ARENA_ENGINE" "$ARENA_WASMEDGE_VERSION" "$ARENA_SHIM_SHA256"
	} | sha256sum | cut -d ' ' -f 1
}

has_token() { [ -z "$ARENA_TOKEN" ] || [ "$(cat "$STATE/token" 2>/dev/null)" = "$ARENA_TOKEN" ]; }

# tell_changes says what is about to be mended, of a node that had been brought up before.
tell_changes() {
	[ -f "$STATE/fingerprint" ] || return 0
	printf '%s\n' "$changes" | awk -F '\t' -v node="$ARENA_NODE" 'NF == 3 { print "edge-arena: " node ": " $1 ": " $3 " instead of " $2 }' >&2
}

# apply does everything but the start.
apply() {
	log "$ARENA_NODE: fetching K3s $ARENA_K3S_VERSION"
	claim
	# What is there is about to differ from what was recorded.
	rm -f "$STATE/fingerprint"
	staging=$STATE/staging
	mkdir -p "$staging"
	# A change of flags alone fetches nothing big again.
	reuse "$BIN/k3s" "$staging/k3s" "$ARENA_K3S_SHA256"
	reuse "$IMAGES" "$staging/airgap.tar" "$ARENA_AIRGAP_SHA256"
	fetch_pinned "$ARENA_K3S_URL" "$staging/k3s" "$ARENA_K3S_SHA256" "$ARENA_SUMS_URL" k3s
	fetch_pinned "$ARENA_INSTALLER_URL" "$staging/install.sh" "$ARENA_INSTALLER_SHA256" "$ARENA_INSTALLER_SUMS_URL" install.sh
	if [ -n "$ARENA_AIRGAP_URL" ]; then
		fetch_pinned "$ARENA_AIRGAP_URL" "$staging/airgap.tar" "$ARENA_AIRGAP_SHA256"
	fi
	if [ "$wasm" = yes ] && [ "$ARENA_ENGINE" = shim ]; then
		fetch_pinned "$ARENA_SHIM_URL" "$staging/shim.tar.gz" "$ARENA_SHIM_SHA256"
	fi

	if [ "$wasm" = yes ]; then
		log "$ARENA_NODE: WasmEdge $ARENA_WASMEDGE_VERSION by $ARENA_ENGINE"
		install_wasm
	fi
	if [ -n "$ARENA_TOKEN" ]; then
		printf '%s\n' "$ARENA_TOKEN" | put "$STATE/token" 0600
		set -- "$@" --token-file "$STATE/token"
	fi
	put "$BIN/k3s" 0755 <"$staging/k3s"
	if [ -n "$ARENA_AIRGAP_URL" ]; then
		put "$IMAGES" 0644 <"$staging/airgap.tar"
	fi
	run_k3s_installer "$@"
	rm -rf "$staging"
}

# claim makes the node ours, before anything else on it is touched: what is cut off after this can be run again, or undone.
claim() {
	[ ! -f "$STATE/owner" ] || return 0
	mkdir -p "$STATE"
	chmod 0700 "$STATE"
	# Folders that K3s leaves behind are removed in the end only if they were not there before.
	for dir in /etc/rancher /var/lib/rancher /var/lib/kubelet /var/lib/cni /etc/cni /var/log/pods /var/log/containers; do
		[ -e "$dir" ] || echo "$dir"
	done | put "$STATE/folders" 0600
	kubelet_mounts | put "$STATE/kubelet-mounts" 0600
	printf '%s\n' "$role" | put "$STATE/role" 0600
	printf '%s\n' "$ARENA_OWNER" | put "$STATE/owner" 0600
}

# run_k3s_installer has K3s's own installer write unit, links and uninstall script. It does not start K3s: it would wait for ever.
run_k3s_installer() {
	INSTALL_K3S_SKIP_DOWNLOAD=true INSTALL_K3S_SKIP_START=true INSTALL_K3S_BIN_DIR=$BIN INSTALL_K3S_EXEC="$role $*" \
		sh "$staging/install.sh" >"$STATE/install.log" 2>&1 ||
		die "the installer of K3s failed:
$(tail -n 20 "$STATE/install.log")"
}

# finish records what is in place, so that the next run can tell that nothing changed.
finish() {
	set -- "$BIN/k3s" "$(service_file "$service")"
	if [ -f "$TEMPLATE" ]; then set -- "$@" "$TEMPLATE"; fi
	if [ -f "$SHIM" ]; then set -- "$@" "$SHIM"; fi
	if [ -f "$WRAPPER" ]; then set -- "$@" "$WRAPPER"; fi
	sha256sum "$@" | put "$STATE/files.sha256" 0600
	printf '%s\n' "$wanted" | put "$STATE/fingerprint" 0600
}

await_ready() {
	deadline=$((started + ARENA_READY_TIMEOUT))
	until service_active "$service" && node_ready "$ARENA_NODE" "$ARENA_K3S_VERSION"; do
		crashes=0
		if [ "$(service_manager)" = systemd ]; then
			crashes=$(systemctl show -p NRestarts --value "$service" 2>/dev/null || echo 0)
		fi
		if [ "${crashes:-0}" -ge 4 ]; then
			die "K3s on $ARENA_NODE failed $crashes times in a row; the last lines of its log:
$(service_log "$service" "$started")"
		fi
		if [ "$(date +%s)" -ge "$deadline" ]; then
			die "$ARENA_NODE was not Ready within $ARENA_READY_TIMEOUT s; the last lines of K3s's log:
$(service_log "$service" "$started")"
		fi
		sleep 1
	done
	log "$ARENA_NODE: Ready after $(($(date +%s) - started)) s"
}

# admin runs kubectl with the rights of this node: the cluster's admin on a server, the node's own on an agent.
admin() {
	# kubectl would keep a cache in root's home.
	KUBECACHEDIR=$STATE/kubectl
	export KUBECACHEDIR
	if [ -f /etc/rancher/k3s/k3s.yaml ]; then
		"$BIN/k3s" kubectl --kubeconfig /etc/rancher/k3s/k3s.yaml --request-timeout 10s "$@"
	else
		"$BIN/k3s" kubectl --kubeconfig "$DATA/agent/kubelet.kubeconfig" --request-timeout 10s "$@"
	fi
}

# node_ready NAME VERSION is true once the node is Ready with that kubelet, not with the one before an upgrade.
node_ready() {
	[ "$(admin get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status} {.status.nodeInfo.kubeletVersion}' 2>/dev/null)" = "True $2" ]
}

# report prints what the operator's side needs, as JSON. On a server that includes secrets.
report() {
	printf '{"k3s":"%s"' "$("$BIN/k3s" --version | awk 'NR == 1 { print $3 }')"
	if [ "$wasm" = yes ]; then printf ',"wasmedge":"%s"' "$(engine_version)"; fi
	if [ "$role" = server ]; then
		printf ',"token":"%s"' "$(cat "$DATA/server/node-token")"
		printf ',"kubeconfig":"%s"' "$(base64 </etc/rancher/k3s/k3s.yaml | tr -d '\n')"
	fi
	printf '}\n'
}

# uninstall_node leaves the node as it was before.
uninstall_node() {
	if [ ! -f "$STATE/owner" ]; then
		log "$ARENA_NODE: nothing of edge-arena's is here"
		return
	fi
	owner=$(cat "$STATE/owner")
	[ "$owner" = "$ARENA_OWNER" ] || die "$ARENA_NODE is part of $owner, not $ARENA_OWNER: it was left alone"
	for script in k3s-uninstall.sh k3s-agent-uninstall.sh; do
		[ -x "$BIN/$script" ] || continue
		log "$ARENA_NODE: $script"
		# It goes on after errors and ends with that of its last command: what is left is looked at instead.
		"$BIN/$script" >"$STATE/uninstall.log" 2>&1 || true
	done
	if [ -e /etc/systemd/system/k3s.service ] || [ -e /etc/systemd/system/k3s-agent.service ]; then
		die "K3s could not be uninstalled:
$(tail -n 20 "$STATE/uninstall.log")"
	fi
	# A run that was cut off before K3s's installer leaves these.
	rm -f "$BIN/k3s" "$BIN/k3s.new"
	remove_below "$DATA"
	remove_wasm
	# Where / is not shared the kubelet mounts its folder onto itself, and leaves that so.
	while [ "$(kubelet_mounts)" -gt "$(cat "$STATE/kubelet-mounts")" ]; do umount /var/lib/kubelet; done
	while read -r dir; do remove_below "$dir"; done <"$STATE/folders"
	# Shims and crun leave traces here, where another containerd may live too.
	rm -rf /run/containerd/runc/k8s.io
	[ -e /run/containerd/containerd.sock ] || rm -rf /run/containerd
	rmdir /run/crun 2>/dev/null || true
	# Volumes have been removed by now, see modules/storage; what is still there is to be kept.
	find "$STATE" -mindepth 1 -maxdepth 1 ! -name volumes -exec rm -rf {} +
	if ! rmdir "$STATE" 2>/dev/null; then log "$ARENA_NODE: $STATE/volumes was kept"; fi
	log "$ARENA_NODE: uninstalled"
}

kubelet_mounts() { awk '$2 == "/var/lib/kubelet"' /proc/mounts | wc -l; }

# remove_below removes a folder, or its content where it is a mount of somebody else's.
remove_below() {
	[ -d "$1" ] || return 0
	if awk -v dir="$1" '$2 == dir { found = 1 } END { exit !found }' /proc/mounts; then
		find "$1" -xdev -mindepth 1 -delete
	else
		rm -rf "$1"
	fi
}

# join NODE waits, on a server, until the cluster sees a node Ready.
join() {
	deadline=$(($(date +%s) + ARENA_READY_TIMEOUT))
	until node_ready "$1" "$ARENA_K3S_VERSION"; do
		[ "$(date +%s)" -lt "$deadline" ] || die "the cluster did not see $1 Ready within $ARENA_READY_TIMEOUT s"
		sleep 1
	done
	admin uncordon "$1" >/dev/null
}

# leave NODE moves, on a server, a node's pods away and takes it out of the cluster.
leave() {
	if [ ! -x "$BIN/k3s" ] || ! admin get node "$1" >/dev/null 2>&1; then
		log "$1: not in the cluster"
		return
	fi
	log "$1: draining"
	admin drain "$1" --ignore-daemonsets --delete-emptydir-data --force --request-timeout 0 --timeout "${ARENA_DRAIN_TIMEOUT}s" >&2 ||
		die "$1 could not be drained, so it was not removed: make room for its pods on the other nodes, then run again"
	admin delete node "$1" >&2
}
