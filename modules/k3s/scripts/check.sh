# Checks that change nothing.

check_host() {
	[ "$(uname -s)" = Linux ] || problem "it runs $(uname -s): K3s needs Linux"
	case $(uname -m) in
	x86_64 | amd64) ;;
	*) problem "its architecture is $(uname -m): the checksums of K3s and the city's services are kept for x86_64 alone, whatever the battle image is for" ;;
	esac
	[ -n "$(service_manager)" ] || problem "neither systemd nor OpenRC manages its services: K3s needs one of them"
	has curl || has wget || problem "it has neither curl nor wget: install one of them"
	for tool in sha256sum awk df base64; do
		has "$tool" || problem "it has no $tool: install coreutils and awk"
	done
}

# check_owner ROLE refuses a node of somebody else's and a K3s that is not ours.
check_owner() {
	if [ -f "$STATE/owner" ]; then
		owner=$(cat "$STATE/owner")
		was=$(cat "$STATE/role" 2>/dev/null || true)
		[ "$owner" = "$ARENA_OWNER" ] ||
			problem "it is already part of $owner, not $ARENA_OWNER: remove it there first (take it out of that config and run pulumi up)"
		[ -z "$was" ] || [ "$was" = "$1" ] ||
			problem "it is installed as $was, not $1: take it out of the config, run pulumi up, then add it again with its new role"
		return
	fi
	found=
	for file in $BIN/k3s /opt/bin/k3s /usr/bin/k3s /etc/systemd/system/k3s.service /etc/systemd/system/k3s-agent.service \
		/etc/init.d/k3s /etc/init.d/k3s-agent; do
		if [ -e "$file" ]; then found=${found:-$file}; fi
	done
	[ -n "$found" ] || return 0
	version=
	for file in $BIN/k3s /opt/bin/k3s /usr/bin/k3s; do
		if [ -z "$version" ] && [ -x "$file" ]; then
			version=$("$file" --version 2>/dev/null | awk 'NR == 1 { print $3 }') || true
		fi
	done
	problem "it already has K3s ${version:-of an unknown version} ($found), which edge-arena did not install: remove it with $BIN/k3s-uninstall.sh (its workloads and data go too), or use another host"
}

check_space() {
	need=1024
	[ -x "$BIN/k3s" ] && need=512
	check_free /var/lib/rancher "$need"
	check_free /usr/local 200
	check_free /var/lib/edge-arena 300
}

check_free() { # PATH MIB
	have=$(free_mib "$1")
	[ "$have" -ge "$2" ] || problem "$1 has $have MiB free, $2 MiB are needed: make room or use a larger disk"
}
