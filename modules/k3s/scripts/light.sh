# WasmEdge without LLVM, where the host has it: made by internal/wasmlight/light/build.sh, as in the rig's nodes, of the very WasmEdge that is installed. Without it pods run as well,
# but each spends time and memory on linking a compiler that nobody calls.

LIGHT=/usr/local/lib/edge-arena

# light_crun prints the crun that starts Wasm pods.
light_crun() { if light_works; then echo "$LIGHT/crun"; else command -v crun; fi; }

# light_works tells whether it is there, starts, and is for the libwasmedge that is installed: another one may ask more of LLVM.
light_works() {
	[ -x "$LIGHT/crun" ] && "$LIGHT/crun" --version 2>/dev/null | grep -q '+WASM:wasmedge' || return 1
	rmdir /run/crun 2>/dev/null || true
	[ "$(LD_LIBRARY_PATH=$LIGHT LD_BIND_NOW=1 wasmedge --version 2>/dev/null | awk '{ print $NF; exit }')" = "$ARENA_WASMEDGE_VERSION" ]
}

# tell_light says what a host lacks that does without.
tell_light() {
	light_works || log "$ARENA_NODE: each battle pod links LLVM as it starts: $LIGHT would spare it that (docs/operations.md)"
}
