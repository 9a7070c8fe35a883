#!/bin/sh
# Unpacks Debian packages, of another release or architecture than the machine's too, with all that they depend on: unpack.sh <suite> <architecture> <folder> <package>...
# Nothing is installed: apt is given a state of its own in which there is nothing yet, so that it names, fetches and checks all that is needed.
set -eu
suite=$1 arch=$2 dir=$3
shift 3
mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial" "$dir/root"
: >"$dir/state/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" >"$dir/sources.list"
apt() {
	apt-get -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State="$dir/state" -o Dir::State::status="$dir/state/status" \
		-o Dir::Cache="$dir/cache" -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=- -o Dir::Etc::preferencesparts=- \
		-o APT::Sandbox::User="$(id -un)" "$@"
}
apt update
apt -y --no-install-recommends --download-only install "$@"
for package in "$dir"/cache/archives/*.deb; do dpkg-deb -x "$package" "$dir/root"; done
# What dpkg would find there from the start.
for folder in bin lib lib64; do
	[ ! -d "$dir/root/usr/$folder" ] || ln -s "usr/$folder" "$dir/root/$folder"
done
rm -rf "$dir/state" "$dir/cache" "$dir/root/usr/share/doc" "$dir/root/usr/share/locale"
