# What of a node differs from what was asked for. Nothing here changes it. The installer runs again where something differs, and `arena
# drift` tells of the same: whatever stands here is mended by another run, or refused by its checks with the reason.
#
# The caller sets role, wasm and service.

# read_node reads what is asked about more than once.
read_node() {
	k3s_version='' k3s_sum='' wasmedge=''
	# A K3s of somebody else's is not run.
	[ -f "$STATE/owner" ] || return 0
	if [ -f "$BIN/k3s" ]; then
		k3s_version=$("$BIN/k3s" --version 2>/dev/null | awk 'NR == 1 { print $3 }') || true
		k3s_sum=$(sum_of "$BIN/k3s")
	fi
	if [ "$wasm" = yes ]; then wasmedge=$(engine_version); fi
}

# differ ITEM WANTED FOUND prints what differs, on a line, separated by tabs. Where it is not known what was wanted there is nothing to
# differ from.
differ() {
	[ -n "$2" ] && [ "$2" != "$3" ] || return 0
	printf '%s\t%s\t%s\n' "$1" "$(one_line "$2")" "$(one_line "${3:-nothing}")"
}

one_line() { printf '%s' "$1" | tr '\t\n' '  '; }

# differences FLAG... prints a line for each difference.
differences() {
	if [ ! -f "$STATE/owner" ]; then
		differ K3s "$ARENA_K3S_VERSION" 'not installed'
		return 0
	fi
	if [ "$(cat "$STATE/owner")" != "$ARENA_OWNER" ]; then
		# Nothing else of it is ours to look at.
		differ owner "$ARENA_OWNER" "$(cat "$STATE/owner")"
		return 0
	fi
	differ role "$role" "$(cat "$STATE/role" 2>/dev/null)"
	differ service active "$(service_state "$service")"
	differ 'service at boot' enabled "$(service_at_boot "$service")"
	differ K3s "$ARENA_K3S_VERSION" "$k3s_version"
	differ 'K3s binary' "${ARENA_K3S_SHA256:-$(recorded "$BIN/k3s")}" "$k3s_sum"
	unit_differences "$@"
	differ settings "$(fingerprint "$role" "$wasm" "$@")" "$(cat "$STATE/fingerprint" 2>/dev/null)"
	if [ -n "$ARENA_AIRGAP_URL" ]; then differ 'air-gap images' "$ARENA_AIRGAP_SHA256" "$(sum_if_there "$IMAGES")"; fi
	if [ "$wasm" = yes ]; then wasm_differences; fi
	sysctl_differences
	return 0
}

# recorded FILE prints the checksum that a file had when the installer was done.
recorded() { awk -v name="$1" '$2 == name { print $1 }' "$STATE/files.sha256" 2>/dev/null || true; }

sum_if_there() { if [ -f "$1" ]; then sum_of "$1"; fi; }

# unit_differences tells of the flags in the file that starts K3s, or, where they are the same, of anything else in it.
unit_differences() {
	unit=$(service_file "$service")
	if [ ! -f "$unit" ]; then
		differ unit "$unit" nothing
		return 0
	fi
	if joins "$@"; then
		# What the file holds was compared when it was written; it is a secret.
		[ -s "$STATE/token" ] || differ 'token file' "$STATE/token" nothing
		set -- "$@" --token-file "$STATE/token"
	fi
	flags=$({ printf '%s\n' "$role" "$@" EDGE_ARENA_FOUND; unit_words "$unit"; } | flag_difference)
	if [ -n "$flags" ]; then
		printf 'flags\t%s\n' "$flags"
	else
		differ unit "$(recorded "$unit")" "$(sum_of "$unit")"
	fi
}

# joins tells a node that joins a cluster, and therefore has its token, from the one that makes it.
joins() { case " $* " in *' --server '*) ;; *) return 1 ;; esac }

# unit_words FILE prints the words of the command line that systemd's unit or OpenRC's script starts K3s with, one a line. Both are
# quoted as for a shell, which is how xargs reads them.
unit_words() {
	awk '
		sub(/^ExecStart=/, "") || sub(/^command_args="/, "") { on = 1 }
		on { sub(/ *>>.*/, ""); on = sub(/\\$/, ""); print }' "$1" | xargs printf '%s\n' 2>/dev/null || true
}

# flag_difference reads the words that are wanted and those that are found, and prints what of them differs: all between the first and the
# last flag that do. Their order counts. A value that may be secret is not shown.
flag_difference() {
	awk '
		BEGIN { side = n[0] = n[1] = 0 }
		$0 == "EDGE_ARENA_FOUND" { side = 1; next }
		side && !n[1] && /^\// { next } # the program
		/^-/ || !n[side] { flag[side, ++n[side]] = $0; next }
		{ flag[side, n[side]] = flag[side, n[side]] " " $0 } # a value belongs to its flag
		function shown(s) {
			if (s ~ /^--?[a-z0-9-]*(token|secret|password|access-key|endpoint)[a-z0-9-]*[= ]/ && s !~ /^--?[a-z0-9-]*-file[= ]/) sub(/[= ].*/, " (hidden)", s)
			gsub(/\t/, " ", s)
			return s
		}
		function part(side, from, cut,   i, s) {
			for (i = from; i <= n[side] - cut; i++) s = s (s == "" ? "" : " ") shown(flag[side, i])
			return s == "" ? "nothing" : s
		}
		END {
			from = 1
			while (from <= n[0] && from <= n[1] && flag[0, from] == flag[1, from]) from++
			if (from > n[0] && from > n[1]) exit
			while (n[0] - cut >= from && n[1] - cut >= from && flag[0, n[0] - cut] == flag[1, n[1] - cut]) cut++
			print part(0, from, cut) "\t" part(1, from, cut)
		}'
}

wasm_differences() {
	if [ "$ARENA_ENGINE" = shim ]; then
		differ shim "$(recorded "$SHIM")" "$(sum_if_there "$SHIM")"
	else
		if ! crun_runs_wasm; then differ crun +WASM:wasmedge "$(crun_version | tail -n 1)"; fi
		differ WasmEdge "$ARENA_WASMEDGE_VERSION" "$wasmedge"
		differ 'crun wrapper' "$(wanted_wrapper)" "$(sum_if_there "$WRAPPER")"
	fi
	# The first line of the template that is another one.
	handler | awk -v file="$TEMPLATE" '
		function shown(s) { gsub(/\t/, " ", s); return s == "" ? "an empty line" : s }
		{
			there = (getline line < file) > 0
			if (there && line == $0) next
			print "containerd template\t" shown($0) "\t" (there ? shown(line) : "nothing")
			done = 1
			exit
		}
		END { if (!done && (getline line < file) > 0) print "containerd template\tnothing\t" shown(line) }'
	# K3s makes the config of the template when it starts. What it fills in is not known here.
	handler | awk -v file="$CONTAINERD" '
		BEGIN { while ((getline line < file) > 0) there[line] = 1 }
		$0 != "" && !index($0, "{{") && !($0 in there) { print "containerd config\t" $0 "\tnothing"; exit }'
}

# sysctl_differences tells of the kernel's settings that K3s sets when it starts. One that may not be written here, as in some containers,
# is not K3s's to set either.
sysctl_differences() {
	kernel_settings | while read -r name value _; do
		file=$SYSCTLS/$(printf '%s' "$name" | tr . /)
		if [ -r "$file" ] && [ -w "$file" ]; then differ "sysctl $name" "$value" "$(cat "$file")"; fi
	done
}

# kernel_settings prints name, value and who sets it: K3s (pkg/agent/syssetup) or the kubelet in it (pkg/kubelet/cm). Left out are IPv6,
# which is the node's choice, conntrack's sizes, which follow from the number of cores, and what kube-proxy sets in some of its modes.
kernel_settings() {
	cat <<-END
		net.ipv4.ip_forward 1 K3s, as net.ipv4.conf.all.forwarding: pods reach others through the node
		net.ipv4.conf.default.forwarding 1 K3s: the same for interfaces to come
		net.bridge.bridge-nf-call-iptables 1 K3s: services are reached from pods of the same bridge
		vm.overcommit_memory 1 kubelet: memory limits are the groups' to keep
		vm.panic_on_oom 0 kubelet: out of memory, a process goes and not the node
		kernel.panic 10 kubelet: a node that panics is back after 10 s
		kernel.panic_on_oops 1 kubelet: rather than go on with a broken kernel
		kernel.keys.root_maxkeys 1000000 kubelet: a key for each container
		kernel.keys.root_maxbytes 25000000 kubelet: room for them
	END
}

# inspect prints how the node is as JSON, without secrets.
inspect() {
	service=$(service_name "$role")
	read_node
	changes=$(differences "$@") || die "$ARENA_NODE could not be read"
	{
		printf '%s\n' "$ARENA_NODE" "$k3s_version" "$k3s_sum" "$wasmedge"
		printf '%s' "${changes:+$changes
}"
	} | tr -d '\000-\010\013-\037' | awk -F '\t' '
		function quoted(s,   i, c, out) {
			for (i = 1; i <= length(s); i++) {
				c = substr(s, i, 1)
				out = out (c == "\\" || c == "\"" ? "\\" : "") c
			}
			return "\"" out "\""
		}
		NR == 1 { printf "{\"node\":%s", quoted($0) }
		NR == 2 { printf ",\"k3s\":%s", quoted($0) }
		NR == 3 { printf ",\"k3sSHA256\":%s", quoted($0) }
		NR == 4 { printf ",\"wasmedge\":%s,\"differences\":[", quoted($0) }
		NR > 4 { printf "%s{\"item\":%s,\"wanted\":%s,\"found\":%s}", (NR > 5 ? "," : ""), quoted($1), quoted($2), quoted($3) }
		END { print "]}" }'
}
