//go:build !linux

package bots

import "time"

// precise does nothing: Go's own timers have to do.
func precise() {}

func sleep(d time.Duration) { time.Sleep(d) }
