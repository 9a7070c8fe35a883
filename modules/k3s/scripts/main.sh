# install.sh server|agent [--wasm] FLAG...   brings the node up; the flags are K3s's own, all but --wasm
# install.sh inspect server|agent [--wasm] FLAG...   prints how the node differs from that, as JSON, and changes nothing
# install.sh claim server|agent [--wasm]     checks that it can, and changes nothing yet
# install.sh uninstall                       takes it away again
# install.sh join|leave NODE                 on a server: another node comes or goes
main() {
	set -eu
	LC_ALL=C
	PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	export LC_ALL PATH
	verb=$1
	shift
	case $verb in
	server | agent | inspect)
		role=$verb wasm=no
		if [ "$verb" = inspect ]; then
			role=$1
			shift
		fi
		for flag in "$@"; do
			shift
			if [ "$flag" = --wasm ]; then wasm=yes; else set -- "$@" "$flag"; fi
		done
		if [ "$verb" = inspect ]; then inspect "$@"; else install_node "$@"; fi
		;;
	claim)
		role=$1
		check_host
		check_owner "$role"
		if [ "${2:-}" = --wasm ]; then check_wasm; fi
		if [ ! -f "$STATE/owner" ]; then check_space; fi
		die_of_problems
		claim
		;;
	uninstall) uninstall_node ;;
	join) join "$1" ;;
	leave) leave "$1" ;;
	*) die "unknown command $verb" ;;
	esac
}
# This text arrives on stdin: nothing that runs may read the rest of it.
main "$@" </dev/null
