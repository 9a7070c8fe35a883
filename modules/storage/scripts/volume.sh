# volume.sh make FOLDER UID        makes the folder of a volume, for that user alone
# volume.sh remove FOLDER KEEP     removes it, unless KEEP is yes
volume() {
	set -eu
	folder=$2
	case $folder in
	/var/lib/edge-arena/volumes/*/*) ;;
	*)
		echo "edge-arena: $folder is not the folder of a volume" >&2
		exit 1
		;;
	esac
	case $1 in
	make)
		mkdir -p "$folder"
		# Not what is in it: that is the pod's.
		chown "$3:$3" "$folder"
		chmod 0700 "$folder"
		;;
	remove)
		if [ "$3" = yes ]; then
			if [ -d "$folder" ]; then echo "edge-arena: $folder was kept: remove it by hand when nobody needs it any more" >&2; fi
			return 0
		fi
		# The pod may still be writing: what it makes while its folder goes has the folder stay.
		for attempt in 1 2 3 4 5; do
			if rm -rf "$folder" 2>/dev/null; then break; fi
			sleep 1
		done
		rm -rf "$folder"
		# The folders above it go with the last volume.
		rmdir "$(dirname "$folder")" /var/lib/edge-arena/volumes 2>/dev/null || true
		;;
	esac
}
volume "$@" </dev/null
