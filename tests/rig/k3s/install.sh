#!/bin/sh
# Installer of the K3s stand-in. It honors the part of the K3s installer's interface that edge-arena uses, with a k3s binary that is
# already in place (INSTALL_K3S_SKIP_DOWNLOAD=true):
#
#   INSTALL_K3S_EXEC, arguments  the command ("server" or "agent") and its flags; the default command is agent where K3S_URL is set
#   K3S_*                        kept in the unit's environment file, readable to root alone
#   INSTALL_K3S_NAME             suffix of the unit's name
#   INSTALL_K3S_BIN_DIR          where k3s is (default /usr/local/bin)
#   INSTALL_K3S_SKIP_ENABLE, INSTALL_K3S_SKIP_START, INSTALL_K3S_FORCE_RESTART
#
# Run again with the same input it changes nothing, and restarts nothing.
set -e
set -o noglob

info() { echo "[INFO]  (stand-in) $*"; }
fatal() { echo "[ERROR]  (stand-in) $*" >&2; exit 1; }

# quote makes each argument one word of a shell, or of systemd's ExecStart.
quote() { for arg in "$@"; do printf "'%s' " "$(printf '%s' "$arg" | sed "s/'/'\\\\''/g")"; done; }

setup() {
    [ "$(id -u)" = 0 ] || fatal 'Must run as root'
    [ -d /run/systemd/system ] || fatal 'Can not find systemd to use as a process supervisor for k3s'
    [ "${INSTALL_K3S_SKIP_DOWNLOAD}" = true ] || fatal 'The stand-in can not be downloaded: set INSTALL_K3S_SKIP_DOWNLOAD=true'

    # As the K3s installer does, INSTALL_K3S_EXEC is split like a shell would.
    eval set -- "${INSTALL_K3S_EXEC}" "$(quote "$@")"
    case "$1" in
        -* | '')
            if [ -z "${K3S_URL}" ]; then
                command=server
            else
                [ -n "${K3S_TOKEN}${K3S_TOKEN_FILE}" ] ||
                    fatal "Defaulted k3s exec command to 'agent' because K3S_URL is defined, but K3S_TOKEN or K3S_TOKEN_FILE is not defined."
                command=agent
            fi ;;
        *) command=$1; shift ;;
    esac
    case "$command" in server | agent) ;; *) fatal "Unknown command $command" ;; esac
    exec_line=$(quote "$command" "$@")

    name=k3s
    [ "$command" = server ] || name=k3s-$command
    [ -z "${INSTALL_K3S_NAME}" ] || name=k3s-${INSTALL_K3S_NAME}
    bin_dir=${INSTALL_K3S_BIN_DIR:-/usr/local/bin}
    unit=/etc/systemd/system/$name.service
    killall=$bin_dir/k3s-killall.sh
    uninstall=$bin_dir/$name-uninstall.sh
    [ -x "$bin_dir/k3s" ] || fatal "Executable k3s binary not found at $bin_dir/k3s"
}

hashes() { sha256sum "$bin_dir/k3s" "$unit" "$unit.env" 2>&1 || true; }

create_symlinks() {
    for tool in kubectl crictl ctr; do
        if [ -e "$bin_dir/$tool" ]; then
            info "Skipping $bin_dir/$tool symlink to k3s, already exists"
        elif which=$(command -v "$tool" 2>/dev/null); then
            info "Skipping $bin_dir/$tool symlink to k3s, command exists in PATH at $which"
        else
            info "Creating $bin_dir/$tool symlink to k3s"
            ln -s k3s "$bin_dir/$tool"
        fi
    done
}

create_killall() {
    info "Creating killall script $killall"
    cat > "$killall" <<'EOF'
#!/bin/sh
# Stops the K3s stand-in and all that it started: its units, pods, mounts, interfaces, routes and packet rules.
[ "$(id -u)" = 0 ] || exec sudo "$0" "$@"

for unit in /etc/systemd/system/k3s*.service; do
    [ -e "$unit" ] && systemctl stop "$(basename "$unit")"
done

# Pods live on without K3s. Their shims are known by containerd's socket, everything in them as the shims' descendants.
descendants() {
    for pid in "$@"; do
        echo "$pid"
        descendants $(cat "/proc/$pid"/task/*/children 2>/dev/null)
    done
}
shims() { pgrep -f 'containerd-shim.* -address /run/k3s/containerd/containerd.sock' || true; }
for round in 1 2 3; do
    pids=$(descendants $(shims))
    [ -n "$pids" ] || break
    kill -9 $pids 2>/dev/null
    sleep 0.2
done

unmount() {
    awk -v prefix="$1" 'index($2, prefix) == 1 { print $2 }' /proc/self/mounts | sort -ru | while read -r mount; do
        umount -f "$mount" 2>/dev/null || umount -l "$mount"
    done
}
unmount /run/k3s
unmount /var/lib/rancher/k3s
unmount /var/lib/kubelet/pods
unmount /var/lib/kubelet/plugins
for netns in $(ip netns show 2>/dev/null | awk '/^cni-/ { print $1 }'); do ip netns delete "$netns"; done
unmount /run/netns/cni-
rmdir /run/netns 2>/dev/null
rm -rf /run/k3s

# What the shims and the runtime kept of those pods. A socket that someone listens on is another containerd's.
rm -rf /run/containerd/runc/k8s.io
rmdir /run/containerd/runc 2>/dev/null
find /run/containerd/s -type s 2>/dev/null | while read -r socket; do
    grep -qF "$socket" /proc/net/unix || rm -f "$socket"
done
rmdir /run/containerd/s 2>/dev/null

ip -o link show 2>/dev/null | awk -F ': ' '/ master cni0 / { print $2 }' | while read -r link; do ip link delete "${link%@*}" 2>/dev/null; done
for link in cni0 flannel.1; do ip link delete "$link" 2>/dev/null; done
ip route flush proto 75 2>/dev/null
rm -rf /var/lib/cni

# Our chains and the rules that lead to them go; whatever else is there stays as it is.
for ip in iptables ip6tables; do
    command -v $ip-save > /dev/null || continue
    for table in filter nat mangle raw; do
        all=$($ip-save -t $table 2>/dev/null) || continue
        ours=$(printf '%s\n' "$all" | grep -iE '^(:|-A ).*(KUBE-|CNI-|FLANNEL|flanneld)' | grep -v '^:.* ACCEPT')
        [ -n "$ours" ] || continue
        {
            echo "*$table"
            printf '%s\n' "$ours" | sed -n 's/^-A \(INPUT\|OUTPUT\|FORWARD\|PREROUTING\|POSTROUTING\) /-D \1 /p'
            printf '%s\n' "$ours" | sed -n 's/^:\([^ ]*\) -.*/-F \1/p'
            printf '%s\n' "$ours" | sed -n 's/^:\([^ ]*\) -.*/-X \1/p'
            echo COMMIT
        } | $ip-restore --noflush
    done
done

# The pods' groups, from the innermost.
find /sys/fs/cgroup -mindepth 1 -maxdepth 3 -type d \( -name kubepods -o -name kubepods.slice \) 2>/dev/null | while read -r group; do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
done
exit 0
EOF
    chmod 755 "$killall"
    chown root:root "$killall"
}

create_uninstall() {
    info "Creating uninstall script $uninstall"
    cat > "$uninstall" <<EOF
#!/bin/sh
# Removes the K3s stand-in's $name from this host, with all its data.
[ "\$(id -u)" = 0 ] || exec sudo "\$0" "\$@"

$killall
systemctl disable $name.service 2>/dev/null
systemctl reset-failed $name.service 2>/dev/null
rm -f $unit $unit.env
systemctl daemon-reload

# What another K3s unit of this host still needs stays.
if ls /etc/systemd/system/k3s*.service > /dev/null 2>&1; then
    rm -f $uninstall
    exit 0
fi

# The network's settings and the kubelet's mount over its own folder, as they were before the first start.
before=/var/lib/rancher/k3s/agent/before
if [ -f \$before/sysctls ]; then
    while read -r key value; do echo "\$value" > "/proc/sys/\$key"; done < \$before/sysctls
fi
mounts() { awk '\$2 == "/var/lib/kubelet"' /proc/self/mounts | wc -l; }
if [ -f \$before/kubelet-mounts ]; then
    while [ "\$(mounts)" -gt "\$(cat \$before/kubelet-mounts)" ] && umount /var/lib/kubelet; do :; done
fi
for tool in kubectl crictl ctr; do
    [ "\$(readlink "$bin_dir/\$tool")" = k3s ] && rm -f "$bin_dir/\$tool"
done
rm -rf /etc/rancher /run/k3s /run/flannel /var/lib/rancher/k3s /var/log/pods /var/log/containers
# Where it is a mount of its own the folder itself stays.
if mountpoint -q /var/lib/kubelet; then
    find /var/lib/kubelet -mindepth 1 -delete
else
    rm -rf /var/lib/kubelet
fi
mountpoint -q /var/lib/rancher || rmdir /var/lib/rancher 2>/dev/null
rm -f $bin_dir/k3s $killall $uninstall
EOF
    chmod 755 "$uninstall"
    chown root:root "$uninstall"
}

# What is passed on to k3s. The values are secrets.
create_env_file() {
    info "env: Creating environment file $unit.env"
    (umask 077 && env | grep -E '^(K3S|CONTAINERD)_|^(HTTP|HTTPS|NO|http|https|no)_(PROXY|proxy)=' | sort |
        sed 's/\\/\\\\/g; s/"/\\"/g; s/^\([^=]*\)=\(.*\)$/\1="\2"/' > "$unit.env") || true
    chmod 0600 "$unit.env"
}

# A limit above the hard one, where that may not be raised, keeps systemd from starting the unit at all.
limit() {
    hard=$(ulimit -H -n)
    if [ "$hard" = unlimited ] || [ "$hard" -ge 1048576 ]; then echo 1048576; else echo "$hard"; fi
}

create_service_file() {
    info "systemd: Creating service file $unit"
    cat > "$unit" <<EOF
[Unit]
Description=Lightweight Kubernetes (stand-in)
Documentation=https://k3s.io
Wants=network-online.target
After=network-online.target

[Install]
WantedBy=multi-user.target

[Service]
Type=${INSTALL_K3S_TYPE:-notify}
EnvironmentFile=-/etc/default/%N
EnvironmentFile=-/etc/sysconfig/%N
EnvironmentFile=-$unit.env
KillMode=process
Delegate=yes
LimitNOFILE=$(limit)
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=$bin_dir/k3s $exec_line
EOF
    chmod 0644 "$unit"
}

enable_and_start() {
    if [ "${INSTALL_K3S_SKIP_ENABLE}" != true ]; then
        info "systemd: Enabling $name unit"
        systemctl enable "$unit"
    fi
    systemctl daemon-reload
    [ "${INSTALL_K3S_SKIP_START}" != true ] || return 0
    if [ "$before" = "$(hashes)" ] && [ "${INSTALL_K3S_FORCE_RESTART}" != true ] && systemctl is-active --quiet "$name"; then
        info 'No change detected so skipping service start'
        return 0
    fi
    info "systemd: Starting $name"
    systemctl restart "$name"
}

setup "$@"
before=$(hashes)
create_symlinks
create_killall
create_uninstall
create_env_file
create_service_file
enable_and_start
