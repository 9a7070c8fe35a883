# Prints what is on a node, one thing a line: <section> TAB <line>. What changes by itself is left out, each with its reason.
set -u
export LC_ALL=C
section() { sed "s/^/$1\t/"; }

# Not: what this script itself is running (its session), and logins.
mine=$(ps -o sid= -p $$ | tr -d ' ')
ps -eo sid=,args= | awk -v mine="$mine" '$1 != mine { $1 = ""; print substr($0, 2) }' |
	grep -v -e '^sshd-session' -e '^sshd: .*@' -e '^/usr/lib/openssh/sftp-server' | section processes

awk '{ print $2, $3 }' /proc/mounts | section mounts

systemctl list-unit-files --no-legend --no-pager --plain | awk '{ print $1, $2 }' | section unit-files
# Only what is active or has failed: systemd loads and drops the others as it likes. Not: devices, which are the host's; logins;
# services that start when someone asks over D-Bus and end by themselves; targets, which are points in time and run nothing; what runs
# once, at the first boot of all.
systemctl list-units --no-legend --no-pager --plain | awk '{ print $1, $3 }' |
	grep -v -e '\.device ' -e '\.target ' -e '^\(ldconfig\|systemd-journal-catalog-update\|systemd-sysusers\|systemd-update-done\)\.service ' -e '^session-.*\.scope ' -e '^user@' -e '^user-' \
		-e '^systemd-\(hostnamed\|timedated\|localed\)\.service ' | section units

# The number after @ is the peer's index on the host: it differs after each boot.
ip -o -d link show | awk '{ print $2 }' | sed 's/@.*//; s/:$//' | section interfaces
ip -o addr show | awk '{ print $2, $3, $4 }' | section addresses
{ ip -4 route show table all; ip -6 route show table all; } | sed 's/ expires [0-9]*sec//; s/ *$//' | section routes
{ ip -4 rule; ip -6 rule; } | section rules

# Tables and built-in chains that accept all are the same as none. Not: Docker's DNS at 127.0.0.11, whose ports differ after each boot.
for save in iptables-save ip6tables-save iptables-legacy-save ip6tables-legacy-save; do
	$save 2>/dev/null | awk -v save="$save" '
		/^\*/ { table = substr($0, 2) }
		/^:/ && $2 != "ACCEPT" { print save, table, $1, $2 }
		/^-/ { print save, table, $0 }' | grep -v -e '127\.0\.0\.11' -e DOCKER_ | section iptables
done

# Pods' groups; those of units come and go with them.
find /sys/fs/cgroup -mindepth 1 -maxdepth 3 -type d -name 'kube*' | section cgroups

# Content where people and installers write; elsewhere the size tells. Not: what packages own (see there), logs, caches, and
# what systemd writes while it runs.
volatile='-path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log
	-o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/systemd -o -path /.dockerenv'
find / \( $volatile \) -prune -o -type d -printf '%p %m\n' -o -type l -printf '%p -> %l\n' -o -type f \
	! -path '/etc/*' ! -path '/usr/local/*' ! -path '/opt/*' ! -path '/var/*' ! -path '/root/*' ! -path '/home/*' \
	-printf '%p %m %s bytes\n' -o ! -type f -printf '%p %m %y\n' 2>/dev/null | section files
for dir in /etc /usr/local /opt /var /root /home; do
	find "$dir" \( $volatile \) -prune -o -type f -printf '%m ' -exec sha256sum {} \; 2>/dev/null
done | awk '{ sum = $2; mode = $1; $1 = $2 = ""; print substr($0, 3), mode, substr(sum, 1, 16) }' | section files

# Names alone: what stands in these files changes all the time. Not: systemd's, D-Bus's and sshd's own, logins, credentials, and the
# lock file that every call of iptables makes.
find /run -mindepth 1 \( -path /run/systemd -o -path /run/dbus -o -path /run/log -o -path /run/user -o -path /run/credentials \
	-o -path /run/lock -o -path /run/sshd -o -path /run/sudo -o -path /run/shm \) -prune -o \
	! -name xtables.lock ! -name utmp ! -name sshd.pid -printf '%p %y\n' 2>/dev/null | section run

dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Status}\n' | section packages

# Not: counters. The machine's own, which all nodes share, stand apart.
sysctl -a 2>/dev/null | grep '^net\.' | grep -v -e nf_conntrack_count -e '\.stable_secret' | section sysctls
sysctl -a 2>/dev/null | grep -e '^vm\.' -e '^kernel\.panic' | grep -v -e '^vm\.stat' | section machine-sysctls
