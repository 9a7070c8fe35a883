# Nodes that cannot run the native code in an image. The Wasm module that it was made from lies beside it, and is interpreted there.

CPUINFO=/proc/cpuinfo
WRAPPER=$STATE/crun

# interpreted_because prints what keeps the node from running native code, nothing where it can. That is made for x86-64-v2 or for Armv8.0-A, which each arm64 has,
# and WasmEdge runs it without a look at the processor. It calls functions of WasmEdge 0.14's; another version would refuse it, or have others in their place.
interpreted_because() {
	case $ARENA_WASMEDGE_VERSION in
	0.14.*) ;;
	*) printf 'its WasmEdge is %s and not 0.14' "$ARENA_WASMEDGE_VERSION" && return ;;
	esac
	[ "$(uname -m)" = x86_64 ] || return 0
	missing=
	for feature in cx16 lahf_lm pni popcnt sse4_1 sse4_2 ssse3; do
		grep -qE "^flags.* $feature( |\$)" "$CPUINFO" || missing="$missing $feature"
	done
	[ -z "$missing" ] || printf 'its processor has no%s, so less than x86-64-v2' "$missing"
}

# tell_interpreted says what it means, before anything is changed.
tell_interpreted() {
	why=$(interpreted_because)
	[ -n "$why" ] || return 0
	log "$ARENA_NODE: battle servers are interpreted there, and need many times as much of the processor: $why. A virtual machine can be given its host's processor type"
}

# handler_crun prints the program that containerd runs for Wasm pods.
handler_crun() { if [ -n "$(interpreted_because)" ]; then echo "$WRAPPER"; else light_crun; fi; }

# install_wrapper puts the wrapper where it is needed, and takes it away where it is not.
install_wrapper() { if [ -n "$(interpreted_because)" ]; then wrapper | put "$WRAPPER" 0755; else rm -f "$WRAPPER"; fi; }

# wanted_wrapper prints the checksum that the wrapper must have, nothing where there is to be none.
wanted_wrapper() { if [ -n "$(interpreted_because)" ]; then wrapper | sha256sum | cut -d ' ' -f 1; fi; }

# wrapper prints a program that runs crun, and before that has a container which is made run the module /x.wasm instead of the library /x.so.
wrapper() {
	cat <<-'END'
		#!/bin/sh
		# edge-arena: this node cannot run native code that was made of Wasm modules.
		bundle=. create='' before=''
		for arg; do
		    case $before in --bundle | -b) bundle=$arg ;; esac
		    case $arg in create | run) create=yes ;; --bundle=*) bundle=${arg#*=} ;; esac
		    before=$arg
		done
		if [ -n "$create" ]; then
		    name=$(sed -n 's/.*"args": *\[ *"\/\([A-Za-z0-9_-]*\)\.so".*/\1/p' "$bundle/config.json")
		    if [ -n "$name" ] && [ -f "$bundle/rootfs/$name.wasm" ]; then
		        sed -i "s|\"args\": *\[ *\"/$name\.so\"|\"args\":[\"/$name.wasm\"|" "$bundle/config.json"
		    fi
		fi
	END
	printf 'exec %s "$@"\n' "$(light_crun)"
}
