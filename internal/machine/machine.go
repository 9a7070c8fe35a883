// Package machine tells what this machine's processors and memory are used for.
package machine

import (
	"errors"
	"fmt"

	"github.com/prometheus/procfs"
)

// Processors is the time of all processors since the machine started, in s.
type Processors struct {
	// All is all of it, Busy what went to programs and the kernel.
	All, Busy float64
	// Stolen is the part of All that the machine's host gave to others although there was something to do.
	Stolen float64
}

// ReadProcessors tells the time of the processors.
func ReadProcessors() (p Processors, err error) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return p, fmt.Errorf("see how busy the machine is: %w", err)
	}
	stat, err := proc.Stat()
	if err != nil {
		return p, fmt.Errorf("see how busy the machine is: %w", err)
	}
	// Guests' time is in that of their users.
	c := stat.CPUTotal
	p.Busy = c.User + c.Nice + c.System + c.IRQ + c.SoftIRQ + c.Steal
	p.All, p.Stolen = p.Busy+c.Idle+c.Iowait, c.Steal
	return p, nil
}

// Since are the shares of busy and of stolen time since p was read before, 0 to 1.
func (p Processors) Since(before Processors) (busy, stolen float64) {
	all := p.All - before.All
	if all <= 0 {
		return 0, 0
	}
	return (p.Busy - before.Busy) / all, (p.Stolen - before.Stolen) / all
}

// Memory is what is in use and what is available on this machine, in bytes.
func Memory() (used, available int64, err error) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, 0, fmt.Errorf("see how much memory there is: %w", err)
	}
	info, err := proc.Meminfo()
	if err != nil {
		return 0, 0, fmt.Errorf("see how much memory there is: %w", err)
	}
	if info.MemTotalBytes == nil || info.MemAvailableBytes == nil {
		return 0, 0, errors.New("see how much memory there is: /proc/meminfo does not say")
	}
	available = int64(*info.MemAvailableBytes)
	return int64(*info.MemTotalBytes) - available, available, nil
}
