#!/bin/sh
# Makes the root file system of a rig's node: build.sh <suite> <root> <package>...
# It runs in mount and process namespaces of its own (see nodeimage.go), so that a killed build leaves no mounts or processes.
set -eu
suite=$1 root=$2
shift 2

debootstrap --variant=minbase "$suite" "$root"

mount -t proc proc "$root/proc"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
# No package may start its daemon in a chroot.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
# Left out while unpacking, for nobody reads them on a throw-away node.
cat >"$root/etc/dpkg/dpkg.cfg.d/rig" <<'CFG'
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/bash-completion/*
path-exclude=/usr/share/zsh/*
force-unsafe-io
CFG

# apt and not debootstrap's --include: debootstrap doesn't resolve alternatives, and wasmedge's dependencies need that.
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
in_root() { chroot "$root" "$@"; }
in_root apt-get -q update
in_root apt-get -q -y --no-install-recommends install "$@"
in_root apt-get -q clean

# Users: edge may become root without a password, ops may not. '*' and not '!': sshd takes the latter for a locked account.
for user in edge ops; do
	in_root useradd --create-home --shell /bin/bash --password '*' "$user"
done
echo 'edge ALL=(ALL:ALL) NOPASSWD:ALL' >"$root/etc/sudoers.d/edge"
chmod 440 "$root/etc/sudoers.d/edge"

# The rig's key opens all three accounts. Host keys are put in when a node is made, never kept in the image.
rm -f "$root"/etc/ssh/ssh_host_*
cat >"$root/etc/ssh/sshd_config.d/rig.conf" <<'CFG'
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/rig_authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
# Pulumi opens many connections at once.
MaxStartups 100:30:200
MaxSessions 100
# Tests log in with wrong keys on purpose: that must not lock their address out afterwards.
PerSourcePenalties no
CFG

# Daemons that a node must not run by itself: K3s brings a containerd of its own, nobody sits at a console, nothing is fetched
# by timers, and host keys are not made at boot.
in_root systemctl disable containerd.service getty@tty1.service fstrim.timer dpkg-db-backup.timer apt-daily.timer \
	apt-daily-upgrade.timer systemd-pstore.service
in_root systemctl mask getty-static.service console-getty.service sshd-keygen.service systemd-firstboot.service \
	systemd-tmpfiles-clean.timer systemd-udevd.service systemd-random-seed.service
in_root systemctl enable ssh.service
in_root systemctl set-default multi-user.target
# What a container shares with its host's kernel isn't the node's to set or to mount.
in_root systemctl mask proc-sys-fs-binfmt_misc.automount systemd-binfmt.service sys-kernel-debug.mount \
	sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount
rm -f "$root"/usr/lib/sysctl.d/*.conf
mkdir -p "$root/etc/systemd/journald.conf.d"
cat >"$root/etc/systemd/journald.conf.d/rig.conf" <<'CFG'
[Journal]
Storage=volatile
RuntimeMaxUse=64M
RateLimitIntervalSec=0
# The kernel log is that of the host.
ReadKMsg=no
CFG

# Without it each login complains in the journal.
: >"$root/etc/default/locale"

# Every node draws its own identity at its first boot.
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"

rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/log/* "$root"/usr/share/locale/* \
	"$root"/usr/share/man/* "$root"/usr/share/doc/* "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf"
umount "$root/dev/pts" "$root/proc"
