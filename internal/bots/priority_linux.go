package bots

import (
	"os"
	"strconv"
	"syscall"
)

// botsNice is the niceness of the bots while they play. On the local city's machine they share the processors with what they measure; a
// player does not. Below the kernel's own threads and above all else is enough for them to keep their schedule.
const botsNice = -10

// prefer gives this process the processor before others where the system lets it, and returns what takes that back. Threads that begin later
// inherit it from the one that starts them.
func prefer() (restore func()) {
	before, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		return func() {}
	}
	setNice(botsNice)
	// The system call answers 20 less the niceness, so that no answer looks like an error.
	return func() { setNice(20 - before) }
}

// setNice sets the niceness of each of the process's threads: Linux has it by thread. Without the right to (CAP_SYS_NICE) nothing changes,
// and bots that come late show in the results as ever.
func setNice(nice int) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, task := range tasks {
		if tid, err := strconv.Atoi(task.Name()); err == nil {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, tid, nice)
		}
	}
}
