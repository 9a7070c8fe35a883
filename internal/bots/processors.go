package bots

import "github.com/prometheus/procfs"

// processors is the time of this machine's processors since it started, in s, and the part of it in which its host gave them to others although there was something to do.
// Both are 0 where the system does not tell.
func processors() (all, stolen float64) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, 0
	}
	stat, err := proc.Stat()
	if err != nil {
		return 0, 0
	}
	// Guests' time is in that of their users.
	c := stat.CPUTotal
	return c.User + c.Nice + c.System + c.Idle + c.Iowait + c.IRQ + c.SoftIRQ + c.Steal, c.Steal
}
