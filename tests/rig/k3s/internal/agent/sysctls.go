package agent

import (
	"errors"
	"fmt"
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

// setSysctls sets what pods need of the kernel. Where it may not, it says so: it may be well as it is. How the network's settings
// were before the first start is kept in a file, for the uninstaller.
func setSysctls(beforeFile string) error {
	var before strings.Builder
	for _, s := range sysctls() {
		path := filepath.Join("/proc/sys", s.key)
		data, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read sysctl: %w", err)
		}
		now := strings.TrimSpace(string(data))
		if strings.HasPrefix(s.key, "net/") {
			fmt.Fprintf(&before, "%s %s\n", s.key, now)
		}
		if s.value == "" || now == s.value {
			continue
		}
		if err := os.WriteFile(path, []byte(s.value), 0o644); err != nil {
			klog.InfoS("Cannot set sysctl", "name", s.key, "value", s.value, "err", err)
		}
	}
	if _, err := os.Stat(beforeFile); err == nil {
		return nil
	}
	if err := os.WriteFile(beforeFile, []byte(before.String()), 0o600); err != nil {
		return fmt.Errorf("keep sysctls: %w", err)
	}
	return nil
}
