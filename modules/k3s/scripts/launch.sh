
EDGE_ARENA_END
}
if [ "$(id -u)" = 0 ]; then
	script | sh -s -- "$@"
	exit
fi
if ! command -v sudo >/dev/null 2>&1; then
	echo "edge-arena: user $(id -un) is not root and there is no sudo: install sudo, or log in as root" >&2
	exit 1
fi
if ! sudo -n true </dev/null 2>/dev/null; then
	echo "edge-arena: sudo asks user $(id -un) for a password: allow it without (NOPASSWD in /etc/sudoers.d), or log in as root" >&2
	exit 1
fi
script | sudo -n sh -s -- "$@"
