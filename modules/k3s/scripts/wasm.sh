# --wasm: WasmEdge and its containerd handler `wasmedge`. K3s has no such flag of its own.

SHIM=$BIN/containerd-shim-wasmedge-v1

check_wasm() {
	# Where K3s finds a shim it writes the same handler itself, in a form that containerd cannot start; two are an error in its config.
	for dir in /opt/kwasm/bin /usr/bin /usr/sbin; do
		[ ! -e "$dir/containerd-shim-wasmedge-v1" ] ||
			problem "$dir/containerd-shim-wasmedge-v1 would get a second handler \`wasmedge\` from K3s: move it to another folder"
	done
	if [ "$ARENA_ENGINE" = shim ]; then
		has tar || problem "it has no tar: install it"
		return
	fi
	tell_interpreted
	if crun_runs_wasm && [ "$(wasmedge_version)" = "$ARENA_WASMEDGE_VERSION" ]; then return; fi
	if has crun && ! crun_runs_wasm; then
		problem "its crun is built without WasmEdge ($(crun_version | tail -n 1)): install one with +WASM:wasmedge, or set wasm.engine: shim"
		return
	fi
	if [ -n "$(wasmedge_version)" ]; then
		problem "its WasmEdge is $(wasmedge_version), not $ARENA_WASMEDGE_VERSION: install that version, or ask for this one as wasm.version"
		return
	fi
	if ! has apt-get; then
		problem "it has no crun with WasmEdge, and no apt to install one: set wasm.engine: shim"
		return
	fi
	candidate=$(apt_candidate)
	if [ -z "$candidate" ]; then
		log "reading the package lists"
		apt-get update -qq >&2 || true
		candidate=$(apt_candidate)
	fi
	case $candidate in
	"$ARENA_WASMEDGE_VERSION" | "$ARENA_WASMEDGE_VERSION"[-+~]*) ;;
	*) problem "its distribution offers WasmEdge ${candidate:-in no version}, not $ARENA_WASMEDGE_VERSION: set wasm.engine: shim, or ask for a version that it has" ;;
	esac
}

crun_runs_wasm() { has crun && crun_version | grep -q '+WASM:wasmedge'; }

# crun makes its state folder even to tell its version: a check must leave no trace.
crun_version() {
	crun --version 2>/dev/null
	rmdir /run/crun 2>/dev/null || true
}

# The command and crun load the same libwasmedge, so the version of one is that of the other.
wasmedge_version() {
	if has wasmedge; then wasmedge --version 2>/dev/null | awk '{ print $NF; exit }'; fi
}

apt_candidate() { LC_ALL=C apt-cache policy wasmedge 2>/dev/null | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }

install_wasm() {
	if [ "$ARENA_ENGINE" = shim ]; then install_shim; else install_crun; fi
	handler | put "$TEMPLATE" 0644
}

install_crun() {
	if ! crun_runs_wasm || [ -z "$(wasmedge_version)" ]; then
		log "installing crun and wasmedge"
		# What apt is about to add is noted first, so that a cut-off run can still be undone. Packages that are there already are not ours.
		LC_ALL=C apt-get install -s --no-install-recommends crun wasmedge |
			awk '$1 == "Inst" && $3 !~ /^\[/ { print $2 }' >>"$STATE/packages"
		# A host that has just booted is often busy with its own updates: apt waits for them.
		DEBIAN_FRONTEND=noninteractive apt-get install -o DPkg::Lock::Timeout=300 -y -qq --no-install-recommends crun wasmedge >"$STATE/apt.log" 2>&1 ||
			die "apt-get install crun wasmedge failed:
$(tail -n 20 "$STATE/apt.log")"
		rm -f "$STATE/apt.log"
	fi
	crun_runs_wasm || die "the crun of this distribution is built without WasmEdge: set wasm.engine: shim"
	[ "$(wasmedge_version)" = "$ARENA_WASMEDGE_VERSION" ] ||
		die "WasmEdge is $(wasmedge_version), not $ARENA_WASMEDGE_VERSION"
	tell_light
	install_wrapper
}

install_shim() {
	tar -xzf "$STATE/staging/shim.tar.gz" -C "$STATE/staging" containerd-shim-wasmedge-v1 ||
		die "$ARENA_SHIM_URL holds no containerd-shim-wasmedge-v1"
	put "$SHIM" 0755 <"$STATE/staging/containerd-shim-wasmedge-v1"
}

# handler prints the template of containerd's config: K3s's own, then ours.
handler() {
	printf '{{ template "base" . }}\n\n'
	if [ "$ARENA_ENGINE" = shim ]; then
		printf '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."wasmedge"]\n'
		printf '  runtime_type = "io.containerd.wasmedge.v1"\n'
		return
	fi
	cat <<-END
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."wasmedge"]
		  runtime_type = "io.containerd.runc.v2"
		  pod_annotations = ["run.oci.handler", "module.wasm.image/*", "io.containerd.runc.v2.group"]
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."wasmedge".options]
		  BinaryName = "$(handler_crun)"
		  SystemdCgroup = {{ .SystemdCgroup }}
	END
}

# engine_version prints the WasmEdge that runs; that of a shim follows from the checksum of its archive.
engine_version() {
	if [ "$ARENA_ENGINE" = shim ]; then echo "$ARENA_WASMEDGE_VERSION"; else wasmedge_version; fi
}

remove_wasm() {
	rm -f "$SHIM"
	[ -s "$STATE/packages" ] || return 0
	log "removing the packages that --wasm brought"
	# The names are apt's own and hold no white space.
	# shellcheck disable=SC2046
	DEBIAN_FRONTEND=noninteractive apt-get purge -o DPkg::Lock::Timeout=300 -y -qq $(sort -u "$STATE/packages") >"$STATE/apt.log" 2>&1 ||
		die "apt-get purge failed:
$(tail -n 20 "$STATE/apt.log")"
}
