package agent

import (
	"os"
	"path/filepath"
	"strings"

	"k8s.io/klog/v2"
)

// sysctl is a setting of the kernel, by its path below /proc/sys. One without a value is set by kube-proxy.
type sysctl struct{ key, value string }

func sysctls() []sysctl {
	return []sysctl{
		{"net/ipv4/ip_forward", "1"},
		{"net/ipv4/conf/all/forwarding", "1"},
		{"net/ipv4/conf/default/forwarding", "1"},
		{"net/bridge/bridge-nf-call-iptables", "1"},
		{"net/ipv4/conf/all/route_localnet", ""},
		{"vm/overcommit_memory", "1"},
		{"kernel/panic", "10"},
		{"kernel/panic_on_oops", "1"},
	}
}

// setSysctls sets what pods need of the kernel. Where it may not, it says so: all may be well as it is.
func setSysctls() {
	for _, s := range sysctls() {
		now, ok := readSysctl(s.key)
		if !ok || s.value == "" || now == s.value {
			continue
		}
		if err := os.WriteFile(filepath.Join("/proc/sys", s.key), []byte(s.value), 0o644); err != nil {
			klog.InfoS("Cannot set sysctl", "name", s.key, "value", s.value, "err", err)
		}
	}
}

func readSysctl(key string) (string, bool) {
	data, err := os.ReadFile(filepath.Join("/proc/sys", key))
	return strings.TrimSpace(string(data)), err == nil
}
