# image.sh import NAME SHA256    puts an OCI archive where K3s keeps images and loads it
# image.sh remove NAME SHA256    takes both away
# The archive is ARENA_ARCHIVE, in base64, or the uploaded file ARENA_UPLOAD. ARENA_REFERENCES are the names that the
# image has in it, and ARENA_DIGEST what they stand for.
image() {
	set -eu
	file=/var/lib/rancher/k3s/agent/images/edge-arena-$2-$(printf %.12s "$3").tar
	k3s=/usr/local/bin/k3s
	# How many resources have brought this archive. An update that fails and is taken back leaves two: the one that the way back made,
	# and the one that is then deleted as replaced. What the first needs must outlive the second.
	users=/var/lib/edge-arena/images/$(basename "$file")
	count=$(cat "$users" 2>/dev/null || echo 0)
	case $1 in
	import)
		if [ ! -f "$file" ] || [ "$(sha256sum "$file" | cut -d ' ' -f 1)" != "$3" ]; then
			mkdir -p "$(dirname "$file")"
			# K3s loads whatever is called .tar: the name comes last, when the content is known to be right.
			if [ -n "$ARENA_UPLOAD" ]; then
				cp "$ARENA_UPLOAD" "$file.new"
			else
				printf %s "$ARENA_ARCHIVE" | base64 -d >"$file.new"
			fi
			got=$(sha256sum "$file.new" | cut -d ' ' -f 1)
			if [ "$got" != "$3" ]; then
				rm -f "$file.new"
				echo "edge-arena: image $2 arrived with SHA-256 $got, not $3" >&2
				exit 1
			fi
			mv -f "$file.new" "$file"
		fi
		if [ -n "$ARENA_UPLOAD" ]; then rm -f "$ARENA_UPLOAD"; fi
		"$k3s" ctr -n k8s.io images import --all-platforms "$file" >&2
		# Pods never pull it, so the kubelet must not remove it when the disk fills up while none of them runs.
		for name in $ARENA_REFERENCES; do
			"$k3s" ctr -n k8s.io images label "$name" io.cri-containerd.pinned=pinned >&2 ||
				echo "edge-arena: image $name is not pinned: the kubelet may remove it when nothing uses it" >&2
		done
		mkdir -p "$(dirname "$users")"
		echo $((count + 1)) >"$users"
		;;
	remove)
		if [ "$count" -gt 1 ]; then
			echo $((count - 1)) >"$users"
			return 0
		fi
		rm -f "$file" "$users"
		if [ ! -x "$k3s" ]; then return 0; fi
		# A tag may name the image's successor by now, and the kubelet may have removed what nothing uses.
		for name in $ARENA_REFERENCES; do
			if "$k3s" ctr -n k8s.io images ls "name==$name" | grep -q "$ARENA_DIGEST"; then
				"$k3s" ctr -n k8s.io images rm "$name" >&2
			fi
		done
		;;
	esac
}
image "$@" </dev/null
