package bots

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// precise makes this thread's sleeps end on time; by default Linux may add 50 µs to each.
func precise() {
	// Where it fails, inputs are a little late, which is measured.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
}

// sleep blocks the thread. A signal, such as those of Go's scheduler, interrupts it: then it sleeps for the rest.
func sleep(d time.Duration) {
	left := unix.NsecToTimespec(int64(d))
	for errors.Is(unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &left, &left), syscall.EINTR) {
	}
}
