package agent

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	systemdDriver = "systemd"
	fsDriver      = "cgroupfs"
)

// cgroupSetup is who makes the pods' cgroups.
type cgroupSetup struct{ driver string }

// detectCgroups chooses as K3s does: systemd where it rules a unified hierarchy and started us, cgroupfs elsewhere.
func detectCgroups() (cgroupSetup, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs("/sys/fs/cgroup", &fs); err != nil {
		return cgroupSetup{}, fmt.Errorf("look at /sys/fs/cgroup: %w", err)
	}
	if fs.Type == unix.CGROUP2_SUPER_MAGIC && os.Getenv("INVOCATION_ID") != "" {
		return cgroupSetup{driver: systemdDriver}, nil
	}
	return cgroupSetup{driver: fsDriver}, nil
}
