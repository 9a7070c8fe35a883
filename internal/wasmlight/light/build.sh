#!/bin/sh
# build.sh LIBWASMEDGE FOLDER CRUN   makes, of Debian's WasmEdge, one that starts without LLVM.
#
# libwasmedge is linked with libLLVM, 130 MB that only its compiler has a use for: a process that runs code which was compiled ahead of time spends most of its start
# and of its memory on linking it. FOLDER gets a library of that name that has all that libwasmedge asks of it and does nothing, and `crun`, which starts
# CRUN with it. Whatever else runs on the host links LLVM itself. It takes a C compiler and binutils.
set -eu
lib=$1 folder=$2 crun=$3
here=$(dirname "$0")
soname=$(readelf -dW "$lib" | sed -n 's/.*(NEEDED).*\[\(libLLVM[^]]*\)\].*/\1/p')
[ -n "$soname" ] || {
	echo "$lib is not linked with LLVM: there is nothing to leave out" >&2
	exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What libwasmedge asks for, as kind and name.
readelf --dyn-syms -W "$lib" | awk '$7 == "UND" && split($8, name, "@") > 1 && name[2] ~ /^LLVM/ { print $4, name[1], name[2] }' >"$work/symbols"
version=$(awk '{ print $3 }' "$work/symbols" | sort -u)
[ "$(echo "$version" | wc -w)" = 1 ] || {
	echo "$lib asks for LLVM of these versions: ${version:-none}; one is expected" >&2
	exit 1
}
cat >"$work/llvm.c" <<'C'
#include <stdlib.h>
#include <unistd.h>

/* Stands for each function of LLVM: only the compiler calls them. */
void light_refuse(void)
{
	static const char why[] = "edge-arena: this WasmEdge runs code that was compiled ahead of time; it cannot compile any, for it has no LLVM\n";
	ssize_t n = write(2, why, sizeof why - 1);
	(void)n;
	abort();
}

/* Called as the process ends, by what libwasmedge has of LLVM within itself, for memory that was never asked for. */
void light_ignore(void) {}
C
awk '
	function quote(s) { return "\\\"" s "\\\"" }
	$1 == "FUNC" || $1 == "NOTYPE" {
		to = $2 == "_ZN4llvm17deallocate_bufferEPvmm" ? "light_ignore" : "light_refuse"
		printf "__asm__(\".globl %s\\n.type %s,%%function\\n.set %s,%s\\n\");\n", quote($2), quote($2), quote($2), to
	}
	# Nobody looks at what these hold either: 256 bytes are more than any of them has.
	$1 == "OBJECT" || $1 == "TLS" {
		section = $1 == "TLS" ? ".section .tbss,\\\"awT\\\",%nobits" : ".bss"
		printf "__asm__(\"%s\\n.balign 16\\n.globl %s\\n.type %s,%%object\\n.size %s,256\\n%s: .zero 256\\n.text\\n\");\n",
			section, quote($2), quote($2), quote($2), quote($2)
	}' "$work/symbols" >>"$work/llvm.c"
echo "$version { global: *; };" >"$work/llvm.map"

mkdir -p "$folder"
cc -O1 -shared -fPIC -Wl,-soname,"$soname" -Wl,--version-script="$work/llvm.map" -Wl,-z,now -o "$folder/$soname" "$work/llvm.c"
cc -O1 -static -DFOLDER="\"${PREFIX:-$folder}\"" -DCRUN="\"$crun\"" -o "$folder/crun" "$here/crun.c"
