package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/mount-utils"
)

// kubeletDir is the kubelet's folder, over which it mounts that folder itself where it is not a shared mount already.
const kubeletDir = "/var/lib/kubelet"

// keepBefore keeps how the host was before the first start, in files of the folder dir, for the uninstaller: the network's settings,
// and how many mounts there are at the kubelet's folder.
func keepBefore(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	var settings strings.Builder
	for _, s := range sysctls() {
		if value, ok := readSysctl(s.key); ok && strings.HasPrefix(s.key, "net/") {
			fmt.Fprintf(&settings, "%s %s\n", s.key, value)
		}
	}
	mounts, err := mount.ListProcMounts("/proc/self/mounts")
	if err != nil {
		return fmt.Errorf("list mounts: %w", err)
	}
	count := 0
	for _, m := range mounts {
		if m.Path == kubeletDir {
			count++
		}
	}
	// The folder appears whole: a start that was cut off must not leave half of it to be believed.
	tmp := dir + ".tmp"
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return fmt.Errorf("keep the host's state: %w", err)
	}
	for name, content := range map[string]string{"sysctls": settings.String(), "kubelet-mounts": fmt.Sprintln(count)} {
		if err := os.WriteFile(filepath.Join(tmp, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("keep the host's state: %w", err)
		}
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("keep the host's state: %w", err)
	}
	return nil
}
