# Helpers of the installer. The settings ARENA_* are assigned before this text, never exported and never arguments: some are secret.

STATE=/var/lib/edge-arena     # what we did to this node, so that it can be undone
DATA=/var/lib/rancher/k3s     # K3s's own
BIN=/usr/local/bin
IMAGES=$DATA/agent/images/k3s-airgap-images-amd64.tar
CONTAINERD=$DATA/agent/etc/containerd/config.toml
TEMPLATE=$CONTAINERD.tmpl
SYSCTLS=/proc/sys

log() { printf 'edge-arena: %s\n' "$*" >&2; }

die() {
	log "$*"
	exit 1
}

# Checks note what is wrong and go on, so that all of it is reported at once, before anything is changed.
PROBLEMS=
problem() { PROBLEMS="$PROBLEMS
  - $*"; }

die_of_problems() {
	[ -z "$PROBLEMS" ] || die "$ARENA_NODE is not fit for K3s; nothing was changed:$PROBLEMS"
}

has() { command -v "$1" >/dev/null 2>&1; }

sum_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# put FILE MODE writes stdin to FILE at once or not at all.
put() {
	mkdir -p "$(dirname "$1")"
	(umask 077 && cat >"$1.new")
	chmod "$2" "$1.new"
	mv -f "$1.new" "$1"
}

fetch() { # URL FILE
	if has curl; then
		curl -fsSL --retry 3 --connect-timeout 15 -o "$2" "$1" || die "download of $1 failed"
	else
		wget -q -T 30 -O "$2" "$1" || die "download of $1 failed"
	fi
}

# fetch_pinned URL FILE SHA256 [SUMS_URL NAME] leaves FILE only if its checksum is right. Without a pinned checksum the one that is
# published beside it, over TLS, is believed.
fetch_pinned() {
	want=$3
	if [ -z "$want" ]; then
		fetch "$4" "$2.sums"
		want=$(awk -v name="$5" '$2 == name || $2 == "*" name { print $1 }' "$2.sums")
		rm -f "$2.sums"
		[ -n "$want" ] || die "$4 has no checksum of $5"
	fi
	if [ -f "$2" ] && [ "$(sum_of "$2")" = "$want" ]; then return 0; fi
	fetch "$1" "$2.part"
	got=$(sum_of "$2.part")
	if [ "$got" != "$want" ]; then
		rm -f "$2.part"
		die "$1 has SHA-256 $got, not $want: it was not used"
	fi
	mv -f "$2.part" "$2"
}

# reuse INSTALLED STAGED SHA256 takes what is installed for what would be fetched, if it is the same. Without a pinned checksum
# fetch_pinned is about to tell.
reuse() {
	if [ -f "$1" ] && { [ -z "$3" ] || [ "$(sum_of "$1")" = "$3" ]; }; then cp "$1" "$2"; fi
}

# free_mib PATH prints the free space below PATH's nearest existing folder.
free_mib() {
	at=$1
	while [ ! -d "$at" ]; do at=$(dirname "$at"); done
	df -Pk "$at" | awk 'NR == 2 { print int($4 / 1024) }'
}

# The service manager is systemd or OpenRC, the two that K3s's own installer knows.
service_manager() {
	if [ -x /sbin/openrc-run ]; then echo openrc; elif has systemctl && [ -d /run/systemd/system ]; then echo systemd; fi
}

service_active() { [ "$(service_state "$1")" = active ]; } # NAME

# service_state NAME prints active, or what the service is instead.
service_state() {
	case $(service_manager) in
	systemd) systemctl is-active "$1" 2>/dev/null || true ;;
	openrc) if rc-service "$1" status >/dev/null 2>&1; then echo active; else echo inactive; fi ;;
	esac
}

# service_at_boot NAME prints enabled where the service starts with the node.
service_at_boot() {
	case $(service_manager) in
	systemd) systemctl is-enabled "$1" 2>/dev/null || true ;;
	openrc) if [ -e "/etc/runlevels/default/$1" ]; then echo enabled; else echo disabled; fi ;;
	esac
}

service_restart() { # NAME; does not wait, for K3s may never become ready
	case $(service_manager) in
	systemd)
		systemctl reset-failed "$1" 2>/dev/null || true
		systemctl restart --no-block "$1"
		;;
	openrc) rc-service "$1" restart >/dev/null ;;
	esac
}

# service_log NAME SINCE prints the last lines that the service wrote since that time.
service_log() {
	case $(service_manager) in
	systemd) journalctl -u "$1" --since "@$2" -n 40 -o cat --no-pager 2>/dev/null ;;
	openrc) tail -n 40 "/var/log/$1.log" 2>/dev/null ;;
	esac
}

service_file() { # NAME
	case $(service_manager) in
	openrc) echo "/etc/init.d/$1" ;;
	*) echo "/etc/systemd/system/$1.service" ;;
	esac
}

service_name() { # ROLE
	if [ "$1" = server ]; then echo k3s; else echo k3s-agent; fi
}
